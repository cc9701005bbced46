//! Limits as text, and the tighter of two.

use proptest::prelude::*;

use super::*;

fn any_limits() -> impl Strategy<Value = Limits> {
    let numbers = proptest::array::uniform16(any::<u64>());
    (numbers, any::<Option<u64>>(), any::<bool>()).prop_map(|(numbers, fuel, traps)| {
        let mut numbers = numbers.into_iter();
        let mut number = || numbers.next().expect("more fields than numbers");
        let mut limits = Limits { fuel, ..Limits::default() };
        for bytes in [
            &mut limits.memory,
            &mut limits.stack,
            &mut limits.lifted,
            &mut limits.random,
            &mut limits.output,
        ] {
            *bytes = Bytes::new(number());
        }
        for count in [
            &mut limits.memories,
            &mut limits.tables,
            &mut limits.instances,
            &mut limits.handles,
            &mut limits.resources,
            &mut limits.call_depth,
        ] {
            *count = number() as u32;
        }
        limits.table_elements = number();
        limits.deadline = Duration::from_nanos(number());
        limits.yield_interval = Duration::from_nanos(number());
        limits.on_refusal = if traps { OnRefusal::Trap } else { OnRefusal::Fail };
        limits
    })
}

/// Whether nothing in `one` allows more than `other`. Names every field, so that a new one is not forgotten.
fn no_looser(one: &Limits, other: &Limits) -> bool {
    let Limits {
        memory,
        memories,
        tables,
        table_elements,
        instances,
        fuel,
        deadline,
        stack,
        lifted,
        handles,
        resources,
        random,
        output,
        call_depth,
        yield_interval,
        on_refusal,
    } = one;
    *memory <= other.memory
        && *memories <= other.memories
        && *tables <= other.tables
        && *table_elements <= other.table_elements
        && *instances <= other.instances
        && fuel.unwrap_or(u64::MAX) <= other.fuel.unwrap_or(u64::MAX)
        && *deadline <= other.deadline
        && *stack <= other.stack
        && *lifted <= other.lifted
        && *handles <= other.handles
        && *resources <= other.resources
        && *random <= other.random
        && *output <= other.output
        && *call_depth <= other.call_depth
        && *yield_interval <= other.yield_interval
        && *on_refusal >= other.on_refusal
}

proptest! {
    #[test]
    fn intersection_is_commutative_idempotent_and_never_looser(a in any_limits(), b in any_limits()) {
        let both = a.intersect(&b);
        prop_assert_eq!(&both, &b.intersect(&a));
        prop_assert_eq!(&a.intersect(&a), &a);
        prop_assert_eq!(&both.intersect(&a), &both);
        prop_assert!(no_looser(&both, &a) && no_looser(&both, &b));
        // Nor tighter than it must be: each field is one of the two.
        prop_assert!(!no_looser(&a, &b) || both == a);
    }

    #[test]
    fn any_text_form_round_trips(limits in any_limits()) {
        let json = serde_json::to_string(&limits).unwrap();
        prop_assert_eq!(serde_json::from_str::<Limits>(&json).unwrap(), limits);
    }
}

#[test]
fn the_presets_are_tighter_in_their_order() {
    assert!(no_looser(&Limits::untrusted(), &Limits::default()));
    assert!(no_looser(&Limits::default(), &Limits::trusted()));
}

#[test]
fn text_form_round_trips() {
    for limits in [Limits::default(), Limits::untrusted(), Limits::trusted()] {
        let text = toml::to_string(&limits).unwrap();
        assert_eq!(toml::from_str::<Limits>(&text).unwrap(), limits, "{text}");
        let json = serde_json::to_string(&limits).unwrap();
        assert_eq!(serde_json::from_str::<Limits>(&json).unwrap(), limits, "{json}");
    }
}

#[test]
fn bad_text_names_the_line_and_the_remedy() {
    for (text, says) in [
        ("memroy = \"1MiB\"", "unknown field `memroy`"),
        ("memory = \"64MB\"", "no known unit"),
        ("memory = \"-1MiB\"", "whole number from 0 up"),
        ("memory = 64", "a size as text with a unit"),
        ("deadline = \"2 fortnights\"", "is not a time"),
        ("deadline = \"-2s\"", "is not a time"),
        ("fuel = -1", "a whole number of fuel units from 0 up"),
        ("fuel = \"lots\"", "\"unlimited\""),
        ("tables = -1", "u32"),
        ("on-refusal = \"ignore\"", "expected `fail` or `trap`"),
    ] {
        let error = toml::from_str::<Limits>(text).unwrap_err().to_string();
        assert!(error.contains(says), "{text}: {error}");
        assert!(error.contains("line 1"), "{text}: {error}");
    }
}
