//! One attempt of a call, from the queue to the last word.

use std::sync::Arc;
use std::time::{Duration, Instant};

use host_core::{Fault, FaultKind, guard_async};
use host_limits::{ArmError, Exceeded, Usage, disarm};
use tracing::field::Empty;
use tracing::{Instrument, Span, debug_span};

use super::turn::use_up;
use super::{CallOptions, Called, Work, is_the_plugins};
use crate::breaker::{Admission, BreakerState};
use crate::error::{CallError, Stopped};
use crate::events::Event;
use crate::host::Inner;
use crate::instances::{Live, Running};
use crate::plugin::Plugin;
use crate::queue::{Busy, BusyReason};
use crate::reply::{CallInfo, Reply};
use crate::run::wasi_kind;
use crate::runtime::StoreError;
use crate::tenants::TenantId;
use crate::version::Version;

/// How long to wait before the pool is asked again.
const POOL_PAUSE: Duration = Duration::from_millis(2);

/// Asked for once: it costs.
#[derive(Clone, Copy)]
pub(super) struct Times {
    /// Since when the caller waits.
    pub(super) since: Instant,
    /// Since when the call has its place.
    pub(super) now: Instant,
}

/// An attempt that was let in.
pub(super) struct Attempt<'a> {
    pub(super) inner: &'a Inner,
    pub(super) options: &'a CallOptions,
    plugin: &'a Plugin,
    pub(super) version: Arc<Version>,
    pub(super) call: CallInfo,
    /// Since when its caller waits.
    since: Instant,
    span: Span,
}

/// What became of it.
struct Ran<R> {
    live: Live,
    warm: bool,
    /// Whether there was an instance. If not, nothing of the call itself was done.
    began: bool,
    result: Result<R, Fault>,
    usage: Usage,
}

impl Inner {
    pub(super) async fn attempt<W: Work>(
        &self,
        options: &CallOptions,
        plugin: &Plugin,
        attempt: u32,
        called: Called<'_>,
        work: &mut W,
    ) -> Result<Reply<W::Value>, CallError> {
        let since = Instant::now();
        let permit = self.enter(options, plugin, since).await?;
        let times = Times { since, now: permit.since().into() };
        self.attempt_now(options, plugin, attempt, times, called, work).await
    }

    /// An attempt that has its place, and whose caller waits since then.
    pub(super) async fn attempt_now<W: Work>(
        &self,
        options: &CallOptions,
        plugin: &Plugin,
        attempt: u32,
        Times { since, now }: Times,
        called: Called<'_>,
        work: &mut W,
    ) -> Result<Reply<W::Value>, CallError> {
        // Only now: there may be a new version since the call was made.
        let version = plugin.now();
        let prepared = work.prepare(&version)?;
        let call = CallInfo {
            id: self.active.next_id(),
            plugin: Arc::clone(&plugin.name),
            version: version.number,
            digest: version.digest,
            tenant: options.tenant.name.clone(),
            attempt,
        };
        let admission = version.breakers.admit(call.tenant.as_ref(), now).map_err(|open| {
            plugin.counts.refused();
            CallError::Open {
                plugin: Arc::clone(&call.plugin),
                tenant: version.breakers.key(call.tenant.as_ref()),
                retry_after: open.retry_after,
            }
        })?;
        if admission.is_first_probe {
            self.tell_breaker(&version, &call, BreakerState::HalfOpen);
        }
        let span = debug_span!(
            target: "host_plugins", "call",
            plugin = &*plugin.name, export = called.export, version = version.number, id = call.id.0,
            tenant = call.tenant.as_deref(), attempt, result = Empty, fuel = Empty
        );
        let attempt = Attempt { inner: self, options, plugin, version, call, since, span };
        let ran = attempt.run(&prepared, now, work).await?;
        // Not asked for again: it costs.
        let ended = attempt.since + ran.usage.elapsed;
        use_up(ended.saturating_duration_since(now));
        attempt.finish(admission, called, ran, ended)
    }

    /// What bounds the stores of all tenants together: the pool, if it has less room than the policy says.
    fn scarce_stores(&self) -> BusyReason {
        let is_pool = self.tenants.process().limits().stores < self.policy.process.stores;
        if is_pool { BusyReason::Pool } else { BusyReason::Stores }
    }

    fn tell_breaker(&self, version: &Version, call: &CallInfo, state: BreakerState) {
        self.teller.tell(|| Event::Breaker {
            plugin: Arc::clone(&call.plugin),
            tenant: version.breakers.key(call.tenant.as_ref()),
            state,
        });
    }
}

