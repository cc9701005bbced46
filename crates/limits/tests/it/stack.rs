//! Recursion ends at the stack's budget, and the host lives on.

use host_limits::{Bytes, Exceeded, Limits};

use crate::run;

const RECURSE: &str = r#"(module
    (func $deeper (param i32) (result i32)
        (if (result i32) (i32.eqz (local.get 0)) (then (i32.const 0))
            (else (i32.add (i32.const 1) (call $deeper (i32.sub (local.get 0) (i32.const 1)))))))
    (func (export "run") (result i32) (call $deeper (i32.const DEPTH))))"#;

#[test]
fn deep_recursion_is_stopped() {
    let stack = Bytes::kibi(256);
    let deep = run(Limits { stack, ..Limits::default() }, &RECURSE.replace("DEPTH", "10000000"));
    assert_eq!(deep.reason, Some(Exceeded::Stack { allowed: stack }));
    let shallow = run(Limits { stack, ..Limits::default() }, &RECURSE.replace("DEPTH", "100"));
    assert_eq!(shallow.result.unwrap(), 100);
}
