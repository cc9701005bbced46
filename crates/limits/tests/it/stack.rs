//! Recursion ends at the stack's budget, and the host lives on.

use host_limits::{Bytes, Exceeded, Limits};

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
