//! The examples of the workspace: which there are, how they are built, and how one is run.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::cargo::{cargo, metadata, root, run};

/// One example of one package.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Example {
    pub(crate) package: String,
    pub(crate) name: String,
    binary: PathBuf,
}

impl Example {
    /// A command that runs the built example at the root of the repository.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.current_dir(root());
        command
    }
}

/// Every example of the workspace, by package and name.
pub(crate) fn all() -> Result<Vec<Example>> {
    list(&metadata()?)
}

/// The example `name` of `package`.
pub(crate) fn find(package: &str, name: &str) -> Result<Example> {
    let found = all()?.into_iter().find(|example| example.package == package && example.name == name);
    found.with_context(|| format!("{package} has no example named `{name}`"))
}

/// Builds every example in one go.
///
/// Always the whole workspace: a build of one package resolves other features and would compile Wasmtime anew.
pub(crate) fn build() -> Result<()> {
    Ok(run(&mut cargo(["build", "--workspace", "--examples", "--locked"]))?)
}

fn list(metadata: &Value) -> Result<Vec<Example>> {
    let target =
        metadata["target_directory"].as_str().context("`cargo metadata` names no target directory")?;
    let folder = PathBuf::from(target).join("debug").join("examples");
    let mut examples = Vec::new();
    for package in metadata["packages"].as_array().into_iter().flatten() {
        for target in package["targets"].as_array().into_iter().flatten() {
            let kinds = target["kind"].as_array();
            if !kinds.is_some_and(|kinds| kinds.iter().any(|kind| kind == "example")) {
                continue;
            }
            let (Some(package), Some(name)) = (package["name"].as_str(), target["name"].as_str()) else {
                bail!("`cargo metadata` lists an example without a name");
            };
            let binary = folder.join(format!("{name}{}", std::env::consts::EXE_SUFFIX));
            examples.push(Example { package: package.to_owned(), name: name.to_owned(), binary });
        }
    }
    examples.sort_by(|a, b| (&a.package, &a.name).cmp(&(&b.package, &b.name)));
    refuse_twins(&examples)?;
    Ok(examples)
}

/// Cargo puts every example into one folder, so of two with one name only one would be there to run.
fn refuse_twins(examples: &[Example]) -> Result<()> {
    let mut seen = BTreeMap::new();
    for Example { package, name, .. } in examples {
        if let Some(other) = seen.insert(name, package) {
            bail!("{other} and {package} both have an example `{name}`; rename one");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn metadata(second: &str) -> Value {
        json!({ "target_directory": "target", "packages": [
            { "name": "b", "targets": [{ "name": second, "kind": ["example"] }, { "name": "b", "kind": ["lib"] }] },
            { "name": "a", "targets": [{ "name": "first", "kind": ["example"] }, { "name": "it", "kind": ["test"] }] },
        ]})
    }

    #[test]
    fn examples_are_found_and_sorted_by_package() {
        let found = list(&metadata("second")).unwrap();
        let names: Vec<_> =
            found.iter().map(|example| format!("{}/{}", example.package, example.name)).collect();
        assert_eq!(names, ["a/first", "b/second"]);
        assert!(found[0].binary.starts_with("target/debug/examples"), "{found:?}");
    }

    #[test]
    fn two_examples_of_one_name_are_refused() {
        let error = list(&metadata("first")).unwrap_err().to_string();
        assert_eq!(error, "a and b both have an example `first`; rename one");
    }
}
