//! `cargo xtask suite component`: the component model's own scripts, through the calls of host-component.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail, ensure};

use super::{built, run_tests};

/// Where the checkouts are, written as `PATH` is, if no argument says so; and how the test is told.
const VARIABLE: &str = "COMPONENT_TESTSUITE";

const MISSING: &str = "\
the component model's scripts are skipped, for they are not here; get them (each needs nothing but its files), and say where
they are by --suite PATH, once or twice, or COMPONENT_TESTSUITE:
  git clone https://github.com/WebAssembly/component-model   and check out 6d28164
  git clone https://github.com/bytecodealliance/wasmtime     and check out e6b33de513";

/// Runs every script of the checkouts, and shows what passed. Fails if one does that is not listed, or passes though it is.
pub(super) fn run(arguments: &[&str]) -> Result<ExitCode> {
    let mut suites = suites(arguments)?;
    if suites.is_empty() {
        let named = env::var_os(VARIABLE).unwrap_or_default();
        suites = env::split_paths(&named).filter(|path| !path.as_os_str().is_empty()).collect();
    }
    if suites.is_empty() {
        println!("{MISSING}");
        return Ok(ExitCode::SUCCESS);
    }
    let joined = joined(&suites)?;
    let test = built::test("host-component", "conformance")?;
    run_tests(Command::new(test).arg("--nocapture").env(VARIABLE, joined))
}

fn suites(arguments: &[&str]) -> Result<Vec<PathBuf>> {
    let mut suites = Vec::new();
    let mut rest = arguments;
    loop {
        rest = match rest {
            [] => return Ok(suites),
            ["--suite", path, rest @ ..] => {
                suites.push(path.into());
                rest
            }
            [other, ..] => {
                bail!("`suite component` takes --suite PATH (a checkout), once or twice, not `{other}`")
            }
        };
    }
}

/// All of them in one variable. The test runs at the root of the repository, whatever the folder is here.
fn joined(suites: &[PathBuf]) -> Result<OsString> {
    let absolute = suites.iter().map(|suite| {
        ensure!(suite.is_dir(), "there is no folder {}", suite.display());
        std::path::absolute(Path::new(suite)).context("this folder has no path")
    });
    env::join_paths(absolute.collect::<Result<Vec<PathBuf>>>()?).context("a path that cannot be passed on")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read() {
        assert!(suites(&[]).unwrap().is_empty());
        assert_eq!(suites(&["--suite", "a", "--suite", "b"]).unwrap(), [Path::new("a"), Path::new("b")]);
        let error = suites(&["--suit", "a"]).unwrap_err().to_string();
        assert!(error.ends_with("not `--suit`"), "{error}");
    }

    #[test]
    fn a_folder_that_is_not_there_is_told() {
        let error = joined(&["no-such-folder".into()]).unwrap_err();
        assert_eq!(error.to_string(), "there is no folder no-such-folder");
    }
}
