//! Fuel: spent, used up, not metered.

use host_limits::{Exceeded, Limits};

use crate::run;

const LOOP: &str = r#"(module (func (export "run") (result i32) (loop (br 0)) (i32.const 0)))"#;
const FINE: &str = r#"(module (func (export "run") (result i32) (i32.const 7)))"#;

#[test]
pub(crate) fn an_endless_loop_burns_it_up() {
    let run = run(Limits { fuel: Some(10_000), ..Limits::default() }, LOOP);
    assert_eq!(run.reason, Some(Exceeded::Fuel { allowed: 10_000 }));
    assert_eq!(run.usage.fuel, Some(10_000));
}

#[test]
fn usage_tells_what_was_burnt() {
    let run = run(Limits { fuel: Some(10_000), ..Limits::default() }, FINE);
    assert_eq!(run.result.unwrap(), 7);
    let fuel = run.usage.fuel.unwrap();
    assert!((1..100).contains(&fuel), "{fuel}");
}

#[test]
fn unlimited_fuel_is_not_metered() {
    let run = run(Limits { fuel: None, ..Limits::default() }, FINE);
    assert_eq!((run.result.unwrap(), run.usage.fuel), (7, None));
}
