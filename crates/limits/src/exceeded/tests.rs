//! Where an `Exceeded` is found, and what it says.

use wasmtime::error::Context as _;

use super::*;

#[test]
fn it_is_found_under_context_and_after_a_trip_through_other_errors() {
    let exceeded = Exceeded::Handles { allowed: 3 };
    let error = wasmtime::Error::from(exceeded.clone()).context("while calling").context("at noon");
    assert_eq!(Exceeded::find(&error), Some(&exceeded));
    fn passed_on(error: wasmtime::Error) -> wasmtime::Result<()> {
        Err(error).context("passed on")
    }
    assert_eq!(Exceeded::find(&passed_on(error).unwrap_err()), Some(&exceeded));
    assert_eq!(Exceeded::find(&wasmtime::Error::msg(exceeded.to_string())), None);
}

#[test]
fn it_is_found_in_a_store_that_could_not_be_armed() {
    let exceeded = Exceeded::LedgerCalls { ledger: "acme".into(), allowed: 1 };
    let error = wasmtime::Error::from(ArmError::Exceeded(exceeded.clone()));
    assert_eq!(Exceeded::find(&error), Some(&exceeded));
    assert_eq!(Exceeded::find(&error.context("while arming")), Some(&exceeded));
    assert_eq!(Exceeded::find(&ArmError::NoFuel.into()), None);
}

#[test]
fn it_is_found_after_a_trip_through_anyhow() {
    fn there_and_back(error: wasmtime::Error) -> wasmtime::Error {
        let error = error.context("before").into_boxed_dyn_error();
        let error = anyhow::Error::from_boxed(error).context("there").context("on the way back");
        wasmtime::Error::from_boxed(error.into()).context("after")
    }
    let exceeded = Exceeded::Handles { allowed: 3 };
    assert_eq!(Exceeded::find(&there_and_back(exceeded.clone().into())), Some(&exceeded));
    let not_armed = ArmError::Exceeded(exceeded.clone()).into();
    assert_eq!(Exceeded::find(&there_and_back(not_armed)), Some(&exceeded));
    // And so are Wasmtime's own reasons.
    let error = there_and_back(Trap::StackOverflow.into());
    let stack = Exceeded::Stack { allowed: Limits::default().stack };
    assert_eq!(Exceeded::from_wasmtime(&error, &Limits::default()), Some(stack));
}

#[test]
fn messages_say_whose_budget_it_is_how_large_and_what_to_raise() {
    let (allowed, ledger) = (3, || Arc::from("acme"));
    let (one, two) = (Bytes::mebi(1), Bytes::mebi(2));
    let minute = Duration::from_secs(60);
    for (exceeded, text) in [
        (
            Exceeded::Memory { allowed: one, asked: two },
            "memory budget of 1MiB exceeded: the guest asked for 2MiB in total",
        ),
        (
            Exceeded::Memories { allowed, asked: 4 },
            "budget of 3 memories exceeded: the guest asked for 4 (`memories`)",
        ),
        (
            Exceeded::Tables { allowed, asked: 4 },
            "budget of 3 tables exceeded: the guest asked for 4 (`tables`)",
        ),
        (
            Exceeded::TableElements { allowed: 3, asked: 4 },
            "budget of 3 table elements exceeded: the guest asked for 4 in total (`table-elements`)",
        ),
        (
            Exceeded::Instances { allowed, asked: 4 },
            "budget of 3 instances exceeded: the guest asked for 4 (`instances`)",
        ),
        (Exceeded::Fuel { allowed: 5 }, "fuel budget of 5 exceeded"),
        (Exceeded::Deadline { allowed: minute }, "deadline of 1m exceeded"),
        (Exceeded::Cancelled, "cancelled by the host"),
        (Exceeded::Stack { allowed: one }, "stack budget of 1MiB exceeded"),
        (Exceeded::Lifted { allowed: one }, "budget of 1MiB copied per host call exceeded (`lifted`)"),
        (Exceeded::Handles { allowed }, "budget of 3 component handles exceeded (`handles`)"),
        (Exceeded::Resources { allowed }, "budget of 3 open resources exceeded (`resources`)"),
        (
            Exceeded::Random { allowed: one, asked: two },
            "budget of 1MiB random bytes per call exceeded: the guest asked for 2MiB (`random`)",
        ),
        (Exceeded::CallDepth { allowed }, "budget of 3 nested calls into the guest exceeded (`call-depth`)"),
        (Exceeded::Output { allowed: one }, "output budget of 1MiB exceeded (`output`)"),
        (
            Exceeded::LedgerMemory { ledger: ledger(), allowed: one, asked: two },
            "ledger `acme`: memory budget of 1MiB exceeded: its stores asked for 2MiB in total (`memory`)",
        ),
        (
            Exceeded::LedgerStores { ledger: ledger(), allowed },
            "ledger `acme`: budget of 3 live stores exceeded (`stores`)",
        ),
        (
            Exceeded::LedgerCalls { ledger: ledger(), allowed },
            "ledger `acme`: budget of 3 calls at one time exceeded (`calls`)",
        ),
        (
            Exceeded::LedgerFuel { ledger: ledger(), allowed: 5, window: minute },
            "ledger `acme`: fuel budget of 5 in 1m exceeded (`fuel`)",
        ),
    ] {
        assert_eq!(exceeded.to_string(), text);
    }
}
