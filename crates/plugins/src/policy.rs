//! `Policy`: what an operator allows, in one file.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use host_core::EngineSettings;
use host_limits::{LedgerLimits, Limits, StaticLimits};
use host_wasi::{GrantError, Grants, KeyPart};
use serde::{Deserialize, Serialize};

use crate::breaker::BreakerSettings;
use crate::instances::InstancePolicy;
use crate::places::line_of;
use crate::queue::{FairQueue, QueueSettings};
use crate::tenants::{TenantSettings, Tenants};

/// What an operator allows guests: how much to spend, and what to touch.
///
/// One TOML file with the tables `[limits]`, `[static-limits]`, `[grants]`, `[breaker]` and `[instances]`. Keys that are not known are refused, with their line. What
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
    /// How many calls run at one time, and how long others wait.
    pub queue: QueueSettings,
    /// What the calls of all tenants may take together. Default: [`LedgerLimits::default`], but fuel is not counted where
    /// the limits say that it is `"unlimited"`; and no more stores than an engine's pool has room for guests.
    pub process: LedgerLimits,
    /// What each tenant may take that is not named in `tenants`. Default as for `process`.
    pub tenant: TenantSettings,
    /// What tenants may take, by name.
    pub tenants: BTreeMap<String, TenantSettings>,
    /// When a plugin that keeps failing is left alone, where its manifest does not say. Default: [`BreakerSettings::default`].
    pub breaker: BreakerSettings,
    /// Whether instances are kept, where a plugin's manifest does not say. Default: [`InstancePolicy::Fresh`].
    pub instances: InstancePolicy,
    /// Where all this was read.
    #[serde(skip)]
    source: Source,
}

impl Policy {
    /// Reads a policy from TOML text. Relative paths in its grants are taken from the current directory.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Text`], which shows line and column, or [`PolicyError::Grant`], which tells key and line.
    pub fn from_toml(text: &str) -> Result<Policy, PolicyError> {
        Policy::parse(text, None)?.checked()
    }

