//! stub
use crate::breaker::BreakerSettings;
use crate::instances::InstancePolicy;
use crate::policy::Policy;
use host_cache::Digest;
use host_limits::Limits;
use host_wasi::Grants;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
/// stub
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// s
    pub name: String,
    /// s
    pub version: Option<String>,
    /// s
    pub source: PathBuf,
    /// s
    pub sha256: Option<Digest>,
    /// s
    pub world: Option<String>,
    /// s
    pub health: Option<HealthCheck>,
}
/// stub
#[derive(Clone, Debug, PartialEq)]
pub struct HealthCheck {
    /// s
    pub export: String,
    /// s
    pub arguments: Option<String>,
}
/// stub
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Terms {
    /// s
    pub limits: Limits,
    /// s
    pub grants: Grants,
    /// s
    pub config: BTreeMap<String, String>,
    /// s
    pub instances: InstancePolicy,
    /// s
    pub breaker: BreakerSettings,
}
/// stub
#[derive(Debug, thiserror::Error)]
#[error("manifest")]
pub struct ManifestError;
impl Terms {
    pub(crate) fn of(policy: &Policy) -> Terms {
        Terms {
            limits: policy.limits.clone(),
            grants: policy.grants.clone(),
            config: BTreeMap::new(),
            instances: InstancePolicy::default(),
            breaker: BreakerSettings::default(),
        }
    }
}
impl Manifest {
    /// s
    pub fn to_toml(&self) -> Result<String, ManifestError> {
        Err(ManifestError)
    }
    /// s
    pub fn read(_: &Path) -> Result<Manifest, ManifestError> {
        Err(ManifestError)
    }
    /// s
    pub fn terms(&self, policy: &Policy) -> Result<Terms, ManifestError> {
        Ok(Terms::of(policy))
    }
}
