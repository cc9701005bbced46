//! stub
use std::sync::Arc;
use host_limits::{Ledger, LedgerLimits};
use crate::queue::{FairQueue, Lane};
pub(crate) struct Tenant { pub(crate) name: Option<Arc<str>>, pub(crate) ledger: Ledger, pub(crate) lane: Lane }
pub(crate) struct Tenants;
/// stub
#[derive(Clone, Debug, thiserror::Error)]
#[error("tenant")]
pub struct TenantError;
impl Tenants {
    pub(crate) fn tenant(&self, name: &str) -> Result<Arc<Tenant>, TenantError> { Ok(Arc::new(Tenant { name: Some(name.into()), ledger: Ledger::new(name, LedgerLimits::default()), lane: Lane })) }
    pub(crate) fn unnamed(&self) -> Arc<Tenant> { Arc::new(Tenant { name: None, ledger: Ledger::new("process", LedgerLimits::default()), lane: Lane }) }
}
pub(crate) fn queue() -> FairQueue { FairQueue }
