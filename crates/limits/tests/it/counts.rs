//! How many memories, tables and instances a store may have.

use host_limits::{Exceeded, Limits};

use crate::{Host, run, run_in};

const FINE: &str = r#"(module (func (export "run") (result i32) (i32.const 1)))"#;

#[test]
pub(crate) fn memories() {
    let wat = r#"(module (memory 0) (memory 0) (memory 0) (func (export "run") (result i32) (i32.const 1)))"#;
    let limits = Limits { memories: 2, ..Limits::default() };
    assert_eq!(run(limits, wat).reason, Some(Exceeded::Memories { allowed: 2, asked: 3 }));
    assert_eq!(run(Limits { memories: 3, ..Limits::default() }, wat).result.unwrap(), 1);
}

#[test]
pub(crate) fn tables() {
    let wat =
        r#"(module (table 0 funcref) (table 0 funcref) (func (export "run") (result i32) (i32.const 1)))"#;
    let limits = Limits { tables: 1, ..Limits::default() };
    assert_eq!(run(limits, wat).reason, Some(Exceeded::Tables { allowed: 1, asked: 2 }));
    assert_eq!(run(Limits { tables: 2, ..Limits::default() }, wat).result.unwrap(), 1);
}

#[test]
pub(crate) fn instances() {
    let host = Host::new(Limits { instances: 2, ..Limits::default() });
    let mut store = host.store();
    assert_eq!(run_in(&host, &mut store, FINE).result.unwrap(), 1);
    assert_eq!(run_in(&host, &mut store, FINE).result.unwrap(), 1);
    let third = run_in(&host, &mut store, FINE);
    assert_eq!(third.reason, Some(Exceeded::Instances { allowed: 2, asked: 3 }));
}
