//! `Policy`: what an operator allows, in one file.

use std::fs;
use std::path::{Path, PathBuf};

use host_core::EngineSettings;
use host_limits::{Limits, StaticLimits};
use host_wasi::Grants;
use serde::{Deserialize, Serialize};

/// What an operator allows guests: how much to spend, and what to touch.
///
/// One TOML file with the tables `[limits]`, `[static-limits]` and `[grants]`. Keys that are not known are refused, with their line. What
/// is not said has its own finite default; not granted is refused.
///
/// ```
/// use host_plugins::Policy;
///
/// let policy = Policy::from_toml(r#"
///     [limits]
///     memory = "32MiB"
///     deadline = "500ms"
///
///     [[grants.directories]]
///     host = "./data"
///     guest = "data"
///     access = "read-only"
/// "#)?;
/// assert_eq!(policy.limits.memory.to_string(), "32MiB");
/// # Ok::<(), host_plugins::PolicyError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Policy {
    /// The engine's settings: the name of a profile, or a table that changes some of one. Default: those of
    /// [`Profile::Untrusted`](host_core::Profile::Untrusted).
    pub profile: EngineSettings,
    /// How much each call may spend. Default: [`Limits::default`].
    pub limits: Limits,
    /// What code may declare, for it to be compiled at all. Default: [`StaticLimits::default`].
    pub static_limits: StaticLimits,
    /// What a guest may touch. Default: nothing.
    pub grants: Grants,
}

impl Policy {
    /// Reads a policy from TOML text. Relative paths in its grants are taken from the current directory.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Text`], which shows line and column.
    pub fn from_toml(text: &str) -> Result<Policy, PolicyError> {
        toml::from_str(text).map_err(|error| PolicyError::Text { path: None, error: Box::new(error) })
    }

    /// Reads a policy from a file. Relative paths in its grants are taken from the file's directory.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Read`], or [`PolicyError::Text`], which shows line and column.
    pub fn read(path: impl AsRef<Path>) -> Result<Policy, PolicyError> {
        Policy::read_with_streams(path, &Grants::default())
    }

    /// As [`read`](Policy::read), but standard input, output and error are those of `streams` where the file does not
    /// name them: for a program that passes its own on unless told otherwise.
    ///
    /// # Errors
    ///
    /// As [`read`](Policy::read).
    pub fn read_with_streams(path: impl AsRef<Path>, streams: &Grants) -> Result<Policy, PolicyError> {
        let path = path.as_ref();
        let text =
            fs::read_to_string(path).map_err(|source| PolicyError::Read { path: path.into(), source })?;
        let wrong = |error| PolicyError::Text { path: Some(path.into()), error: Box::new(error) };
        let mut policy: Policy = toml::from_str(&text).map_err(wrong)?;
        policy.grants.resolve_paths(path.parent().unwrap_or(Path::new("")));
        let table: toml::Table = toml::from_str(&text).map_err(wrong)?;
        let names = |stream| table.get("grants").is_some_and(|grants| grants.get(stream).is_some());
        if !names("stdin") {
            policy.grants.stdin = streams.stdin.clone();
        }
        if !names("stdout") {
            policy.grants.stdout = streams.stdout;
        }
        if !names("stderr") {
            policy.grants.stderr = streams.stderr;
        }
        Ok(policy)
    }
}

/// A policy that cannot be used.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PolicyError {
    /// The file cannot be read.
    #[error("cannot read the policy `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The text is not a policy: wrong TOML, an unknown key, a wrong unit. The message shows the line.
    #[error("the policy{} is wrong: {error}", .path.as_ref().map(|path| format!(" `{}`", path.display())).unwrap_or_default())]
    Text {
        /// The file, if it came from one.
        path: Option<PathBuf>,
        /// Where and why. Not the `source()` of this error, for its text is part of the message.
        error: Box<toml::de::Error>,
    },
}
