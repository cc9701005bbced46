//! `Active`: the calls that are under way, so that they can be waited for, told and cancelled.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use host_limits::CancelHandle;
use tokio::sync::Notify;

use crate::number_hash::NumberMap;
use crate::reply::{CallId, CallInfo};

/// The calls of a host that are under way.
#[derive(Default)]
pub(crate) struct Active {
    last: AtomicU64,
    calls: Mutex<NumberMap<CallId, Underway>>,
    ended: Notify,
}

struct Underway {
    cancel: CancelHandle,
    plugin: Arc<str>,
    tenant: Option<Arc<str>>,
    since: Instant,
}

/// A call that is under way for as long as this lives.
pub(crate) struct Entered<'a> {
    active: &'a Active,
    id: CallId,
}

/// A call that is under way, as it is told.
#[derive(Clone, Debug, PartialEq, serde::Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct UnderwayCall {
    /// Its number.
    pub id: CallId,
    /// The plugin.
    #[serde(with = "crate::shared_text")]
    pub plugin: Arc<str>,
    /// The tenant, if one was named.
    #[serde(with = "crate::shared_text::optional")]
    pub tenant: Option<Arc<str>>,
    /// How long it has run, in seconds.
    pub seconds: f64,
}

impl Active {
    pub(crate) fn next_id(&self) -> CallId {
        CallId(self.last.fetch_add(1, Ordering::Relaxed) + 1)
    }

    pub(crate) fn enter(&self, call: &CallInfo, cancel: CancelHandle, since: Instant) -> Entered<'_> {
        let (plugin, tenant) = (Arc::clone(&call.plugin), call.tenant.clone());
        self.lock().insert(call.id, Underway { cancel, plugin, tenant, since });
        Entered { active: self, id: call.id }
    }

    /// Cancels one call; `false` if it is not under way.
    pub(crate) fn cancel(&self, id: CallId) -> bool {
        let cancel = self.lock().get(&id).map(|call| call.cancel.clone());
        cancel.map(|cancel| cancel.cancel()).is_some()
    }

    /// Cancels all that are under way, and says how many.
    pub(crate) fn cancel_all(&self) -> usize {
        let all: Vec<_> = self.lock().values().map(|call| call.cancel.clone()).collect();
        all.iter().for_each(CancelHandle::cancel);
        all.len()
    }

    pub(crate) fn len(&self) -> usize {
        self.lock().len()
    }

    /// Waits until none is under way.
    pub(crate) async fn none(&self) {
        loop {
            let ended = self.ended.notified();
            if self.len() == 0 {
                return;
            }
            ended.await;
        }
    }

    /// Those under way, longest first.
    pub(crate) fn list(&self, now: Instant) -> Vec<UnderwayCall> {
        let mut calls: Vec<_> = self
            .lock()
            .iter()
            .map(|(id, call)| UnderwayCall {
                id: *id,
                plugin: Arc::clone(&call.plugin),
                tenant: call.tenant.clone(),
                seconds: now.saturating_duration_since(call.since).as_secs_f64(),
            })
            .collect();
        calls.sort_by_key(|call| call.id);
        calls
    }

    fn lock(&self) -> MutexGuard<'_, NumberMap<CallId, Underway>> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Entered<'_> {
    fn drop(&mut self) {
        let mut calls = self.active.lock();
        calls.remove(&self.id);
        let none = calls.is_empty();
        drop(calls);
        if none {
            self.active.ended.notify_waiters();
        }
    }
}
