//! For whom is a call? A tenant has a ledger, to which it is charged, and a lane, in which it waits.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use host_limits::{Ledger, LedgerLimits};
use serde::{Deserialize, Serialize};

use crate::queue::{FairQueue, Lane};

/// How many tenants a host has at most that its policy does not name.
pub const MAX_TENANTS: usize = 10_000;

/// The longest name of a tenant, in bytes.
const LONGEST_NAME: usize = 128;

/// What a tenant may take. The tables `[tenant]`, for all that are not named, and `[tenants.NAME]` of a policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
#[expect(clippy::exhaustive_structs, reason = "plain data, changed by struct update syntax")]
pub struct TenantSettings {
    /// How much of the time it gets where others wait too: twice that of one with half of it. Default, and the least: 1.
    pub weight: u32,
    /// What all its calls may take together. Calls at one time beyond `calls` wait. Default: [`LedgerLimits::default`].
    pub limits: LedgerLimits,
}

impl Default for TenantSettings {
    fn default() -> TenantSettings {
        TenantSettings { weight: 1, limits: LedgerLimits::default() }
    }
}

/// One for whom calls are made.
pub(crate) struct Tenant {
    /// Told apart from one of the same name that was forgotten before.
    pub(crate) id: TenantId,
    /// `None` for calls for nobody in particular.
    pub(crate) name: Option<Arc<str>>,
    pub(crate) ledger: Ledger,
    pub(crate) lane: Lane,
}

/// Which tenant, for as long as the host lives.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct TenantId(u64);

/// All tenants of a host.
pub(crate) struct Tenants {
    process: Ledger,
    unnamed: Arc<Tenant>,
    others: TenantSettings,
    queue: FairQueue,
    /// How many there have been.
    made: AtomicU64,
    tenants: RwLock<BTreeMap<Arc<str>, Arc<Tenant>>>,
}

/// A tenant that there cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TenantError {
    /// Its name cannot be told in a log.
    #[error("a tenant's name has 1 to {LONGEST_NAME} bytes and no control characters, but this has {bytes} bytes{}", if *control { ", some of them control characters" } else { "" })]
    Name {
        /// How long it is.
        bytes: usize,
        /// Whether it has control characters.
        control: bool,
    },
    /// There are too many.
    #[error("there are {MAX_TENANTS} tenants already; forget those that are gone, with `forget_tenant`")]
    TooMany,
}

impl Tenants {
    pub(crate) fn new(
        process: LedgerLimits,
        others: TenantSettings,
        named: &BTreeMap<String, TenantSettings>,
        queue: FairQueue,
    ) -> Tenants {
        let process = Ledger::new("process", process);
        let lane = queue.lane(others.weight, process.limits().calls);
        let unnamed = Arc::new(Tenant { id: TenantId(0), name: None, ledger: process.clone(), lane });
        let tenants =
            Tenants { process, unnamed, others, queue, made: AtomicU64::new(0), tenants: RwLock::default() };
        for (name, settings) in named {
            tenants.write().insert(name.as_str().into(), Arc::new(tenants.make(name, settings)));
        }
        tenants
    }

    /// For calls for nobody in particular.
    pub(crate) fn unnamed(&self) -> Arc<Tenant> {
        Arc::clone(&self.unnamed)
    }

    /// The tenant of that name, made now if there is none.
    pub(crate) fn tenant(&self, name: &str) -> Result<Arc<Tenant>, TenantError> {
        if let Some(tenant) = self.read().get(name) {
            return Ok(Arc::clone(tenant));
        }
        let control = name.chars().any(char::is_control);
        if control || name.is_empty() || name.len() > LONGEST_NAME {
            return Err(TenantError::Name { bytes: name.len(), control });
        }
        let mut tenants = self.write();
        // Somebody may have made it meanwhile.
        if let Some(tenant) = tenants.get(name) {
            return Ok(Arc::clone(tenant));
        }
        if tenants.len() >= MAX_TENANTS {
            return Err(TenantError::TooMany);
        }
        let tenant = Arc::new(self.make(name, &self.others));
        tenants.insert(name.into(), Arc::clone(&tenant));
        Ok(tenant)
    }

    /// Forgets a tenant, with what its ledger has counted; and gives it. Its calls under way go on.
    pub(crate) fn forget(&self, name: &str) -> Option<Arc<Tenant>> {
        self.write().remove(name)
    }

    /// What all calls together have taken.
    pub(crate) fn process(&self) -> &Ledger {
        &self.process
    }

    /// All that have a name, by name.
    pub(crate) fn all(&self) -> Vec<Arc<Tenant>> {
        self.read().values().cloned().collect()
    }

    fn make(&self, name: &str, settings: &TenantSettings) -> Tenant {
        let ledger = self.process.child(name, settings.limits.clone());
        let most = settings.limits.calls.min(self.process.limits().calls);
        let id = TenantId(self.made.fetch_add(1, Ordering::Relaxed) + 1);
        Tenant { id, name: Some(name.into()), ledger, lane: self.queue.lane(settings.weight, most) }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, BTreeMap<Arc<str>, Arc<Tenant>>> {
        self.tenants.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, BTreeMap<Arc<str>, Arc<Tenant>>> {
        self.tenants.write().unwrap_or_else(PoisonError::into_inner)
    }
}