impl Attempt<'_> {
    /// Does the work, in an instance that waited or a new one.
    async fn run<W: Work>(
        &self,
        prepared: &W::Prepared,
        mut now: Instant,
        work: &mut W,
    ) -> Result<Ran<W::Value>, CallError> {
        loop {
            let (live, warm) = match self.inner.live(self.options, &self.version, self.since, now) {
                Err(StoreError::Limits(ArmError::Exceeded(Exceeded::LedgerStores { ledger, .. }))) => {
                    // Those that wait have stores, too; of others only what all have together.
                    // By place and not by name: a tenant may be named like it.
                    let of_process = std::ptr::eq(&*ledger, self.inner.tenants.process().name());
                    let tenant = (!of_process).then_some(self.options.tenant.id);
                    let why = if of_process { self.inner.scarce_stores() } else { BusyReason::Stores };
                    now = self.wait_for_room(tenant, why).await?;
                    continue;
                }
                live => live?,
            };
            // Whoever is instrumented is moved first, which costs, and most are not.
            let ran = if self.span.is_disabled() {
                self.run_in(live, warm, prepared, work).await?
            } else {
                self.run_in(live, warm, prepared, work).instrument(self.span.clone()).await?
            };
            match &ran.result {
                Err(fault) if !ran.began && matches!(fault.kind(), FaultKind::Busy(_)) => {
                    drop(ran);
                    now = self.wait_for_room(None, BusyReason::Pool).await?;
                }
                _ => return Ok(ran),
            }
        }
    }

    async fn run_in<W: Work>(
        &self,
        mut live: Live,
        warm: bool,
        prepared: &W::Prepared,
        work: &mut W,
    ) -> Result<Ran<W::Value>, CallError> {
        let cancel = live.store.data_mut().cancel_handle();
        let _entered = cancel.map(|cancel| self.inner.active.enter(&self.call, cancel, self.since));
        // Looked at once more, now that whoever shuts the host down finds the call.
        if self.inner.is_closing() {
            return Err(CallError::ShuttingDown);
        }
        let mut given_up = GivenUp { attempt: self, done: false };
        let Live { store, running, .. } = &mut live;
        let mut began = running.is_some();
        let result = guard_async(store, async |store| {
            let running = match running {
                Some(running) => running,
                // On the heap, for it is most of this future, which is moved with every call, and few begin here.
                none => none.insert(Box::pin(Running::start(&self.version.program.guest, store)).await?),
            };
            began = true;
            work.run(prepared, store, running).await
        })
        .await;
        given_up.done = true;
        let result = result.map(|outcome| outcome.value);
        let usage = disarm(&mut live.store, result.as_ref().err().map(Fault::error));
        Ok(Ran { live, warm, began, result, usage })
    }

    /// There is no room for another instance: gives up one that waits for its next call, of one tenant or of any, or waits a little.
    async fn wait_for_room(&self, tenant: Option<TenantId>, why: BusyReason) -> Result<Instant, CallError> {
        if self.inner.give_up_idle(tenant) {
            return Ok(Instant::now());
        }
        let waited = self.since.elapsed();
        if waited >= self.inner.policy.queue.wait {
            self.plugin.counts.refused();
            let busy = Busy::new(why, waited, self.call.tenant.clone());
            return Err(CallError::Busy(busy));
        }
        tokio::time::sleep(POOL_PAUSE).await;
        Ok(Instant::now())
    }

    /// Counts it, tells it, and keeps the instance if it may be kept.
    fn finish<R>(
        self,
        admission: Admission,
        called: Called<'_>,
        ran: Ran<R>,
        now: Instant,
    ) -> Result<Reply<R>, CallError> {
        let (Ran { mut live, warm, result, usage, .. }, tenant) = (ran, self.call.tenant.as_ref());
        let captured = live.store.data_mut().take_captured();
        let refused = captured.output_refused;
        let result = result.map_err(|fault| fault.reclassify(|error| wasi_kind(error, refused)));

        self.plugin.counts.spent(&usage, now.saturating_duration_since(self.since), warm);
        let fault = result.as_ref().err();
        match fault {
            None => self.plugin.counts.good(),
            Some(fault) => self.plugin.counts.fault(fault.kind().name()),
        }
        let bad = fault.is_some();
        // What somebody else decided tells nothing of the plugin, good or bad.
        if fault.is_none_or(|fault| is_the_plugins(fault.kind()))
            && let Some(state) = self.version.breakers.record(tenant, admission, now, bad)
        {
            self.inner.tell_breaker(&self.version, &self.call, state);
        }
        if !self.span.is_disabled() {
            self.span.record("result", fault.map_or("ok", |fault| fault.kind().name()));
            self.span.record("fuel", usage.fuel);
        }
        if self.inner.teller.is_heard() {
            for line in &captured.log {
                self.inner.teller.tell(|| Event::Log { call: self.call.clone(), line: line.clone() });
            }
            self.inner.teller.tell(|| Event::Ended {
                call: self.call.clone(),
                result: fault.map_or("ok", |fault| fault.kind().name()),
                fault: fault.map(ToString::to_string),
                usage: usage.clone(),
            });
        }
        match result {
            Ok(value) => {
                live.calls += 1;
                self.version.idle.put(self.options.tenant.id, live, now);
                Ok(Reply { value, usage, captured, call: self.call })
            }
            Err(fault) => {
                let bundle = self.bundle(called, &fault, &captured, &mut live.store);
                Err(CallError::Fault(Box::new(Stopped { fault, captured, call: Some(self.call), bundle })))
            }
        }
    }
}

/// Tells of a call that is dropped while it is under way.
struct GivenUp<'a> {
    attempt: &'a Attempt<'a>,
    done: bool,
}

impl Drop for GivenUp<'_> {
    fn drop(&mut self) {
        if !self.done {
            let Attempt { inner, plugin, call, .. } = self.attempt;
            plugin.counts.dropped();
            inner.teller.tell(|| Event::Dropped { call: call.clone() });
        }
    }
}
