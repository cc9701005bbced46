//! One guest never pays for another, though they share an engine and its ticker.

use std::time::Duration;

use host_limits::{Bytes, Exceeded, Limits};

use crate::{Host, run_in};

/// Counts to fifty million: long enough to be still running when the hostile neighbours are stopped.
const GOOD: &str = r#"(module (func (export "run") (result i32) (local i32)
    (loop (br_if 0 (i32.lt_u
        (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 50000000))))
    (local.get 0)))"#;
const LOOP: &str = r#"(module (func (export "run") (result i32) (loop (br 0)) (i32.const 0)))"#;
const BOMB: &str = r#"(module (memory 0) (func (export "run") (result i32)
    (loop (br_if 0 (i32.ne (memory.grow (i32.const 16)) (i32.const -1)))) unreachable))"#;
const TRAP: &str = r#"(module (func (export "run") (result i32) unreachable))"#;

#[test]
fn every_guest_ends_for_its_own_reason() {
    let deadline = Duration::from_millis(20);
    let patient = Limits { fuel: None, deadline: Duration::from_secs(600), ..Limits::default() };
    let strict = Limits { deadline, memory: Bytes::mebi(4), ..patient.clone() };
    let host = Host::new(patient);
    let one = |index: usize| match index % 4 {
        0 => assert_eq!(run_in(&host, &mut host.store(), GOOD).result.unwrap(), 50_000_000),
        1 => {
            let run = run_in(&host, &mut host.store_with(strict.clone()), LOOP);
            assert_eq!(run.reason, Some(Exceeded::Deadline { allowed: deadline }));
        }
        2 => {
            let limits = Limits { deadline: Duration::from_secs(600), ..strict.clone() };
            let run = run_in(&host, &mut host.store_with(limits), BOMB);
            assert_eq!(run.reason, Some(Exceeded::Memory { allowed: Bytes::mebi(4), asked: Bytes::mebi(5) }));
        }
        _ => {
            let run = run_in(&host, &mut host.store(), TRAP);
            assert!(run.result.is_err() && run.reason.is_none());
        }
    };
    std::thread::scope(|scope| {
        for index in 0..32 {
            let one = &one;
            scope.spawn(move || one(index));
        }
    });
}
