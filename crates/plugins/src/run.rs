//! Runs guest code in a fresh store of a runtime, and gathers what it gave, spent and said.

use host_core::{Denied, Fault, FaultKind, guard_async};
use host_limits::{Bytes, Exceeded, Limits, Usage};
use host_wasi::{Grants, OutputRefused, QuotaRefused, exit_code};
use wasmtime::component::{Instance, InstancePre};
use wasmtime::{Store, Trap};

use crate::error::Stopped;
use crate::runtime::{Runtime, StoreError};
use crate::state::{Captured, State};

/// What a call gave, what it spent, and what the guest said.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Outcome<R> {
    /// What the call gave.
    pub value: R,
    /// What its store spent.
    pub usage: Usage,
    /// What the guest said.
    pub captured: Captured,
}

impl<R, E> Outcome<Result<R, E>> {
    pub(crate) fn transpose(self) -> Result<Outcome<R>, E> {
        let Outcome { value, usage, captured } = self;
        value.map(|value| Outcome { value, usage, captured })
    }
}

/// A run that gave no result.
pub(crate) enum RunError {
    Store(StoreError),
    Stopped(Box<Stopped>),
}

impl Runtime {
    /// Does `work` in a store of its own, which is gone afterwards, whatever happened.
    pub(crate) async fn run_fresh<R>(
        &self,
        limits: &Limits,
        grants: &Grants,
        work: impl AsyncFnOnce(&mut Store<State>) -> wasmtime::Result<R>,
    ) -> Result<Outcome<R>, RunError> {
        let mut store = self.store(limits, grants).map_err(RunError::Store)?;
        let result = guard_async(&mut store, work).await;
        let captured = store.data_mut().take_captured();
        match result {
            Ok(outcome) => Ok(Outcome { value: outcome.value, usage: outcome.usage, captured }),
            Err(fault) => {
                let fault = fault.reclassify(|error| wasi_kind(error, captured.output_refused));
                Err(RunError::Stopped(Box::new(Stopped { fault, captured, call: None, bundle: None })))
            }
        }
    }

    /// Does `work` with a fresh instance of a component, in a store of its own.
    pub(crate) async fn run_instance<R>(
        &self,
        instance: &InstancePre<State>,
        limits: &Limits,
        grants: &Grants,
        work: impl AsyncFnOnce(&mut Store<State>, Instance) -> wasmtime::Result<R>,
    ) -> Result<Outcome<R>, RunError> {
        let instantiate_and_work = async |store: &mut Store<State>| {
            let instance = instance.instantiate_async(&mut *store).await?;
            work(store, instance).await
        };
        self.run_fresh(limits, grants, instantiate_and_work).await
    }
}

/// What an error means that only WASI knows of: the guest asked to end, or died of an output or room that was refused.
pub(crate) fn wasi_kind(error: &wasmtime::Error, refused: Option<OutputRefused>) -> Option<FaultKind> {
    if let Some(code) = exit_code(error) {
        return Some(FaultKind::Exit(code));
    }
    if let Some(QuotaRefused { guest, quota, .. }) = error.downcast_ref() {
        let what = format!("keeping more than {} bytes and {} files in `{guest}`", quota.bytes, quota.files);
        return Some(FaultKind::Denied(Denied::new(what, "quota")));
    }
    // Languages answer a failed write with `unreachable`, as they answer a failed allocation.
    let gave_up = matches!(error.downcast_ref(), Some(Trap::UnreachableCodeReached))
        || error.downcast_ref::<OutputRefused>().is_some();
    let refused = refused.filter(|_| gave_up)?;
    Some(FaultKind::Budget(Exceeded::Output { allowed: Bytes::new(refused.limit) }))
}

/// A fault that is an exit, as the outcome that it is of a command; anything else comes back as it was.
pub(crate) fn exit_of(stopped: Box<Stopped>) -> Result<Outcome<i32>, Box<Stopped>> {
    match *Fault::kind(&stopped.fault) {
        FaultKind::Exit(value) => {
            Ok(Outcome { value, usage: stopped.fault.usage().clone(), captured: stopped.captured })
        }
        _ => Err(stopped),
    }
}
