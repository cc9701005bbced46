//! What a manifest comes to under an operator's policy.

use std::collections::BTreeMap;

use host_limits::Limits;
use host_wasi::{Grants, KeyPart};

use super::asked::as_table;
use super::{Beyond, Manifest, ManifestError};
use crate::breaker::BreakerSettings;
use crate::instances::InstancePolicy;
use crate::policy::Policy;

/// What a plugin may spend and touch, and how it is called: its manifest under the operator's policy.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Terms {
    /// How much each call may spend.
    pub limits: Limits,
    /// What it may touch.
    pub grants: Grants,
    /// What it reads by `wasi:config/store`.
    pub config: BTreeMap<String, String>,
    /// Whether instances are kept.
    pub instances: InstancePolicy,
    /// When it is left alone after faults.
    pub breaker: BreakerSettings,
}

impl From<&Policy> for Terms {
    /// Those of a plugin without a manifest: all that the policy allows.
    fn from(policy: &Policy) -> Terms {
        Terms {
            limits: policy.limits.clone(),
            grants: policy.grants.clone(),
            config: BTreeMap::new(),
            instances: policy.instances,
            breaker: policy.breaker.clone(),
        }
    }
}

impl Manifest {
    /// What this comes to under `policy`.
    ///
    /// Limits that it does not name are the policy's. It has the grants it asks for and no others; clocks and random
    /// numbers that it does not name are the policy's. The policy's breaker and instances are for manifests without.
    ///
    /// # Errors
    ///
    /// [`ManifestError::Beyond`] names all that is more than the policy allows. [`ManifestError::Value`] and
    /// [`ManifestError::Grant`] are for what makes no sense, or cannot differ from the policy: the stack, which is the
    /// engine's, and fuel where the engine does not meter it.
    pub fn terms(&self, policy: &Policy) -> Result<Terms, ManifestError> {
        self.check()?;
        let broken = |source| ManifestError::Limits { path: self.path().map(Into::into), source };
        let limits = self.limits.over(&policy.limits).map_err(broken)?;
        let mut parts = self.looser(&limits, &policy.limits).map_err(broken)?;

        let mut grants = self.grants.value().clone();
        if !self.grants.names("clocks") {
            grants.clocks = policy.grants.clocks;
        }
        if !self.grants.names("random") {
            grants.random = policy.grants.random;
        }
        parts.extend(policy.grants.excess(&grants).into_iter().map(|excess| {
            let key: Vec<KeyPart> = [KeyPart::Name("grants".to_owned())]
                .into_iter()
                .chain(excess.key_path.iter().cloned())
                .collect();
            // A part that is not written, such as a missing quota, stands where the rest of it does.
            let line = (1..=key.len()).rev().find_map(|length| self.line(&key[..length]));
            Beyond {
                line,
                key: format!("grants.{}", excess.key()),
                asked: excess.asked,
                allowed: excess.allowed,
            }
        }));
        if !parts.is_empty() {
            return Err(ManifestError::Beyond { path: self.path().map(Into::into), parts });
        }
        if limits.stack != policy.limits.stack {
            return Err(
                self.wrong(&["limits", "stack"], "is the engine's, and one for all plugins; leave it out")
            );
        }
        if limits.fuel.is_some() && policy.limits.fuel.is_none() && !policy.profile.fuel {
            let problem = "the policy's engine does not meter fuel; leave it out, or set fuel in the policy's `[limits]`";
            return Err(self.wrong(&["limits", "fuel"], problem));
        }
        Ok(Terms {
            limits,
            grants,
            config: self.config.clone(),
            instances: self.instances.unwrap_or(policy.instances),
            breaker: self.breaker.clone().unwrap_or_else(|| policy.breaker.clone()),
        })
    }

    /// Every key in which `limits` are looser than `most`.
    fn looser(&self, limits: &Limits, most: &Limits) -> Result<Vec<Beyond>, serde_json::Error> {
        let (asked, allowed) = (as_table(limits)?, as_table(most)?);
        let tighter = as_table(&limits.intersect(most))?;
        let looser = asked.iter().filter(|(key, value)| tighter.get(*key) != Some(value));
        Ok(looser
            .map(|(key, value)| Beyond {
                line: self.line(&[KeyPart::Name("limits".to_owned()), KeyPart::Name(key.clone())]),
                key: format!("limits.{key}"),
                asked: value.to_string(),
                allowed: allowed.get(key).map(ToString::to_string).unwrap_or_default(),
            })
            .collect())
    }
}
