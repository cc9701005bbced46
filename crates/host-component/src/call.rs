//! How is an export called whose type is only known at run time?

use thiserror::Error;
use wasmtime::AsContextMut;
use wasmtime::component::types::ComponentFunc;
use wasmtime::component::{Func, Instance, Val};

use crate::check::{self, ArgumentError};
use crate::exports::ExportedFunction;

/// Calls `function` of `instance` with `arguments`, and gives what it returns: no value, or one.
///
/// Arguments are checked before the guest is entered, so that an error other than [`CallError::Failed`] leaves the
/// instance as it was. What cannot be seen from outside is whether a resource has been dropped or given away: passing such
/// a one fails inside the call. [`Handles::call`](crate::Handles::call) knows, and refuses it before.
///
/// # Errors
///
/// [`CallError::Failed`] when the guest or a host function it called failed, or a budget ran out: after that the store must
/// not be used for another call of a component. The other variants say what was wrong with the call.
///
/// # Panics
///
/// When `instance` is not one of `store`'s.
pub fn call(
    mut store: impl AsContextMut,
    instance: &Instance,
    function: &ExportedFunction,
    arguments: &[Val],
) -> Result<Vec<Val>, CallError> {
    Entry::prepare(&mut store, instance, function, arguments)?.call(store, function, arguments)
}

/// [`call`] for stores whose host functions may wait.
///
/// Dropping the future before it is done leaves the guest half-way through its call: the store must not be used for another.
///
/// # Errors
///
/// As [`call`].
///
/// # Panics
///
/// As [`call`].
pub async fn call_async(
    mut store: impl AsContextMut<Data: Send>,
    instance: &Instance,
    function: &ExportedFunction,
    arguments: &[Val],
) -> Result<Vec<Val>, CallError> {
    let entry = Entry::prepare(&mut store, instance, function, arguments)?;
    entry.call_async(store, function, arguments).await
}

/// Why [`call`] gave no result.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum CallError {
    /// The arguments do not fit; the guest was not entered.
    #[error(transparent)]
    Arguments(#[from] ArgumentError),
    /// The function was found in another component than the one this is an instance of; the guest was not entered.
    #[error(
        "`{function}` was found in another component than this instance's; find it in the same component"
    )]
    OtherComponent {
        /// The function's full name.
        function: String,
    },
    /// The store takes only async calls, or this is called within one; the guest was not entered.
    #[error("`{function}` cannot be called synchronously in this store; call it with `call_async`")]
    NeedsAsync {
        /// The function's full name.
        function: String,
    },
    /// The call failed in the guest, in a host function it called, or at a budget.
    #[error("the call of `{function}` failed")]
    Failed {
        /// The function's full name.
        function: String,
        /// Wasmtime's error, with the trap, the exit code or the host's own error inside.
        source: wasmtime::Error,
    },
}

impl CallError {
    /// Whether the store must not be used for another call of a component: the guest was entered, and left half-way.
    ///
    /// All other mistakes are found before, and cost nothing.
    pub fn retires_store(&self) -> bool {
        matches!(self, CallError::Failed { .. })
    }

    /// The error as one of Wasmtime's, in which the trap, the exit code, or the host's own error can still be found by
    /// `downcast_ref`: what code that tells faults apart, such as `host_core::guard`, wants to see.
    pub fn into_wasmtime(self) -> wasmtime::Error {
        match self {
            CallError::Failed { source, .. } => source,
            other => wasmtime::Error::new(other),
        }
    }
}

/// A call that has been looked at and can begin.
pub(crate) struct Entry {
    func: Func,
    /// The function's type in this instance: only here do resources have their types.
    pub(crate) ty: ComponentFunc,
}

impl Entry {
    pub(crate) fn prepare(
        mut store: impl AsContextMut,
        instance: &Instance,
        function: &ExportedFunction,
        arguments: &[Val],
    ) -> Result<Entry, CallError> {
        let name = || crate::names::printable(&function.full_name());
        let func = instance
            .get_func(&mut store, function.index)
            .ok_or_else(|| CallError::OtherComponent { function: name() })?;
        let ty = func.ty(&store);
        check::arguments(name, ty.params(), arguments)?;
        Ok(Entry { func, ty })
    }

    pub(crate) fn call(
        self,
        mut store: impl AsContextMut,
        function: &ExportedFunction,
        arguments: &[Val],
    ) -> Result<Vec<Val>, CallError> {
        let mut results = self.results();
        let Err(source) = self.func.call(&mut store, arguments, &mut results) else { return Ok(results) };
        Err(match is_refused(&source) && self.is_refused_again(store) {
            true => CallError::NeedsAsync { function: crate::names::printable(&function.full_name()) },
            false => failed(function, source),
        })
    }

    /// Whether a call that enters no guest is refused as well, because it is not async: a guest may have given the same words.
    fn is_refused_again(&self, store: impl AsContextMut) -> bool {
        let too_many = vec![Val::Bool(false); self.ty.params().len() + 1];
        self.func.call(store, &too_many, &mut self.results()).is_err_and(|error| is_refused(&error))
    }

    pub(crate) async fn call_async(
        self,
        store: impl AsContextMut<Data: Send>,
        function: &ExportedFunction,
        arguments: &[Val],
    ) -> Result<Vec<Val>, CallError> {
        let mut results = self.results();
        let called = self.func.call_async(store, arguments, &mut results).await;
        called.map_err(|source| failed(function, source))?;
        Ok(results)
    }

    /// Wasmtime overwrites every slot; what is in them before does not matter.
    fn results(&self) -> Vec<Val> {
        vec![Val::Bool(false); self.ty.results().len()]
    }
}

/// Whether these are Wasmtime's words for a sync call where only an async one may be made. It says so before all else.
pub(crate) fn is_refused(error: &wasmtime::Error) -> bool {
    let words = error.to_string();
    words == "store configuration requires that `*_async` functions are used instead"
        || words == "cannot do blocking `call` from an async context"
}

fn failed(function: &ExportedFunction, source: wasmtime::Error) -> CallError {
    CallError::Failed { function: crate::names::printable(&function.full_name()), source }
}
