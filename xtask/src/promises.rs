//! What a leaf crate promises to a stranger who takes only that one: what it does not pull in.

use anyhow::{Result, bail};

use crate::cargo::{cargo, output, run};
use crate::check::Step;

/// One way to depend on a leaf crate, and the crates that must not come along.
struct Promise {
    package: &'static str,
    options: &'static [&'static str],
    without: &'static [&'static str],
}

const PROMISES: &[Promise] = &[
    Promise { package: "host-limits", options: &[], without: &["tokio", "wasmtime-wasi", "host-", "clap"] },
    Promise { package: "host-cache", options: &[], without: &["tokio", "wasmtime-wasi", "host-", "clap"] },
    Promise {
        package: "host-cache",
        options: &["--no-default-features"],
        without: &["wasmtime", "tokio", "host-"],
    },
    Promise {
        package: "host-wasi",
        options: &[],
        without: &[
            "hyper",
            "rustls",
            "wasmtime-wasi-http",
            "wasi-preview1-component-adapter-provider",
            "host-",
            "clap",
        ],
    },
];

/// The crates for strangers that have optional parts: how they are compiled without them.
const BARE: &[(&str, &[&str])] =
    &[("host-cache", &["--no-default-features"]), ("host-wasi", &[]), ("host-component", &[])];

/// Asks cargo for the normal dependencies of each leaf, and compiles the leaves that have optional ones without them.
pub(crate) fn check() -> Result<Step> {
    let mut broken = Vec::new();
    for Promise { package, options, without } in PROMISES {
        let mut tree =
            cargo(["tree", "--locked", "--edges", "normal", "--prefix", "none", "--package", package]);
        let tree = output(alone(&mut tree).args(*options))?;
        let with = options.iter().map(|option| format!(" {option}")).collect::<String>();
        broken.extend(
            kept(package, &tree, without)
                .into_iter()
                .map(|name| format!("{package}{with} pulls in {name}, which it promises not to")),
        );
    }
    for line in &broken {
        eprintln!("{line}");
    }
    // With clippy, since the step of that name does not see what stands there only without the feature.
    let bare = BARE.iter().try_for_each(|(package, options)| {
        let mut clippy = cargo(["clippy", "--locked", "--package", package]);
        run(alone(clippy.args(*options)).args(["--all-targets", "--", "-D", "warnings"]))
    });
    if !broken.is_empty() {
        bail!("{} broken promise(s) about dependencies", broken.len());
    }
    bare?;
    Ok(Step::Passed)
}

/// Features as a stranger gets them: one package at a time, whatever a developer has set for the workspace.
fn alone(command: &mut std::process::Command) -> &mut std::process::Command {
    command.env_remove("CARGO_RESOLVER_FEATURE_UNIFICATION")
}

/// The crates of a `cargo tree --prefix none` that were promised away; a promise ending in `-` is a family of names.
fn kept(package: &str, tree: &str, without: &[&str]) -> Vec<String> {
    let mut names: Vec<&str> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    names.sort_unstable();
    names.dedup();
    names.retain(|name| {
        *name != package
            && without
                .iter()
                .any(|refused| name == refused || (refused.ends_with('-') && name.starts_with(refused)))
    });
    names.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::kept;

    const TREE: &str = "host-limits v0.1.0 (somewhere)\nserde v1.0.228\nwasmtime v48.0.8\nwasmtime-environ v48.0.8\nserde v1.0.228 (*)\n";

    #[test]
    fn a_tree_without_the_refused_crates_keeps_the_promise() {
        assert!(kept("host-limits", TREE, &["tokio", "wasmtime-wasi", "host-"]).is_empty());
    }

    #[test]
    fn a_refused_crate_is_named_once_and_whole_names_count() {
        assert_eq!(kept("host-limits", TREE, &["serde", "wasm"]), ["serde"]);
        assert_eq!(kept("host-limits", TREE, &["wasmtime-"]), ["wasmtime-environ"]);
        assert_eq!(kept("host-cache", TREE, &["host-"]), ["host-limits"]);
    }
}
