//! What is done in an instance, for each form of a call.

use std::any::Any;
use std::marker::PhantomData;
use std::sync::Arc;

use host_component::{ArgumentError, ExportedFunction, call_async, json, wave};
use host_core::MemoryAccess as _;
use host_limits::{Exceeded, HasMeter as _};
use wasmtime::component::{Instance, Val};
use wasmtime::{ExternType, Store, StoreContextMut};

use super::{Arguments, Called, Work};
use crate::bindings::Bindings;
use crate::error::CallError;
use crate::instances::{BytesExport, Running};
use crate::state::State;
use crate::version::Version;

/// Calls a component's function with values of the component model, from whatever they are written in.
pub(super) struct Values<'a>(pub(super) Called<'a>);

impl Work for Values<'_> {
    type Prepared = (Arc<ExportedFunction>, Option<Vec<Val>>);
    type Value = Result<Vec<Val>, ArgumentError>;

    fn prepare(&self, version: &Version) -> Result<Self::Prepared, CallError> {
        let Called { export, arguments } = self.0;
        let function = version.function(export)?;
        let read = match arguments {
            Arguments::Json(json) => Some(json::arguments(&function, json)?),
            Arguments::Wave(list) => Some(wave::arguments(&function, list)?),
            _ => None,
        };
        Ok((function, read))
    }

    async fn run(
        &mut self,
        (function, read): &Self::Prepared,
        store: &mut Store<State>,
        running: &mut Running,
    ) -> wasmtime::Result<Self::Value> {
        let arguments = match (read, self.0.arguments) {
            (Some(read), _) => read.as_slice(),
            (None, Arguments::Values(values)) => values,
            (None, _) => &[],
        };
        match call_async(store, running.component(), function, arguments).await {
            Ok(results) => Ok(Ok(results)),
            // A mistake in the arguments is the caller's, and no fault of the guest.
            Err(host_component::CallError::Arguments(error)) => Ok(Err(error)),
            Err(error) => Err(error.into_wasmtime()),
        }
    }
}

/// Has code of the embedder's call a component.
pub(super) struct With<F, R> {
    pub(super) work: F,
    pub(super) value: PhantomData<fn() -> R>,
}

impl<R, F: AsyncFnMut(&mut Store<State>, Instance) -> wasmtime::Result<R>> Work for With<F, R> {
    type Prepared = ();
    type Value = R;

    fn prepare(&self, version: &Version) -> Result<(), CallError> {
        version.component().map(drop)
    }

    async fn run(&mut self, (): &(), store: &mut Store<State>, running: &mut Running) -> wasmtime::Result<R> {
        (self.work)(store, *running.component()).await
    }
}

/// Has code of the embedder's call a component by its bindings.
pub(super) struct Typed<F, B, R> {
    pub(super) work: F,
    pub(super) types: PhantomData<fn(&B) -> R>,
}

impl<B: Bindings, R, F: AsyncFnMut(&mut Store<State>, &B) -> wasmtime::Result<R>> Work for Typed<F, B, R> {
    type Prepared = ();
    /// The error is that of the bindings, which do not fit.
    type Value = Result<R, wasmtime::Error>;

    fn prepare(&self, version: &Version) -> Result<(), CallError> {
        version.component().map(drop)
    }

    async fn run(
        &mut self,
        (): &(),
        store: &mut Store<State>,
        running: &mut Running,
    ) -> wasmtime::Result<Self::Value> {
        let Running::Component { instance, bindings } = running else { unreachable!("it was looked at") };
        let known = bindings.as_deref().is_some_and(|bindings: &(dyn Any + Send + Sync)| bindings.is::<B>());
        if !known {
            match B::new(&mut *store, instance) {
                Ok(new) => *bindings = Some(Box::new(new)),
                Err(error) => return Ok(Err(error)),
            }
        }
        let Some(bindings) = bindings.as_deref().and_then(|bindings| bindings.downcast_ref::<B>()) else {
            unreachable!("they were put there just now")
        };
        (self.work)(store, bindings).await.map(Ok)
    }
}

/// Calls a core module's function with bytes.
pub(super) struct Bytes<'a> {
    pub(super) export: &'a str,
    pub(super) input: &'a [u8],
}

impl Work for Bytes<'_> {
    type Prepared = ();
    type Value = Vec<u8>;

    fn prepare(&self, version: &Version) -> Result<(), CallError> {
        version.takes_bytes(self.export)
    }

    async fn run(
        &mut self,
        (): &(),
        store: &mut Store<State>,
        running: &mut Running,
    ) -> wasmtime::Result<Vec<u8>> {
        let BytesExport { function, allocator, .. } = running.bytes(store, self.export)?;
        let (memory, input) = (allocator.memory(), self.input);
        let length = input.len() as u64;
        let call = async |mut store: StoreContextMut<'_, State>, address: u64| {
            memory.write_bytes(&mut store, address, input)?;
            // Both fit: a memory of 32 bits had room for them.
            let given = function.call_async(&mut store, (address as u32, length as u32)).await?;
            let (address, length) = (given >> 32, given & u64::from(u32::MAX));
            let allowed = store.data_mut().meter().limits().lifted;
            if length > allowed.get() {
                return Err(Exceeded::Lifted { allowed }.into());
            }
            Ok(memory.read_bytes(&store, address, length)?.to_vec())
        };
        allocator.with_allocation_async(store, length, 1, call).await
    }
}

/// Calls a core module's function without arguments, for a health check.
pub(super) struct Plain<'a>(pub(super) &'a str);

impl Work for Plain<'_> {
    type Prepared = ();
    type Value = ();

    fn prepare(&self, version: &Version) -> Result<(), CallError> {
        match version.module()?.get_export(self.0) {
            Some(ExternType::Func(_)) => Ok(()),
            _ => Err(CallError::NoFunction { export: self.0.to_owned() }),
        }
    }

    async fn run(
        &mut self,
        (): &(),
        store: &mut Store<State>,
        running: &mut Running,
    ) -> wasmtime::Result<()> {
        running.module().get_typed_func::<(), ()>(&mut *store, self.0)?.call_async(store, ()).await
    }
}
