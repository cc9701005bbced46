//! A core module that does not end by itself, and is stopped at its deadline.

use std::time::{Duration, Instant};

use wasmtime::{Engine, InstancePre, Linker, Module, UpdateDeadline};
use wasmtime_wasi::p1::{WasiP1Ctx, add_to_linker_async};

use super::Ticker;

pub(crate) struct Stopped {
    engine: Engine,
    guest: InstancePre<WasiP1Ctx>,
    allowed: Duration,
    _ticker: Ticker,
}

impl Stopped {
    pub(crate) fn new(guest: &[u8], allowed: Duration) -> Stopped {
        let engine = super::engine(false);
        let module = Module::new(&engine, guest).expect("it is a module");
        let mut linker = Linker::new(&engine);
        add_to_linker_async(&mut linker, |context: &mut WasiP1Ctx| context).expect("the linker is empty");
        let guest = linker.instantiate_pre(&module).expect("it imports WASI");
        let ticker = Ticker::start(&engine);
        Stopped { engine, guest, allowed, _ticker: ticker }
    }

    /// Epochs stop what computes, and the timeout what waits.
    pub(crate) async fn call(&self) -> wasmtime::Result<i32> {
        let at = Instant::now() + self.allowed;
        let mut store = wasmtime::Store::new(&self.engine, wasmtime_wasi::WasiCtx::builder().build_p1());
        store.set_fuel(u64::MAX).expect("the engine meters");
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(move |_| match Instant::now() >= at {
            true => Err(wasmtime::Error::msg("the deadline has passed")),
            false => Ok(UpdateDeadline::Yield(1)),
        });
        let call = async {
            let instance = self.guest.instantiate_async(&mut store).await?;
            instance.get_typed_func::<(), i32>(&mut store, "run")?.call_async(&mut store, ()).await
        };
        tokio::time::timeout_at(at.into(), call).await?
    }
}
