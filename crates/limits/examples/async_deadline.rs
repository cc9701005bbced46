//! Epochs that really end an async guest: a loop, and a call that is blocked in the host.
//!
//! An epoch moved by a task of the async runtime starves when guests keep its threads busy, and a callback that only ever
//! yields ends nothing. Here the ticker is a thread, and the deadline decides.

#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use std::time::Duration;

use host_limits::{Exceeded, Limits, Meter, Ticker, arm_async};
use wasmtime::{Caller, Config, Engine, Linker, Module, Store};

const SPIN: &str = r#"(module (func (export "run") (loop (br 0))))"#;
const WAIT: &str = r#"(module (import "host" "wait" (func $wait)) (func (export "run") (call $wait)))"#;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let deadline = Duration::from_millis(100);
    let limits = Limits { deadline, fuel: None, ..Limits::untrusted() };
    let mut config = Config::new();
    limits.configure(&mut config);
    let engine = Engine::new(&config)?;
    let ticker = Ticker::start(&engine)?;
    let mut linker = Linker::new(&engine);
    linker.func_wrap_async("host", "wait", |_: Caller<'_, Meter>, ()| {
        Box::new(tokio::time::sleep(Duration::from_secs(3600)))
    })?;

    for (name, wat) in [("spin", SPIN), ("wait", WAIT)] {
        let mut store = Store::new(&engine, Meter::new(limits.clone()));
        arm_async(&mut store, &ticker)?;
        let bound = store.data().deadline().expect("just armed").clone();
        let module = Module::new(&engine, wat)?;
        let call = async {
            let instance = linker.instantiate_async(&mut store, &module).await?;
            instance.get_typed_func::<(), ()>(&mut store, "run")?.call_async(&mut store, ()).await
        };
        let reason = match bound.bound(call).await {
            Err(exceeded) => Some(exceeded),
            Ok(result) => store.data().explain(&result.expect_err("neither guest returns")),
        };
        println!("{name}: {}", reason.as_ref().expect("both run into the deadline"));
        assert_eq!(reason, Some(Exceeded::Deadline { allowed: deadline }));
    }
    Ok(())
}
