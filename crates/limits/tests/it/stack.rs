//! Recursion ends at the stack's budget, and the host lives on.

use host_limits::{Bytes, Exceeded, Limits, Meter, Ticker, arm_async};
use wasmtime::{Config, Engine, Linker, Module, Store};

use crate::{Host, run, run_in};

const RECURSE: &str = r#"(module
    (func $deeper (param i32) (result i32)
        (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0))
            (else (i32.add (i32.const 1) (call $deeper (i32.sub (local.get 0) (i32.const 1)))))))
    (func (export "run") (result i32) (call $deeper (i32.const DEPTH))))"#;

#[test]
pub(crate) fn deep_recursion_is_stopped() {
    let stack = Bytes::kibi(256);
    let deep = run(Limits { stack, ..Limits::default() }, &RECURSE.replace("DEPTH", "10000000"));
    assert_eq!(deep.reason, Some(Exceeded::Stack { allowed: stack }));
    let shallow = run(Limits { stack, ..Limits::default() }, &RECURSE.replace("DEPTH", "100"));
    assert_eq!(shallow.result.unwrap(), 100);
}

#[test]
fn an_engine_s_smaller_stack_is_the_one_that_is_named() {
    let engine = Bytes::kibi(256);
    let host = Host::new(Limits { stack: engine, ..Limits::default() });
    let mut store = host.store_with(Limits { stack: Bytes::mebi(8), ..Limits::default() });
    let deep = run_in(&host, &mut store, &RECURSE.replace("DEPTH", "10000000"));
    assert_eq!(deep.reason, Some(Exceeded::Stack { allowed: engine }));
}

/// Where it does not end the guest, it ends this process.
#[test]
fn a_thread_of_the_standard_size_has_room_for_every_preset() {
    const STANDARD: usize = 2 << 20;
    for limits in [Limits::untrusted(), Limits::default(), Limits::trusted()] {
        let stack = limits.stack;
        let deep = move || run(limits, &RECURSE.replace("DEPTH", "10000000")).reason;
        let thread = std::thread::Builder::new().stack_size(STANDARD).spawn(deep).unwrap();
        assert_eq!(thread.join().unwrap(), Some(Exceeded::Stack { allowed: stack }));
    }
}

/// Where it has none, it ends this process.
#[tokio::test]
async fn a_host_function_has_stack_of_its_own_when_its_async_guest_has_used_up_all() {
    fn deep(bytes: &mut [u8; 1 << 20]) {
        std::hint::black_box(bytes)[0] = 1;
    }
    let limits = Limits { fuel: None, ..Limits::default() };
    let engine = Engine::new(limits.configure(&mut Config::new())).unwrap();
    let ticker = Ticker::start(&engine).unwrap();
    let mut linker = Linker::<Meter>::new(&engine);
    linker.func_wrap("host", "deep", || deep(&mut [0; 1 << 20])).unwrap();
    // At every depth, so at the last one too; a frame of some hundred bytes.
    let wat = r#"(module (import "host" "deep" (func $deep))
        (func $deeper (export "run") (call $deep) (call $deeper)))"#;
    let mut store = Store::new(&engine, Meter::new(limits.clone()));
    arm_async(&mut store, &ticker).unwrap();
    let module = Module::new(&engine, wat).unwrap();
    let instance = linker.instantiate_async(&mut store, &module).await.unwrap();
    let run = instance.get_typed_func::<(), ()>(&mut store, "run").unwrap();
    let error = run.call_async(&mut store, ()).await.unwrap_err();
    assert_eq!(store.data().explain(&error), Some(Exceeded::Stack { allowed: limits.stack }));
}
