//! Why a set of grants cannot be given. Each message begins with the key of the grant that is at fault.

use std::io;
use std::path::PathBuf;

use crate::OutputStream;
use crate::key::{KeyPart, KeyPart::Index, key_text, name};

/// A grant that cannot be given: a mistake in the configuration, to be put right by whoever wrote it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum GrantError {
    /// An argument that no program could receive.
    #[error("{}: an argument must not contain a NUL character", self.key())]
    Argument {
        /// Its place in `args`, from 0.
        index: usize,
    },
    /// An environment variable's name that no program could receive.
    #[error("{}: {name:?} is not a variable name; it must not be empty, nor contain `=` or NUL", self.key())]
    VariableName {
        /// The name as it was given.
        name: String,
    },
    /// An environment variable's value that no program could receive.
    #[error("{}: a value must not contain a NUL character", self.key())]
    VariableValue {
        /// The variable's name.
        name: String,
    },
    /// A pattern that can match no variable's name.
    #[error(
        "{}: {pattern:?} matches no variable name; \
         write a name or a pattern such as `LC_*`, without `=`",
        self.key()
    )]
    VariablePattern {
        /// Its place in `inherit-env`, from 0.
        index: usize,
        /// The pattern as it was given.
        pattern: String,
    },
    /// The file for standard input has an empty path.
    #[error("{}: the path is empty", self.key())]
    StdinPath,
    /// The file for standard input cannot be opened.
    #[error("{}: cannot open `{}`", self.key(), path.display())]
    StdinFile {
        /// Its path on the host.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file for standard input is a directory, a pipe or a device: reading it might wait for ever.
    #[error("{}: `{}` is not a regular file", self.key(), path.display())]
    StdinNotRegular {
        /// Its path on the host.
        path: PathBuf,
    },
    /// The file for an output has an empty path.
    #[error("{}: the path is empty", self.key())]
    OutputPath {
        /// The stream.
        stream: OutputStream,
    },
    /// The file for an output cannot be created, or opened to be written.
    #[error("{}: cannot open `{}` to write there", self.key(), path.display())]
    OutputFile {
        /// The stream.
        stream: OutputStream,
        /// The file's path on the host.
        path: PathBuf,
        /// What the operating system said.
        source: io::Error,
    },
    /// The file for an output is a directory, a pipe or a device: writing there might wait for ever.
    #[error("{}: `{}` is not a regular file", self.key(), path.display())]
    OutputNotRegular {
        /// The stream.
        stream: OutputStream,
        /// The file's path on the host.
        path: PathBuf,
    },
    /// Lines that are so short that not every character fits.
    #[error("{}: a longest line of {longest} bytes is too short; write 4 or more", self.key())]
    LineLength {
        /// The stream.
        stream: OutputStream,
        /// The bound that was given, in bytes.
        longest: u64,
    },
    /// Output that goes to a callback which the host has not set.
    #[error("{}: this host has no callback for lines; write `\"inherit\"` or `{{ capture = 65536 }}`", self.key())]
    NoLineCallback {
        /// The stream.
        stream: OutputStream,
    },
    /// A stepped clock that would stand still.
    #[error("{}: a step must be more than nothing; a clock that stands still is `fixed`", self.key())]
    ClockStep,
    /// A directory of the host without a path.
    #[error("{}: the path is empty; write `.` for the folder that paths are relative to", self.key())]
    HostPath {
        /// Its place in `directories`, from 0.
        index: usize,
    },
    /// A directory cannot be opened.
    #[error("{}: cannot open the directory `{}` (for the guest path {guest:?})", self.key(), host.display())]
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
    #[error("{}: the guest path {guest:?} {problem}", self.key())]
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
        "{}: nothing is written to a read-only directory; remove the quota or add `access = \"read-write\"`",
        self.key()
    )]
    QuotaReadOnly {
        /// Its place in `directories`, from 0.
        index: usize,
    },
    /// A quota under which nothing can be made.
    #[error("{}: with no files at all nothing could be written; write at least 1", self.key())]
    QuotaZero {
        /// The list it is in: `directories` or `scratch`.
        list: &'static str,
        /// Its place in that list, from 0.
        index: usize,
        /// The key under it: `quota.files` or `files`.
        key: &'static str,
    },
    /// A quota that is smaller than what the directory holds already.
    #[error("{}: more than {quota} {key} lie in `{}` already", self.key(), host.display())]
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
        "{}: `directories[{other}]` lets the guest write to the same place without it",
        self.key()
    )]
    QuotaOverlap {
        /// The place in `directories` of the one with the quota, from 0.
        index: usize,
        /// The place of the other, which contains it or lies in it.
        other: usize,
    },
    /// A fresh directory cannot be made.
    #[error("{}: cannot make a fresh directory (for the guest path {guest:?})", self.key())]
    Scratch {
        /// Its place in `scratch`, from 0.
        index: usize,
        /// Its path in the guest.
        guest: String,
        /// What the operating system said.
        source: io::Error,
    },
    /// The name of a file that cannot be made.
    #[error("{}: the path {problem}", self.key())]
    FileName {
        /// Its place in `files`, from 0.
        index: usize,
        /// The file's path as it was given.
        name: String,
        /// What is wrong with it, such as "must not be absolute".
        problem: &'static str,
    },
    /// The files of a map cannot be written.
    #[error("{}: cannot write the files (for the guest path {guest:?})", self.key())]
    Files {
        /// Its place in `files`, from 0.
        index: usize,
        /// Its path in the guest.
        guest: String,
        /// What the operating system said.
        source: io::Error,
    },
}

