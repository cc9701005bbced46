//! Which crate may lean on which: the arrows of ARCHITECTURE.md, held against what cargo says.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::cargo::{metadata, root};
use crate::check::Step;

/// Every crate of the workspace and the crates of ours that it may depend on, leaves first.
///
/// Normal and build dependencies count; dev-dependencies are free, so that tests may reach sideways and up.
/// An arrow that is allowed and not used is fine.
const ALLOWED: &[(&str, &[&str])] = &[
    ("host-limits", &[]),
    ("host-cache", &[]),
    ("host-wasi", &[]),
    ("host-core", &["host-limits"]),
    ("host-component", &["host-core"]),
    ("host-plugins", &["host-cache", "host-component", "host-core", "host-limits", "host-wasi"]),
    ("wasm-host", &["host-plugins"]),
    ("own-world", &[]),
    ("fixtures", &[]),
    ("xtask", &[]),
];

/// Refuses an arrow that [`ALLOWED`] does not have, a crate it does not know, and a map that says otherwise.
pub(crate) fn check() -> Result<Step> {
    let mut problems = violations(&packages(&metadata()?)?, ALLOWED);
    let map =
        std::fs::read_to_string(root().join("ARCHITECTURE.md")).context("ARCHITECTURE.md cannot be read")?;
    problems.extend(disagreements(&map, ALLOWED));
    for problem in &problems {
        eprintln!("{problem}");
    }
    if problems.is_empty() {
        Ok(Step::Passed)
    } else {
        bail!("{} problem(s) with the layers", problems.len())
    }
}

/// A package's name and the names it depends on other than for its tests.
type Packages = BTreeMap<String, Vec<String>>;

/// Reads the packages out of `cargo metadata --no-deps`.
fn packages(metadata: &Value) -> Result<Packages> {
    let packages = metadata["packages"].as_array().context("`cargo metadata` lists no packages")?;
    packages
        .iter()
        .map(|package| {
            let name = package["name"].as_str().context("a package of `cargo metadata` has no name")?;
            let dependencies = package["dependencies"].as_array().into_iter().flatten();
            let counted = dependencies.filter(|dependency| dependency["kind"].as_str() != Some("dev"));
            let names = counted.filter_map(|dependency| dependency["name"].as_str().map(str::to_owned));
            Ok((name.to_owned(), names.collect()))
        })
        .collect()
}

fn violations(packages: &Packages, allowed: &[(&str, &[&str])]) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, dependencies) in packages {
        let Some((_, may)) = allowed.iter().find(|(known, _)| known == name) else {
            problems.push(format!("{name}: not in the table of xtask/src/layers.rs; give it a line there"));
            continue;
        };
        let ours = dependencies.iter().filter(|dependency| packages.contains_key(*dependency));
        for dependency in ours.filter(|dependency| !may.contains(&dependency.as_str())) {
            let may = if may.is_empty() { "none of our crates".to_owned() } else { may.join(", ") };
            problems.push(format!("{name} must not depend on {dependency}; it may depend on {may}"));
        }
    }
    let gone = allowed.iter().filter(|(name, _)| !packages.contains_key(*name));
    problems.extend(
        gone.map(|(name, _)| format!("{name}: in the table of xtask/src/layers.rs, not in the workspace")),
    );
    problems
}

/// Holds the crates table of ARCHITECTURE.md against ours: first cells `folder` and `package`, last cell what it is built on.
fn disagreements(map: &str, allowed: &[(&str, &[&str])]) -> Vec<String> {
    let rows: Vec<Vec<&str>> = map
        .lines()
        .filter_map(|line| line.trim().strip_prefix('|')?.strip_suffix('|'))
        .map(|row| row.split('|').map(str::trim).collect())
        .collect();
    let mut problems = Vec::new();
    for (name, may) in allowed {
        let Some(row) = rows.iter().find(|row| row.get(1) == Some(&format!("`{name}`").as_str())) else {
            problems.push(format!("{name}: has no row in the crates table of ARCHITECTURE.md"));
            continue;
        };
        let built_on = row.last().copied().unwrap_or_default();
        let mut drawn: Vec<&str> = built_on.split('`').skip(1).step_by(2).collect();
        drawn.retain(|word| allowed.iter().any(|(known, _)| known == word));
        drawn.sort_unstable();
        let mut may = may.to_vec();
        may.sort_unstable();
        if drawn != may {
            problems.push(format!(
                "{name}: ARCHITECTURE.md builds it on [{}], xtask/src/layers.rs on [{}]",
                drawn.join(", "),
                may.join(", ")
            ));
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const TABLE: &[(&str, &[&str])] = &[("leaf", &[]), ("middle", &["leaf"])];

    fn check(metadata: &Value) -> Vec<String> {
        violations(&packages(metadata).unwrap(), TABLE)
    }

    fn leaf_depends_on_middle(kind: Option<&str>) -> Value {
        json!({ "packages": [
            { "name": "leaf", "dependencies": [{ "name": "middle", "kind": kind }, { "name": "serde", "kind": null }] },
            { "name": "middle", "dependencies": [{ "name": "leaf", "kind": null }] },
        ]})
    }

    #[test]
    fn a_forbidden_arrow_is_named_with_what_is_allowed() {
        let expected = ["leaf must not depend on middle; it may depend on none of our crates"];
        assert_eq!(check(&leaf_depends_on_middle(None)), expected);
        assert_eq!(check(&leaf_depends_on_middle(Some("build"))), expected);
    }

    #[test]
    fn dev_dependencies_are_free() {
        assert!(check(&leaf_depends_on_middle(Some("dev"))).is_empty());
    }

    #[test]
    fn an_arrow_that_is_not_used_is_fine() {
        let metadata = json!({ "packages": [{ "name": "leaf", "dependencies": [] }, { "name": "middle", "dependencies": [] }]});
        assert!(check(&metadata).is_empty());
    }

    #[test]
    fn a_crate_without_a_line_and_a_line_without_a_crate_are_refused() {
        let metadata = json!({ "packages": [{ "name": "leaf", "dependencies": [] }, { "name": "new", "dependencies": [] }]});
        let problems = check(&metadata);
        assert_eq!(problems.len(), 2, "{problems:?}");
        assert!(problems[0].starts_with("new: not in the table"), "{problems:?}");
        assert!(problems[1].starts_with("middle: in the table"), "{problems:?}");
    }

    #[test]
    fn a_map_that_draws_another_arrow_is_refused() {
        let agreeing = "| folder | package | answers | built on |\n|---|---|---|---|\n\
            | `a` | `leaf` | how much? | wasmtime |\n| `b` | `middle` | how? | wasmtime, `leaf` |\n";
        assert!(disagreements(agreeing, TABLE).is_empty());
        let other = agreeing.replace("wasmtime |\n| `b`", "`middle` |\n| `b`");
        assert_eq!(
            disagreements(&other, TABLE),
            ["leaf: ARCHITECTURE.md builds it on [middle], xtask/src/layers.rs on []"]
        );
        assert_eq!(disagreements("", TABLE).len(), 2);
    }

    #[test]
    fn metadata_without_packages_is_an_error() {
        assert!(packages(&json!({})).is_err());
    }
}