    /// Reads a policy from a file. Relative paths in its grants are taken from the file's directory.
    ///
    /// # Errors
    ///
    /// [`PolicyError::Read`], [`PolicyError::Text`], which shows line and column, or [`PolicyError::Grant`], which
    /// tells key and line.
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
        let mut policy = Policy::parse(&text, Some(path))?;
        policy.grants.resolve_paths(path.parent().unwrap_or(Path::new("")));
        let names = |stream| policy.source.line(&[KeyPart::Name(stream)]).is_some();
        let (stdin, stdout, stderr) = (names("stdin".into()), names("stdout".into()), names("stderr".into()));
        if !stdin {
            policy.grants.stdin = streams.stdin.clone();
        }
        if !stdout {
            policy.grants.stdout = streams.stdout.clone();
        }
        if !stderr {
            policy.grants.stderr = streams.stderr.clone();
        }
        policy.checked()
    }

    /// Where the grant stands that cannot be given, in the text that this policy was read from. `None` if it is not from
    /// there: it was added afterwards, or the policy was made in code.
    ///
    /// What can be told without a look at the file system is told when a policy is read. The rest comes with the first
    /// call, as [`StoreError::Grant`](crate::StoreError::Grant):
    ///
    /// ```
    /// use host_plugins::Policy;
    /// use host_plugins::host_wasi::Wasi;
    ///
    /// let policy = Policy::from_toml("[[grants.directories]]\nhost = \"missing\"\nguest = \"data\"")?;
    /// let error = Wasi::new(&policy.grants).expect_err("there is no such directory");
    /// assert_eq!(policy.locate(&error).expect("it is in the text").to_string(), "line 2");
    /// # Ok::<(), host_plugins::PolicyError>(())
    /// ```
    pub fn locate(&self, error: &GrantError) -> Option<Place> {
        let line = self.source.line(&error.key_path())?;
        Some(Place { path: self.source.path.clone(), line })
    }

    /// The queue and the tenants, of a host whose pool has room for so many guests. It has as many stacks, and a store keeps its
    /// own while it waits idle: one store more might get an instance, and none to call it on.
    pub(crate) fn tenants(&self, pool: Option<u32>) -> (FairQueue, Tenants) {
        let queue = FairQueue::new(&self.queue);
        let mut process = self.counting_fuel(&self.process);
        process.stores = pool.map_or(process.stores, |guests| guests.min(process.stores));
        let others =
            TenantSettings { limits: self.counting_fuel(&self.tenant.limits), ..self.tenant.clone() };
        let of = |settings: &TenantSettings| TenantSettings {
            limits: self.counting_fuel(&settings.limits),
            ..settings.clone()
        };
        let named = self.tenants.iter().map(|(name, settings)| (name.clone(), of(settings))).collect();
        let tenants = Tenants::new(process, others, &named, queue.clone());
        (queue, tenants)
    }

    /// The limits that the engine is made for: it meters fuel if a call's is limited, or anybody's in total.
    pub(crate) fn engine_limits(&self) -> Limits {
        let totals = [&self.process, &self.tenant.limits]
            .into_iter()
            .chain(self.tenants.values().map(|it| &it.limits));
        let counted = totals.filter_map(|limits| self.counting_fuel(limits).fuel).max();
        Limits { fuel: self.limits.fuel.or(counted), ..self.limits.clone() }
    }

    /// Totals, without the default for fuel where the calls' own is unlimited: that default is no wish to have it metered, which
    /// makes code slower.
    fn counting_fuel(&self, totals: &LedgerLimits) -> LedgerLimits {
        let is_default = totals.fuel == LedgerLimits::default().fuel;
        let fuel = totals.fuel.filter(|_| self.limits.fuel.is_some() || !is_default);
        LedgerLimits { fuel, ..totals.clone() }
    }

    fn parse(text: &str, path: Option<&Path>) -> Result<Policy, PolicyError> {
        let path = path.map(Path::to_owned);
        match toml::from_str::<Policy>(text) {
            Ok(policy) => Ok(Policy { source: Source { path, text: text.into() }, ..policy }),
            Err(error) => Err(PolicyError::Text { path, error: Box::new(error) }),
        }
    }

    fn checked(self) -> Result<Policy, PolicyError> {
        let breaker = self.breaker.problem().map(|(key, problem)| (["breaker", key].to_vec(), problem));
        let instances =
            self.instances.problem().map(|(key, problem)| (["instances", "warm", key].to_vec(), problem));
        if let Some((key, problem)) = breaker.or(instances) {
            let path: Vec<KeyPart> = key.iter().map(|part| KeyPart::Name((*part).to_owned())).collect();
            let (line, key) = (line_of(&self.source.text, &path), key.join("."));
            return Err(PolicyError::Value { path: self.source.path, line, key, problem });
        }
        match self.grants.check() {
            Ok(()) => Ok(self),
            Err(error) => Err(PolicyError::Grant {
                line: self.locate(&error).map(|place| place.line),
                path: self.source.path,
                error: Box::new(error),
            }),
        }
    }
}

/// A place in the text of a policy: "`policy.toml`, line 4".
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Place {
    /// The file, if the text came from one.
    pub path: Option<PathBuf>,
    /// The line, from 1.
    pub line: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(path) = &self.path {
            write!(formatter, "`{}`, ", path.display())?;
        }
        write!(formatter, "line {}", self.line)
    }
}

/// The text of a policy, kept so that a grant that fails later can be found in it.
#[derive(Clone, Debug, Default)]
struct Source {
    path: Option<PathBuf>,
    text: Arc<str>,
}

impl Source {
    /// The line on which a grant stands.
    fn line(&self, grant: &[KeyPart]) -> Option<usize> {
        let path: Vec<KeyPart> =
            [KeyPart::Name("grants".to_owned())].into_iter().chain(grant.iter().cloned()).collect();
        line_of(&self.text, &path)
    }
}

/// Where a policy comes from is no part of what it says.
impl PartialEq for Source {
    fn eq(&self, _: &Source) -> bool {
        true
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
    /// A grant that can be given to no guest, such as a guest path with `..` in it.
    #[error(
        "the policy{} is wrong{}: grants.{error}",
        .path.as_ref().map(|path| format!(" `{}`", path.display())).unwrap_or_default(),
        .line.map(|line| format!(" in line {line}")).unwrap_or_default()
    )]
    Grant {
        /// The file, if it came from one.
        path: Option<PathBuf>,
        /// The line, from 1, if the grant is in the text.
        line: Option<usize>,
        /// Which and why. Not the `source()` of this error, for its text is part of the message.
        error: Box<GrantError>,
    },
    /// A number or a time that makes no sense.
    #[error(
        "the policy{} is wrong{}: {key}: {problem}",
        .path.as_ref().map(|path| format!(" `{}`", path.display())).unwrap_or_default(),
        .line.map(|line| format!(" in line {line}")).unwrap_or_default()
    )]
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
}
