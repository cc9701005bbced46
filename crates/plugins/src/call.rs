//! One call of a plugin: let in, given an instance, guarded, counted and told.

mod attempt;
mod bundles;
mod forms;
mod health;
mod store;
mod turn;
mod work;

use std::sync::Arc;
use std::time::{Duration, Instant};

use host_core::FaultKind;
use host_limits::Exceeded;
use serde_json::Value;
use wasmtime::Store;
use wasmtime::component::Val;

use crate::bundle::CrashBundles;
use crate::error::CallError;
use crate::host::Inner;
use crate::instances::Running;
use crate::plugin::Plugin;
use crate::queue::{Busy, BusyReason, Permit, Refusal};
use crate::reply::Reply;
use crate::state::State;
use crate::tenants::Tenant;
use crate::version::Version;

/// How calls are made, and for whom.
#[derive(Clone)]
pub(crate) struct CallOptions {
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) attempts: u32,
    pub(crate) bundles: Option<Arc<CrashBundles>>,
}

/// What is called, for crash bundles: made into text only when there is one to write.
#[derive(Clone, Copy)]
pub(crate) struct Called<'a> {
    pub(crate) export: &'a str,
    pub(crate) arguments: Arguments<'a>,
}

/// The arguments in the form that the caller gave.
#[derive(Clone, Copy)]
pub(crate) enum Arguments<'a> {
    Values(&'a [Val]),
    Json(&'a Value),
    /// A list in WAVE, in its brackets.
    Wave(&'a str),
    Bytes(&'a [u8]),
    /// The call is made by code of the embedder's.
    Unknown,
}

impl Called<'_> {
    /// Nobody knows what code of the embedder's calls.
    const BY_CODE: Called<'static> = Called { export: "", arguments: Arguments::Unknown };
}

/// What is done in an instance. A trait and no closures: whether the future of a call is `Send` could not be told of those.
pub(crate) trait Work {
    /// What is found out before anything of the plugin runs.
    type Prepared;
    /// What it gives.
    type Value;

    /// Looks at the version that is called.
    fn prepare(&self, version: &Version) -> Result<Self::Prepared, CallError>;

    /// Does the work.
    async fn run(
        &mut self,
        prepared: &Self::Prepared,
        store: &mut Store<State>,
        running: &mut Running,
    ) -> wasmtime::Result<Self::Value>;
}

impl Inner {
    /// Has `work` done by a plugin, in as many attempts as there may be.
    pub(crate) async fn call<W: Work>(
        &self,
        options: &CallOptions,
        plugin: &str,
        called: Called<'_>,
        mut work: W,
    ) -> Result<Reply<W::Value>, CallError> {
        let plugin = self.plugin(plugin)?;
        let mut attempt = 1;
        loop {
            let result = self.attempt(options, &plugin, attempt, called, &mut work).await;
            if attempt >= options.attempts || !result.as_ref().is_err_and(may_go_well_later) {
                return result;
            }
            // Not kept while it waits: that would make the future of every call larger.
            drop(result);
            tokio::time::sleep(wait_after(attempt)).await;
            attempt += 1;
        }
    }

    /// Lets a call in: waits for a place.
    async fn enter(
        &self,
        options: &CallOptions,
        plugin: &Plugin,
        since: Instant,
    ) -> Result<Permit, CallError> {
        if self.is_closing() {
            return Err(CallError::ShuttingDown);
        }
        let refusal = match options.tenant.lane.admit_since(since.into()).await {
            Ok(permit) => return Ok(permit),
            Err(refusal) => refusal,
        };
        let (why, waited) = match refusal {
            Refusal::Closed => return Err(CallError::ShuttingDown),
            Refusal::QueueFull => (BusyReason::QueueFull, Duration::ZERO),
            Refusal::Waited(waited) => (BusyReason::Waited, waited),
        };
        plugin.counts.refused();
        Err(CallError::Busy(Busy::new(why, waited, options.tenant.name.clone())))
    }
}

/// How long to wait after so many attempts: 10 ms, twice that, and so on up to a second.
fn wait_after(attempts: u32) -> Duration {
    Duration::from_millis(10 << (attempts - 1).min(7)).min(Duration::from_secs(1))
}

/// Whether the same call may go well if it is made again: not if it was refused for what it is, nor if its budget ran out, which
/// another attempt would only spend again.
fn may_go_well_later(error: &CallError) -> bool {
    match error {
        CallError::Busy(_) | CallError::Open { .. } => true,
        CallError::Fault(stopped) => matches!(
            stopped.fault.kind(),
            FaultKind::Trap(_)
                | FaultKind::BadArgument(_)
                | FaultKind::BadValue(_)
                | FaultKind::Exit(_)
                | FaultKind::Exception(_)
                | FaultKind::Poisoned
                | FaultKind::Busy(_)
                | FaultKind::Panic(_)
                | FaultKind::Host
        ),
        _ => false,
    }
}

/// Whether a fault speaks against the plugin. What its host lacks, and what somebody else decided, does not.
fn is_the_plugins(kind: &FaultKind) -> bool {
    !matches!(
        kind,
        FaultKind::Busy(_)
            | FaultKind::Host
            | FaultKind::Panic(_)
            | FaultKind::Poisoned
            | FaultKind::Budget(
                Exceeded::Cancelled
                    | Exceeded::LedgerMemory { .. }
                    | Exceeded::LedgerStores { .. }
                    | Exceeded::LedgerCalls { .. }
                    | Exceeded::LedgerFuel { .. }
            )
    )
}
