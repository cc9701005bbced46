//! `cargo xtask suite`: a public test suite, run through our own crates by one of their tests, with what it said.

use std::path::PathBuf;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context as _, Result, bail};
use serde_json::Value;

use crate::cargo::{CommandError, cargo, line, metadata, root};
use crate::test::{self, counts};

/// A suite, and the test that runs it.
#[derive(Debug)]
pub(crate) struct Suite {
    name: &'static str,
    package: &'static str,
    /// The test's full name in the integration binary `it` of its package.
    test: &'static str,
}

const SUITES: &[Suite] = &[Suite {
    name: "spec",
    package: "host-core",
    test: "spec::every_file_of_the_standard_passes_or_is_listed_with_its_reason",
}];

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

/// Builds the test, runs it and shows what it prints. Fails if it fails, and also if it is not there to be run.
pub(crate) fn run(suite: &Suite) -> Result<ExitCode> {
    let mut command = Command::new(build(suite.package)?);
    command.args(["--exact", suite.test, "--nocapture"]).current_dir(root());
    let mut passed = 0;
    let status = test::stream(test::quiet(&mut command), |line| {
        passed += counts::result(line).map_or(0, |counts| counts.passed);
    })?;
    if passed == 0 && status.success() {
        bail!("{} has no test named {}", suite.package, suite.test);
    }
    Ok(if status.success() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Builds the integration tests of the whole workspace, since one package alone has Wasmtime compiled with other
/// features, and gives the binary of `package`.
fn build(package: &str) -> Result<PathBuf> {
    let mut command = cargo(["test", "--workspace", "--locked", "--test", "it", "--no-run"]);
    command.args(["--message-format", "json-render-diagnostics"]);
    eprintln!("$ {}", line(&command));
    let output = command
        .stdin(Stdio::null())
        .stderr(Stdio::inherit())
        .output()
        .map_err(|source| CommandError::NotStarted { line: line(&command), source })?;
    if !output.status.success() {
        let (line, status) = (line(&command), output.status);
        return Err(CommandError::Failed { line, status, said: String::new() }.into());
    }
    binary(&metadata()?, &String::from_utf8_lossy(&output.stdout), package)
        .with_context(|| format!("cargo built no integration tests of {package}"))
}

/// The test binary `it` of `package`, from what `cargo metadata` and `cargo test --message-format json` print.
fn binary(metadata: &Value, messages: &str, package: &str) -> Option<PathBuf> {
    let packages = metadata["packages"].as_array()?;
    let id = packages.iter().find(|listed| listed["name"] == package)?["id"].as_str()?;
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages
        .filter(|message| message["package_id"] == id && message["target"]["name"] == "it")
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_suite_that_is_not_known_is_told_with_those_that_are() {
        assert_eq!(find("spec").unwrap().package, "host-core");
        assert_eq!(find("spce").unwrap_err(), "there is no suite `spce`; known suites: spec");
    }

    #[test]
    fn the_binary_is_that_of_the_package() {
        let metadata = json!({ "packages": [{ "name": "a", "id": "a#1" }, { "name": "b", "id": "b#1" }] });
        let artifact = |package: &str, target: &str, executable: Value| {
            json!({ "package_id": package, "target": { "name": target }, "executable": executable })
                .to_string()
        };
        let messages = [
            "not JSON".to_owned(),
            artifact("a#1", "it", "/a/it".into()),
            artifact("b#1", "b", Value::Null),
            artifact("b#1", "b", "/b/unit".into()),
            artifact("b#1", "it", Value::Null),
            artifact("b#1", "it", "/b/it".into()),
        ]
        .join("\n");
        assert_eq!(binary(&metadata, &messages, "b"), Some("/b/it".into()));
        assert_eq!(binary(&metadata, &messages, "c"), None);
        assert_eq!(binary(&metadata, "", "b"), None);
    }
}
