//! `Manifest`: what one TOML file says about one plugin.

mod asked;
mod error;
#[cfg(feature = "schema")]
mod schema;
mod terms;
mod text;

use std::collections::BTreeMap;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use host_cache::Digest;
use host_limits::Limits;
use host_wasi::{Grants, KeyPart};
use serde::{Deserialize, Serialize};

pub use asked::Asked;
pub use error::{Beyond, ManifestError};
pub use terms::Terms;
use text::{Text, keys_of};

use crate::breaker::BreakerSettings;
use crate::files;
use crate::instances::InstancePolicy;
use crate::places::line_of;

/// The longest manifest that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// The longest name of a plugin, in bytes.
const LONGEST_NAME: usize = 128;

/// What one file says about one plugin: where its code is, what it wants to spend and touch, and how it is called.
///
/// It gives nothing by itself: [`terms`](Manifest::terms) holds it against the operator's [`Policy`](crate::Policy).
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Manifest {
    /// The plugin's name: 1 to 128 bytes, without control characters and path separators.
    pub name: String,
    /// Its version in its author's words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// The file with its code.
    pub source: PathBuf,
    /// The digest that this file must have.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sha256: Option<Digest>,
    /// The name of the world it is for, among those that the operator knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub world: Option<String>,
    /// Whether instances are kept; `None` is as the policy says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instances: Option<InstancePolicy>,
    /// How much a call may spend.
    pub limits: Asked<Limits>,
    /// What it may touch.
    pub grants: Asked<Grants>,
    /// Values that it reads by `wasi:config/store`.
    pub config: BTreeMap<String, String>,
    /// When it is left alone after faults; `None` is as the policy says.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub breaker: Option<BreakerSettings>,
    /// A call that a new version must answer before it is used.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthCheck>,
    /// Where all this was read.
    #[serde(skip)]
    origin: Option<Arc<Written>>,
}

/// A call that a new version of a plugin must answer before it is used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub struct HealthCheck {
    /// The export to call.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub export: String,
    /// Its arguments in WAVE, such as `("x", 3)`. Default: none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub arguments: Option<String>,
}

/// The text of a manifest, kept so that what fails later can be found in it.
#[derive(Debug)]
struct Written {
    path: Option<PathBuf>,
    text: String,
}

impl Manifest {
    /// The manifest of a plugin that asks for nothing but what every one has.
    pub fn new(name: impl Into<String>, source: impl Into<PathBuf>) -> Manifest {
        Manifest {
            name: name.into(),
            version: None,
            source: source.into(),
            sha256: None,
            world: None,
            instances: None,
            limits: Asked::default(),
            grants: Asked::default(),
            config: BTreeMap::new(),
            breaker: None,
            health: None,
            origin: None,
        }
    }

    /// Reads a manifest from TOML text, which must have a `name`. Relative paths are taken from the current directory.
    ///
    /// # Errors
    ///
    /// [`ManifestError::Text`], which shows line and column, [`ManifestError::Value`] or [`ManifestError::Grant`].
    pub fn from_toml(text: &str) -> Result<Manifest, ManifestError> {
        Manifest::parse(text.to_owned(), None)
    }

    /// Reads a manifest from a file of at most 1 MiB. Relative paths are taken from the file's directory, and the name, if it is
    /// not said, is the file's without its extension.
    ///
    /// # Errors
    ///
    /// [`ManifestError::Read`], [`ManifestError::TooLong`], and those of [`from_toml`](Manifest::from_toml).
    pub fn read(path: impl AsRef<Path>) -> Result<Manifest, ManifestError> {
        let path = path.as_ref();
        let failed = |source| ManifestError::Read { path: path.into(), source };
        let mut text = String::new();
        let file = files::open(path).map_err(|error| failed(error.into()))?;
        file.take(LONGEST + 1).read_to_string(&mut text).map_err(failed)?;
        if text.len() as u64 > LONGEST {
            return Err(ManifestError::TooLong { path: path.into(), most: LONGEST });
        }
        let mut manifest = Manifest::parse(text, Some(path))?;
        let folder = path.parent().unwrap_or(Path::new(""));
        manifest.source = folder.join(&manifest.source);
        manifest.grants.value_mut().resolve_paths(folder);
        Ok(manifest)
    }

