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
    #[error("{list}[{index}].guest: the guest path {guest:?} {problem}")]
    GuestPath {
        /// The list it is in: `directories`, `scratch` or `files`.
        list: &'static str,
        /// Its place in that list, from 0.
        index: usize,
        /// The guest path as it was given.
        guest: String,
        /// What is wrong with it, such as "must not contain `..`".
        problem: &'static str,
    },
    /// A quota on a directory in which the guest cannot write.
    #[error(
        "directories[{index}].quota: nothing is written to a read-only directory; remove the quota or add `access = \"read-write\"`"
    )]
    QuotaReadOnly {
        /// Its place in `directories`, from 0.
        index: usize,
    },
    /// A quota under which nothing can be made.
    #[error("{list}[{index}].{key}: with no files at all nothing could be written; write at least 1")]
    QuotaZero {
        /// The list it is in: `directories` or `scratch`.
        list: &'static str,
        /// Its place in that list, from 0.
        index: usize,
        /// The key under it: `quota.files` or `files`.
        key: &'static str,
    },
    /// A quota that is smaller than what the directory holds already.
    #[error("directories[{index}].quota.{key}: more than {quota} {key} lie in `{}` already", host.display())]
    QuotaFull {
        /// Its place in `directories`, from 0.
        index: usize,
        /// The key that is too small: `bytes` or `files`.
        key: &'static str,
        /// The directory's path on the host.
        host: PathBuf,
        /// The value that is too small.
        quota: u64,
    },
    /// A quota on a directory in which the guest could write by another way, past the quota.
    #[error(
        "directories[{index}].quota: `directories[{other}]` lets the guest write to the same place without it"
    )]
    QuotaOverlap {
        /// The place in `directories` of the one with the quota, from 0.
        index: usize,
        /// The place of the other, which contains it or lies in it.
        other: usize,
    },
    /// A fresh directory cannot be made.
    #[error("scratch[{index}]: cannot make a fresh directory (for the guest path {guest:?})")]
    Scratch {
        /// Its place in `scratch`, from 0.
        index: usize,
        /// Its path in the guest.
        guest: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The name of a file that cannot be made.
    #[error("files[{index}].contents.{name:?}: the path {problem}")]
    FileName {
        /// Its place in `files`, from 0.
        index: usize,
        /// The file's path as it was given.
        name: String,
        /// What is wrong with it, such as "must not be absolute".
        problem: &'static str,
    },
    /// The files of a map cannot be written.
    #[error("files[{index}].contents: cannot write the files (for the guest path {guest:?})")]
    Files {
        /// Its place in `files`, from 0.
        index: usize,
        /// Its path in the guest.
        guest: String,
        /// What the operating system said.
        source: io::Error,
    },
}
