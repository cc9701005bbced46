//! Where does a call get its store? A warm one that its tenant had before, or a new one.

use std::time::Instant;

use host_limits::{ArmError, Meter};
use wasmtime::Store;

use super::CallOptions;
use crate::host::Inner;
use crate::instances::Live;
use crate::runtime::StoreError;
use crate::state::State;
use crate::tenants::TenantId;
use crate::version::Version;

impl Inner {
    /// A store for one call, armed; and whether it was one that waited.
    pub(super) fn live(
        &self,
        options: &CallOptions,
        version: &Version,
        queued_since: Instant,
        now: Instant,
    ) -> Result<(Live, bool), StoreError> {
        while let Some(mut live) = version.idle.take(options.tenant.id, now) {
            live.store.data_mut().begin_call(queued_since);
            match self.runtime.arm(&mut live.store) {
                Ok(()) => return Ok((live, true)),
                // It cannot be used again; the next may do, and a new one will.
                Err(ArmError::Retired) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let store = self.fresh(options, version, queued_since)?;
        Ok((Live::new(store, now), false))
    }

    fn fresh(
        &self,
        options: &CallOptions,
        version: &Version,
        queued_since: Instant,
    ) -> Result<Store<State>, StoreError> {
        let terms = &version.terms;
        let mut meter =
            Meter::charged_to(&options.tenant.ledger, terms.limits.clone()).map_err(ArmError::Exceeded)?;
        meter.queued_since(queued_since);
        self.runtime.store_of(meter, &terms.grants, &version.config)
    }

    /// Gives up the instance that has waited longest, of all plugins; of one tenant only, if one is given.
    pub(super) fn give_up_idle(&self, tenant: Option<TenantId>) -> bool {
        let versions: Vec<_> = self.read().values().map(|plugin| plugin.now()).collect();
        let oldest = versions
            .iter()
            .filter_map(|version| version.idle.oldest(tenant).map(|since| (since, version)))
            .min_by_key(|(since, _)| *since);
        oldest.is_some_and(|(_, version)| version.idle.give_up_oldest(tenant))
    }
}
