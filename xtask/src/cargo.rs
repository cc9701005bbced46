//! Commands: how the chores call cargo and git, and how a command that fails is told.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::path::PathBuf;
use std::process::{Command, ExitStatus, Stdio};

use anyhow::Context as _;
use serde_json::Value;

/// A command that was refused by the system, or ended with anything but success.
#[derive(Debug)]
pub(crate) enum CommandError {
    /// The program could not be started at all.
    NotStarted { line: String, source: std::io::Error },
    /// The program ran and said no; what it printed to standard error is kept where it was captured.
    Failed { line: String, status: ExitStatus, said: String },
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotStarted { line, .. } => write!(f, "could not start `{line}`"),
            Self::Failed { line, status, said } if said.is_empty() => {
                write!(f, "`{line}` ended with {status}")
            }
            Self::Failed { line, status, said } => write!(f, "`{line}` ended with {status}:\n{said}"),
        }
    }
}

impl std::error::Error for CommandError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::NotStarted { source, .. } => Some(source),
            Self::Failed { .. } => None,
        }
    }
}

/// The root of the repository.
pub(crate) fn root() -> PathBuf {
    // Cargo sets the variable when it runs us; the built-in value serves a binary that is started by hand.
    let own = std::env::var_os("CARGO_MANIFEST_DIR")
        .map_or_else(|| env!("CARGO_MANIFEST_DIR").into(), PathBuf::from);
    own.parent().map_or_else(|| own.clone(), PathBuf::from)
}

/// The whole workspace, with the parts of libraries that no command of ours has on. Always all of it: Wasmtime is the
/// larger part of every build, and another choice of packages would compile it anew.
pub(crate) const WORKSPACE: [&str; 3] =
    ["--workspace", "--features", "host-component/component-model-async,host-component/compose"];

/// The cargo that runs us, at the root of the repository.
pub(crate) fn cargo<S: AsRef<OsStr>>(arguments: impl IntoIterator<Item = S>) -> Command {
    let mut command = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| OsString::from("cargo")));
    command.args(arguments).current_dir(root());
    command
}

/// Says what is run, runs it with our own output, and is satisfied with success only.
pub(crate) fn run(command: &mut Command) -> Result<(), CommandError> {
    eprintln!("$ {}", line(command));
    let status = command
        .stdin(Stdio::null())
        .status()
        .map_err(|source| CommandError::NotStarted { line: line(command), source })?;
    if status.success() {
        Ok(())
    } else {
        Err(CommandError::Failed { line: line(command), status, said: String::new() })
    }
}

/// Runs a command quietly and gives what it printed to standard output.
pub(crate) fn output(command: &mut Command) -> Result<String, CommandError> {
    let done = command
        .stdin(Stdio::null())
        .output()
        .map_err(|source| CommandError::NotStarted { line: line(command), source })?;
    if done.status.success() {
        Ok(String::from_utf8_lossy(&done.stdout).into_owned())
    } else {
        let said = String::from_utf8_lossy(&done.stderr).trim_end().to_owned();
        Err(CommandError::Failed { line: line(command), status: done.status, said })
    }
}

/// What `cargo metadata` says about the packages of this workspace.
pub(crate) fn metadata() -> anyhow::Result<Value> {
    let text = output(&mut cargo(["metadata", "--format-version", "1", "--no-deps", "--locked"]))?;
    serde_json::from_str(&text).context("`cargo metadata` did not print JSON")
}

/// Refuses to go on when `cargo <subcommand>` is missing, and says which rustup command brings it.
pub(crate) fn need_component(subcommand: &str, component: &str) -> anyhow::Result<()> {
    if output(&mut cargo([subcommand, "--version"])).is_ok() {
        return Ok(());
    }
    let toolchain = std::fs::read_to_string(root().join("rust-toolchain.toml")).unwrap_or_default();
    let channel = channel(&toolchain).map_or_else(String::new, |channel| format!(" --toolchain {channel}"));
    anyhow::bail!("`cargo {subcommand}` does not work here; try `rustup component add{channel} {component}`")
}

/// A command as a person would type it.
pub(crate) fn line(command: &Command) -> String {
    let program = PathBuf::from(command.get_program());
    let name = program.file_stem().unwrap_or(command.get_program()).to_string_lossy().into_owned();
    let words = command.get_args().map(|word| word.to_string_lossy().into_owned());
    std::iter::once(name).chain(words).collect::<Vec<_>>().join(" ")
}

/// The toolchain that `rust-toolchain.toml` asks for.
fn channel(toolchain: &str) -> Option<&str> {
    let value = toolchain.lines().find_map(|line| line.trim().strip_prefix("channel"))?;
    value.split('"').nth(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failed_command_is_named_with_its_arguments() {
        let error = output(&mut cargo(["no-such-subcommand"])).unwrap_err();
        assert!(
            error.to_string().starts_with("`cargo no-such-subcommand` ended with exit status: 101"),
            "{error}"
        );
    }

    #[test]
    fn a_missing_program_is_named_and_the_cause_kept() {
        let error = output(&mut Command::new("no-such-program-anywhere")).unwrap_err();
        assert_eq!(error.to_string(), "could not start `no-such-program-anywhere`");
        assert!(std::error::Error::source(&error).is_some());
    }

    #[test]
    fn a_missing_component_comes_with_the_command_that_adds_it() {
        let error = need_component("no-such-subcommand", "the-component").unwrap_err().to_string();
        assert!(error.contains("rustup component add --toolchain 1."), "{error}");
        assert!(error.ends_with("the-component`"), "{error}");
    }

    #[test]
    fn the_channel_is_read_from_the_toolchain_file() {
        assert_eq!(channel("[toolchain]\nchannel = \"1.95.0\"\n"), Some("1.95.0"));
        assert_eq!(channel("[toolchain]\n"), None);
    }
}
