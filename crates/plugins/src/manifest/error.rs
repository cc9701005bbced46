//! Why a manifest cannot be used.

use std::fmt;
use std::path::{Path, PathBuf};

use host_wasi::GrantError;

use host_cache::Digest;

/// A manifest that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ManifestError {
    /// The file cannot be read, or is not text.
    #[error("cannot read the manifest `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The file is too long to be read.
    #[error("the manifest `{}` is longer than {most} bytes; put what is large into files beside it", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The longest that is read, in bytes.
        most: u64,
    },
    /// The text is not a manifest: wrong TOML, an unknown key, a wrong unit. The message shows the line.
    #[error("the manifest{} is wrong: {error}", named(.path.as_deref()))]
    Text {
        /// The file, if it came from one.
        path: Option<PathBuf>,
        /// Where and why. Not the `source()` of this error, for its text is part of the message.
        error: Box<toml::de::Error>,
    },
    /// A value that cannot be used, such as a name with a slash, or no faults for a breaker.
    #[error("the manifest{} is wrong{}: {key}: {problem}", named(.path.as_deref()), in_line(*.line))]
    Value {
        /// The file, if it came from one.
        path: Option<PathBuf>,
        /// The line, from 1, if the key is in the text.
        line: Option<usize>,
        /// The key, such as `breaker.faults`.
        key: String,
        /// Why, and what to write instead.
        problem: &'static str,
    },
    /// A grant that can be given to no guest, such as a guest path with `..` in it.
    #[error("the manifest{} is wrong{}: grants.{error}", named(.path.as_deref()), in_line(*.line))]
    Grant {
        /// The file, if it came from one.
        path: Option<PathBuf>,
        /// The line, from 1, if the grant is in the text.
        line: Option<usize>,
        /// Which and why. Not the `source()` of this error, for its text is part of the message.
        error: Box<GrantError>,
    },
    /// It asks for more than the policy allows.
    #[error(
        "the manifest{} asks for more than the policy allows: {}",
        named(.path.as_deref()),
        .parts.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
    )]
    Beyond {
        /// The file, if it came from one.
        path: Option<PathBuf>,
        /// Everything that is too much.
        parts: Vec<Beyond>,
    },
    /// Limits that cannot be laid over those of the policy.
    #[error("the limits of the manifest{} cannot be laid over the policy's", named(.path.as_deref()))]
    Limits {
        /// The file, if it came from one.
        path: Option<PathBuf>,
        /// Why.
        source: serde_json::Error,
    },
    /// The file with the plugin's code cannot be read.
    #[error("cannot read `{}`, the source of the plugin `{name}`", path.display())]
    Source {
        /// The plugin.
        name: String,
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The file with the plugin's code is another than the manifest says.
    #[error(
        "`{}`, the source of the plugin `{name}`, has the SHA-256 digest {found}, and not {expected} as its manifest says; \
         if the file is the right one, write its digest there",
        path.display()
    )]
    Digest {
        /// The plugin.
        name: String,
        /// The file.
        path: PathBuf,
        /// What the manifest says.
        expected: Digest,
        /// What the file has.
        found: Digest,
    },
}

/// One thing that a manifest asks for and the policy does not allow.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Beyond {
    /// The line, from 1, if it is in a text.
    pub line: Option<usize>,
    /// The key, such as `limits.memory`.
    pub key: String,
    /// What is asked for.
    pub asked: String,
    /// What the policy allows in its place.
    pub allowed: String,
}

impl fmt::Display for Beyond {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Beyond { line, key, asked, allowed } = self;
        if let Some(line) = line {
            write!(formatter, "line {line}: ")?;
        }
        write!(formatter, "{key}: asked is {asked}, allowed is {allowed}")
    }
}

fn named(path: Option<&Path>) -> String {
    path.map(|path| format!(" `{}`", path.display())).unwrap_or_default()
}

fn in_line(line: Option<usize>) -> String {
    line.map(|line| format!(" in line {line}")).unwrap_or_default()
}
