//! `cargo xtask check`: everything that can be said about the sources without running them.
//!
//! Every step runs even when one before it failed, so that one call tells all there is to mend.

use std::process::ExitCode;
use std::time::Instant;

use anyhow::Result;

use crate::cargo::{WORKSPACE, cargo, need_component, root, run as run_command};
use crate::{deny, files, layers, promises, table};

/// How a step ended when nothing went wrong.
pub(crate) enum Step {
    Passed,
    /// Not run, and why.
    Skipped(String),
}

type Check = fn() -> Result<Step>;

const STEPS: &[(&str, Check)] = &[
    ("fmt", format),
    ("layers", layers::check),
    ("files", files::check),
    ("promises", promises::check),
    ("clippy", clippy),
    ("docs", docs),
    ("deny", deny::check),
];

/// The first of `names` that is no step.
pub(crate) fn unknown<'a>(names: &[&'a str]) -> Option<&'a str> {
    names.iter().copied().find(|name| STEPS.iter().all(|(step, _)| step != name))
}

/// Runs the steps named, or every step if none is, and ends with a table; fails if any step failed.
pub(crate) fn run(names: &[&str]) -> Result<ExitCode> {
    let mut rows = Vec::new();
    let mut failed = false;
    for (name, step) in STEPS.iter().filter(|(name, _)| names.is_empty() || names.contains(name)) {
        eprintln!("\n== {name}");
        let start = Instant::now();
        let result = match step() {
            Ok(Step::Passed) => "ok".to_owned(),
            Ok(Step::Skipped(why)) => format!("skipped: {why}"),
            Err(error) => {
                eprintln!("error: {error:#}");
                failed = true;
                "failed".to_owned()
            }
        };
        rows.push(vec![(*name).to_owned(), result, format!("{:.1}", start.elapsed().as_secs_f64())]);
    }
    print!("\n{}", table::render(&["step", "result", "seconds"], &rows));
    Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

fn format() -> Result<Step> {
    need_component("fmt", "rustfmt")?;
    let host = run_command(&mut cargo(["fmt", "--all", "--check"]));
    let guests = root().join("guests").join("Cargo.toml");
    // Both are run before either is reported: one call shows every file to format.
    let guests = run_command(cargo(["fmt", "--all", "--check", "--manifest-path"]).arg(guests));
    host?;
    guests?;
    Ok(Step::Passed)
}

fn clippy() -> Result<Step> {
    need_component("clippy", "clippy")?;
    run_command(cargo(["clippy"]).args(WORKSPACE).args([
        "--all-targets",
        "--locked",
        "--",
        "-D",
        "warnings",
    ]))?;
    Ok(Step::Passed)
}

fn docs() -> Result<Step> {
    let mut doc = cargo(["doc"]);
    doc.args(WORKSPACE).args(["--no-deps", "--locked"]);
    // With an example come the features of dev-dependencies: those that clippy has compiled Wasmtime with already. One of
    // them, because the documentation of two with the same name would go to one place.
    doc.args(["--lib", "--bins", "--example", "demo"]).env("RUSTDOCFLAGS", "-D warnings");
    run_command(&mut doc)?;
    Ok(Step::Passed)
}

#[cfg(test)]
mod tests {
    use super::unknown;

    #[test]
    fn a_step_that_does_not_exist_is_named() {
        assert_eq!(unknown(&["layers", "layer"]), Some("layer"));
        assert_eq!(unknown(&["fmt", "docs"]), None);
    }
}
