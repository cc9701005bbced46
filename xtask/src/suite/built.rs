//! The executables that suites are run through, as cargo builds them together with the tests.

use std::path::PathBuf;
use std::process::Stdio;

use anyhow::{Context as _, Result};
use serde_json::Value;

use crate::cargo::{CommandError, WORKSPACE, cargo, line, metadata};

/// Builds the integration tests of the whole workspace, since one package alone has Wasmtime compiled with other
/// features, and with them the commands that they start. Gives the executable of `target` in `package`.
pub(super) fn executable(package: &str, target: &str) -> Result<PathBuf> {
    build(package, "it", target)
}

/// Builds the one test `target` of `package`, which `cargo test` leaves out. Gives its executable.
pub(super) fn test(package: &str, target: &str) -> Result<PathBuf> {
    build(package, target, target)
}

fn build(package: &str, test: &str, target: &str) -> Result<PathBuf> {
    let mut command = cargo(["test"]);
    command.args(WORKSPACE).args(["--locked", "--test", test, "--no-run"]);
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
    find(&metadata()?, &String::from_utf8_lossy(&output.stdout), package, target)
        .with_context(|| format!("cargo built no executable `{target}` of {package}"))
}

/// The executable of `target` in `package`, from what `cargo metadata` and `cargo test --message-format json` print.
fn find(metadata: &Value, messages: &str, package: &str, target: &str) -> Option<PathBuf> {
    let packages = metadata["packages"].as_array()?;
    let id = packages.iter().find(|listed| listed["name"] == package)?["id"].as_str()?;
    let messages = messages.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    messages
        .filter(|message| message["package_id"] == id && message["target"]["name"] == target)
        .find_map(|message| message["executable"].as_str().map(PathBuf::from))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_executable_is_that_of_the_package_and_the_target() {
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
        assert_eq!(find(&metadata, &messages, "b", "it"), Some("/b/it".into()));
        assert_eq!(find(&metadata, &messages, "b", "b"), Some("/b/unit".into()));
        assert_eq!(find(&metadata, &messages, "a", "b"), None);
        assert_eq!(find(&metadata, &messages, "c", "it"), None);
        assert_eq!(find(&metadata, "", "b", "it"), None);
    }
}
