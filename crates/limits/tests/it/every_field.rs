//! Every budget has a guest that runs into it: the fields as they are written in a policy, and the test of each.

use std::collections::BTreeSet;

use host_limits::{LedgerLimits, Limits};
use serde::Serialize;

use crate::{counts, deadline, fuel, ledger, ledger_fuel, lifted, memory, stack, waits, wasi};

const LIMITS: &[(&str, fn())] = &[
    ("memory", memory::a_refused_growth_gives_the_guest_minus_one),
    ("memories", counts::memories),
    ("tables", counts::tables),
    ("table-elements", memory::tables_share_one_budget),
    ("instances", counts::instances),
    ("fuel", fuel::an_endless_loop_burns_it_up),
    ("deadline", deadline::an_endless_loop_is_stopped),
    ("stack", stack::deep_recursion_is_stopped),
    ("lifted", lifted::a_huge_string_is_not_copied),
    ("handles", lifted::a_flood_of_handles_is_stopped),
    ("resources", wasi::resources),
    ("random", wasi::random),
    ("output", wasi::output),
    ("call-depth", waits::call_depth),
    ("yield-interval", waits::yield_interval),
    ("on-refusal", memory::a_refused_growth_traps_on_request),
];

const LEDGER_LIMITS: &[(&str, fn())] = &[
    ("memory", ledger::memory),
    ("stores", ledger::stores),
    ("calls", ledger::calls),
    ("fuel", ledger_fuel::fuel),
    ("fuel-window", ledger_fuel::fuel_window),
];

/// The test functions are named, so a test that goes is missed by the compiler; a field without a test is missed here.
pub(crate) fn each_has_a_test(limits: impl Serialize, tests: &[(&str, fn())]) {
    let fields = serde_json::to_value(limits).unwrap();
    let fields: BTreeSet<&str> = fields.as_object().unwrap().keys().map(String::as_str).collect();
    let tested: BTreeSet<&str> = tests.iter().map(|(field, _)| *field).collect();
    assert_eq!(fields, tested);
}

#[test]
fn of_limits() {
    each_has_a_test(Limits::default(), LIMITS);
}

#[test]
fn of_ledger_limits() {
    each_has_a_test(LedgerLimits::default(), LEDGER_LIMITS);
}
