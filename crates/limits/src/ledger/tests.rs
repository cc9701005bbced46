//! Windows of fuel, with a clock of their own.

use super::*;

const WINDOW: Duration = Duration::from_secs(10);

fn fuel(fuel: u64) -> LedgerLimits {
    LedgerLimits { fuel: Some(fuel), fuel_window: WINDOW, ..LedgerLimits::default() }
}

#[test]
fn a_window_has_its_fuel_once_and_the_next_anew() {
    let (ledger, start) = (Ledger::new("l", fuel(100)), Instant::now());
    assert_eq!(ledger.reserve(Some(60), start).unwrap().fuel, 60);
    let rest = ledger.reserve(Some(60), start + WINDOW / 2).unwrap();
    assert_eq!(rest.fuel, 40);
    let spent = Exceeded::LedgerFuel { ledger: "l".into(), allowed: 100, window: WINDOW };
    assert_eq!(rest.cut_by.as_ref(), Some(&spent));
    assert_eq!(ledger.reserve(Some(1), start + WINDOW - Duration::from_nanos(1)).unwrap_err(), spent);
    assert_eq!(ledger.reserve(Some(60), start + WINDOW).unwrap().fuel, 60);
    assert_eq!(ledger.usage_at(start + WINDOW).refusals, 1);
}

#[test]
fn unburnt_fuel_goes_back_to_its_own_window_only() {
    let (ledger, start) = (Ledger::new("l", fuel(100)), Instant::now());
    let reserved = ledger.reserve(Some(60), start).unwrap();
    ledger.settle(&reserved, 50, start + WINDOW / 2);
    assert_eq!(ledger.usage_at(start + WINDOW / 2).fuel, 10);

    let late = ledger.reserve(Some(60), start + WINDOW / 2).unwrap();
    ledger.reserve(Some(30), start + WINDOW).unwrap();
    ledger.settle(&late, 60, start + WINDOW);
    assert_eq!(ledger.usage_at(start + WINDOW).fuel, 30);
}

#[test]
fn the_tightest_ledger_on_the_way_up_decides() {
    let start = Instant::now();
    let process = Ledger::new("process", fuel(100));
    let tenant = process.child("tenant", fuel(80));
    let other = process.child("other", LedgerLimits { fuel: None, ..fuel(0) });
    assert!(other.counts_fuel());
    let named = |reserved: Reserved| match reserved.cut_by {
        Some(Exceeded::LedgerFuel { ledger, .. }) => (reserved.fuel, ledger.to_string()),
        _ => (reserved.fuel, String::new()),
    };
    assert_eq!(named(other.reserve(Some(30), start).unwrap()), (30, String::new()));
    assert_eq!(named(tenant.reserve(Some(75), start).unwrap()), (70, "process".to_owned()));
    assert_eq!(tenant.usage_at(start).fuel, 70);
    let refused = tenant.reserve(Some(5), start).unwrap_err();
    assert!(matches!(refused, Exceeded::LedgerFuel { ledger, .. } if &*ledger == "process"));
    assert_eq!(tenant.usage_at(start).fuel, 70);

    let next = start + WINDOW;
    assert_eq!(named(tenant.reserve(Some(90), next).unwrap()), (80, "tenant".to_owned()));
    assert_eq!(process.usage_at(next).fuel, 80);
}

#[test]
fn to_look_at_a_ledger_begins_no_window() {
    let (ledger, start) = (Ledger::new("l", fuel(100)), Instant::now());
    assert_eq!(ledger.usage_at(start), LedgerUsage::default());
    ledger.reserve(Some(60), start + WINDOW / 2).unwrap();
    assert_eq!(ledger.usage_at(start + WINDOW).fuel, 60);
    assert_eq!(ledger.usage_at(start + WINDOW * 2).fuel, 0);
    let begun = start + WINDOW * 3;
    let late = ledger.reserve(Some(100), begun).unwrap();
    assert_eq!(ledger.usage_at(begun + WINDOW).fuel, 0);
    // Nor does a call that ends.
    ledger.settle(&late, 40, begun + WINDOW);
    assert_eq!(ledger.usage_at(begun + WINDOW / 2).fuel, 100);
    ledger.reserve(Some(1), begun + WINDOW - Duration::from_nanos(1)).unwrap_err();
    ledger.reserve(Some(1), begun + WINDOW).unwrap();
}

#[test]
fn a_call_that_was_overtaken_as_its_window_began_is_given_back_too() {
    let (process, start) = (Ledger::new("process", fuel(100)), Instant::now());
    let tenant = process.child("tenant", fuel(100));
    process.reserve(Some(10), start + WINDOW / 2).unwrap();
    // It looked at the clock before, and came after.
    let overtaken = tenant.reserve(Some(60), start).unwrap();
    tenant.settle(&overtaken, 50, start + WINDOW / 2);
    assert_eq!((tenant.usage_at(start).fuel, process.usage_at(start).fuel), (10, 20));
}

#[test]
fn who_wants_no_certain_amount_leaves_some_to_its_neighbours() {
    let start = Instant::now();
    let process = Ledger::new("process", fuel(800));
    let (one, another) = (process.child("one", fuel(8_000)), process.child("another", fuel(16)));
    let first = one.reserve(None, start).unwrap();
    assert_eq!(first.fuel, 100);
    assert!(matches!(first.cut_by, Some(Exceeded::LedgerFuel { ledger, .. }) if &*ledger == "process"));
    let second = another.reserve(None, start).unwrap();
    assert_eq!(second.fuel, 2);
    assert!(matches!(second.cut_by, Some(Exceeded::LedgerFuel { ledger, .. }) if &*ledger == "another"));
    for _ in 0..100 {
        one.reserve(None, start).unwrap_or_else(|refused| panic!("{refused}: {:?}", process.usage_at(start)));
        if process.usage_at(start).fuel == 800 {
            break;
        }
    }
    // To the last.
    assert_eq!(process.usage_at(start).fuel, 800);
    assert_eq!(one.reserve(Some(700), start + WINDOW).unwrap().fuel, 700);
}
