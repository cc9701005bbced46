//! Why a set of grants cannot be given. Each message begins with the key of the grant that is at fault.

use std::io;
use std::path::PathBuf;

/// A grant that cannot be given: a mistake in the configuration, to be put right by whoever wrote it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GrantError {
    /// An argument that no program could receive.
    #[error("args[{index}]: an argument must not contain a NUL character")]
    Argument {
        /// Its place in `args`, from 0.
        index: usize,
    },
    /// An environment variable's name that no program could receive.
    #[error("env: {name:?} is not a variable name; it must not be empty, nor contain `=` or NUL")]
    VariableName {
        /// The name as it was given.
        name: String,
    },
    /// An environment variable's value that no program could receive.
    #[error("env.{name}: a value must not contain a NUL character")]
    VariableValue {
        /// The variable's name.
        name: String,
    },
    /// A pattern that can match no variable's name.
    #[error(
        "inherit-env[{index}]: {pattern:?} matches no variable name; \
         write a name or a pattern such as `LC_*`, without `=`"
    )]
    VariablePattern {
        /// Its place in `inherit-env`, from 0.
        index: usize,
        /// The pattern as it was given.
        pattern: String,
    },
    /// The file for standard input cannot be opened.
    #[error("stdin.file: cannot open `{}`", path.display())]
    StdinFile {
        /// Its path on the host.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file for standard input is a directory, a pipe or a device: reading it might wait for ever.
    #[error("stdin.file: `{}` is not a regular file", path.display())]
    StdinNotRegular {
        /// Its path on the host.
        path: PathBuf,
    },
    /// A directory of the host without a path.
    #[error(
        "directories[{index}].host: the path is empty; write `.` for the folder that paths are relative to"
    )]
    HostPath {
        /// Its place in `directories`, from 0.
        index: usize,
    },
    /// A directory cannot be opened.
    #[error("directories[{index}].host: cannot open the directory `{}` (for the guest path {guest:?})", host.display())]
    Directory {
        /// Its place in `directories`, from 0.
        index: usize,
        /// Its path on the host.
        host: PathBuf,
        /// Its path in the guest.
        guest: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// A guest path under which no directory can be shown.
    #[error("directories[{index}].guest: the guest path {guest:?} {problem}")]
    GuestPath {
        /// Its place in `directories`, from 0.
        index: usize,
        /// The guest path as it was given.
        guest: String,
        /// What is wrong with it, such as "must not contain `..`".
        problem: &'static str,
    },
}
