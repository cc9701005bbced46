//! `cargo xtask suite`: public test suites, run through our own crates, with what they said.

mod built;
mod component;
mod languages;
mod programs;
mod wasi;

use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};

use crate::cargo::root;
use crate::test::{self, counts};

/// A public suite.
#[derive(Debug)]
pub(crate) struct Suite {
    name: &'static str,
    how: How,
}

/// How a suite is run.
#[derive(Debug)]
enum How {
    /// By one test of the integration binary `it` of a package, which brings the suite with it.
    Test {
        package: &'static str,
        /// The test's full name.
        test: &'static str,
    },
    /// By a chore of its own, which takes arguments.
    Chore(fn(&[&str]) -> Result<ExitCode>),
}

const SUITES: &[Suite] = &[
    Suite {
        name: "spec",
        how: How::Test {
            package: "host-core",
            test: "spec::every_file_of_the_standard_passes_or_is_listed_with_its_reason",
        },
    },
    Suite { name: "wasi", how: How::Chore(wasi::run) },
    Suite { name: "programs", how: How::Chore(programs::run) },
    Suite { name: "component", how: How::Chore(component::run) },
    Suite { name: "languages", how: How::Chore(languages::run) },
];

/// The suite of this name, or what to say to somebody who asks for another.
pub(crate) fn find(name: &str) -> Result<&'static Suite, String> {
    SUITES
        .iter()
        .find(|suite| suite.name == name)
        .ok_or_else(|| format!("there is no suite `{name}`; {}", known()))
}

/// The suites there are, for people.
pub(crate) fn known() -> String {
    let names: Vec<&str> = SUITES.iter().map(|suite| suite.name).collect();
    format!("known suites: {}", names.join(", "))
}

/// Runs the suite and shows what it says.
pub(crate) fn run(suite: &Suite, arguments: &[&str]) -> Result<ExitCode> {
    match suite.how {
        How::Chore(chore) => chore(arguments),
        How::Test { package, test } if arguments.is_empty() => run_test(package, test),
        How::Test { .. } => bail!("`suite {}` takes no arguments", suite.name),
    }
}

/// Builds the test, runs it and shows what it prints. Fails if it fails, and also if it is not there to be run.
fn run_test(package: &str, name: &str) -> Result<ExitCode> {
    let mut command = Command::new(built::executable(package, "it")?);
    command.args(["--exact", name, "--nocapture"]);
    run_tests(&mut command).with_context(|| format!("{package} has no test named {name}"))
}

/// Runs an executable of tests, and shows what it says. Fails if a test does, and also if none passes.
fn run_tests(command: &mut Command) -> Result<ExitCode> {
    let mut passed = 0;
    let status = test::stream(test::quiet(command.current_dir(root())), |line| {
        passed += counts::result(line).map_or(0, |counts| counts.passed);
    })?;
    if passed == 0 && status.success() {
        bail!("no test ran");
    }
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_that_is_not_known_is_told_with_those_that_are() {
        assert_eq!(find("spec").unwrap().name, "spec");
        assert_eq!(
            find("spce").unwrap_err(),
            "there is no suite `spce`; known suites: spec, wasi, programs, component, languages"
        );
    }

    #[test]
    fn a_suite_without_arguments_refuses_them() {
        let error = run(find("spec").unwrap(), &["--all"]).unwrap_err();
        assert_eq!(error.to_string(), "`suite spec` takes no arguments");
    }
}