impl GrantError {
    /// Which grant is at fault, as a path of keys: `directories[0].host`, `env.NAME`. Each message begins with it.
    pub fn key(&self) -> String {
        key_text(&self.key_path())
    }

    /// As [`key`](GrantError::key), taken apart: for a program that looks up where in a file the key stands.
    pub fn key_path(&self) -> Vec<KeyPart> {
        match self {
            GrantError::Argument { index } => vec![name("args"), Index(*index)],
            GrantError::VariableName { name: variable } | GrantError::VariableValue { name: variable } => {
                vec![name("env"), name(variable)]
            }
            GrantError::VariablePattern { index, .. } => vec![name("inherit-env"), Index(*index)],
            GrantError::StdinPath | GrantError::StdinFile { .. } | GrantError::StdinNotRegular { .. } => {
                vec![name("stdin"), name("file")]
            }
            GrantError::OutputPath { stream }
            | GrantError::OutputFile { stream, .. }
            | GrantError::OutputNotRegular { stream, .. } => {
                vec![name(stream.key()), name("file"), name("path")]
            }
            GrantError::LineLength { stream, .. } | GrantError::NoLineCallback { stream } => {
                vec![name(stream.key()), name("lines")]
            }
            GrantError::ClockStep => vec![name("clocks"), name("stepped"), name("step")],
            GrantError::HostPath { index } | GrantError::Directory { index, .. } => {
                vec![name("directories"), Index(*index), name("host")]
            }
            GrantError::GuestPath { list, index, .. } => vec![name(list), Index(*index), name("guest")],
            GrantError::QuotaReadOnly { index } | GrantError::QuotaOverlap { index, .. } => {
                vec![name("directories"), Index(*index), name("quota")]
            }
            // `quota.files` is two parts.
            GrantError::QuotaZero { list, index, key } => {
                [name(list), Index(*index)].into_iter().chain(key.split('.').map(name)).collect()
            }
            GrantError::QuotaFull { index, key, .. } => {
                vec![name("directories"), Index(*index), name("quota"), name(key)]
            }
            GrantError::Scratch { index, .. } => vec![name("scratch"), Index(*index)],
            GrantError::FileName { index, name: file, .. } => {
                vec![name("files"), Index(*index), name("contents"), name(file)]
            }
            GrantError::Files { index, .. } => vec![name("files"), Index(*index), name("contents")],
        }
    }
}