    /// The plugin's code, read from its [`source`](Manifest::source), whose digest is checked if one is said.
    ///
    /// # Errors
    ///
    /// [`ManifestError::Source`] or [`ManifestError::Digest`].
    pub fn read_source(&self) -> Result<Vec<u8>, ManifestError> {
        let (name, path) = (&self.name, &self.source);
        let bytes = files::read_whole(path).map_err(|source| ManifestError::Source {
            name: name.clone(),
            path: path.clone(),
            source,
        })?;
        if let Some(expected) = self.sha256 {
            let found = Digest::of(&bytes);
            if found != expected {
                return Err(ManifestError::Digest {
                    name: name.clone(),
                    path: path.clone(),
                    expected,
                    found,
                });
            }
        }
        Ok(bytes)
    }

    /// Its text: as it was read, or as it can be read again.
    pub(crate) fn text(&self) -> Option<String> {
        match &self.origin {
            Some(written) => Some(written.text.clone()),
            None => toml::to_string(self).ok(),
        }
    }

    /// Whether another says the same, in whatever words.
    pub(crate) fn says_the_same(&self, other: &Manifest) -> bool {
        let said = |manifest: &Manifest| serde_json::to_value(manifest).ok();
        self.source == other.source && said(self) == said(other)
    }

    /// The file that it was read from, if any.
    pub fn path(&self) -> Option<&Path> {
        self.origin.as_ref()?.path.as_deref()
    }

    fn parse(text: String, path: Option<&Path>) -> Result<Manifest, ManifestError> {
        let read: Text = toml::from_str(&text)
            .map_err(|error| ManifestError::Text { path: path.map(Into::into), error: Box::new(error) })?;
        let Text { name, version, source, sha256, world, instances, limits, grants, config, breaker, health } =
            read;
        let stem = path.and_then(Path::file_stem).and_then(|stem| stem.to_str());
        let name = name.or_else(|| stem.map(str::to_owned)).unwrap_or_default();
        let manifest = Manifest {
            name,
            version,
            source,
            sha256,
            world,
            instances,
            limits: Asked::some(limits, keys_of(&text, "limits")),
            grants: Asked::some(grants, keys_of(&text, "grants")),
            config,
            breaker,
            health,
            origin: Some(Arc::new(Written { path: path.map(Into::into), text })),
        };
        manifest.check()?;
        Ok(manifest)
    }

    /// Checks all that can be told without a policy and without a look at the file system.
    fn check(&self) -> Result<(), ManifestError> {
        if let Some(problem) = name_problem(&self.name) {
            return Err(self.wrong(&["name"], problem));
        }
        if self.source.as_os_str().is_empty() {
            return Err(self.wrong(&["source"], "is empty; write the path of the plugin's file"));
        }
        if self.world.as_ref().is_some_and(String::is_empty) {
            return Err(self.wrong(&["world"], "is empty; write the name of a world, or leave it out"));
        }
        if self.health.as_ref().is_some_and(|health| health.export.is_empty()) {
            return Err(
                self.wrong(&["health", "export"], "is empty; write the name of a function that it exports")
            );
        }
        if let Some((key, problem)) = self.instances.and_then(|instances| instances.problem()) {
            return Err(self.wrong(&["instances", "warm", key], problem));
        }
        if let Some((key, problem)) = self.breaker.as_ref().and_then(BreakerSettings::problem) {
            return Err(self.wrong(&["breaker", key], problem));
        }
        self.grants.value().check().map_err(|error| {
            let key = [KeyPart::Name("grants".to_owned())].into_iter().chain(error.key_path());
            let line = self.line(&key.collect::<Vec<_>>());
            ManifestError::Grant { path: self.path().map(Into::into), line, error: Box::new(error) }
        })
    }

    fn wrong(&self, key: &[&str], problem: &'static str) -> ManifestError {
        let path: Vec<KeyPart> = key.iter().map(|part| KeyPart::Name((*part).to_owned())).collect();
        let (line, key) = (self.line(&path), key.join("."));
        ManifestError::Value { path: self.path().map(Into::into), line, key, problem }
    }

    fn line(&self, key: &[KeyPart]) -> Option<usize> {
        line_of(&self.origin.as_ref()?.text, key)
    }
}

/// Why a plugin cannot go by this name, if it cannot.
fn name_problem(name: &str) -> Option<&'static str> {
    if name.is_empty() {
        return Some("is missing; write `name = \"…\"`");
    }
    if name.len() > LONGEST_NAME {
        return Some("is longer than 128 bytes; write a shorter one");
    }
    if name.chars().any(char::is_control) {
        return Some("has a control character; write a name without");
    }
    if name.contains(['/', '\\']) {
        return Some("has a path separator; write a name without `/` and `\\`");
    }
    None
}
