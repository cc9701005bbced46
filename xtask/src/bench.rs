//! `cargo xtask bench`: the benchmarks of `benches/`, a workspace of its own with its own lock file.

use std::process::ExitCode;

use anyhow::Result;

use crate::cargo::{self, cargo, root};
use crate::guests;

/// Builds the guests of the benchmarks and runs what `benches/` measures; `arguments` go to criterion.
///
/// # Errors
///
/// If something does not build, or a benchmark fails.
pub(crate) fn run(arguments: &[&str]) -> Result<ExitCode> {
    guests::build_for_benchmarks()?;
    let workspace = root().join("benches").join("Cargo.toml");
    let target = root().join("target").join("bench");
    let mut bench = cargo(["bench", "--locked", "--manifest-path"]);
    bench.arg(workspace).arg("--target-dir").arg(target).arg("--").args(arguments);
    cargo::run(&mut bench)?;
    Ok(ExitCode::SUCCESS)
}
