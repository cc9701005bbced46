//! A component that gives back the string it is given: what does a call cost, in a fresh instance or one that is kept?

use std::hint::black_box;
use std::rc::Rc;

use tokio::runtime::Runtime;

use super::{Job, SIZES, runtime};
use crate::compare::Comparison;
use crate::report::Aim;
use crate::rivals::extism::{self, Extism};
use crate::rivals::host::Host;
use crate::rivals::raw;

pub(super) fn jobs() -> Vec<Job> {
    let fresh = SIZES.map(|(size, length)| {
        Job::new(
            format!("fresh call, string of {size}"),
            "A string goes into an instance that is made for it, and comes out again; the instance goes.",
            move || fresh(&"x".repeat(length), length < 1 << 20),
        )
    });
    let warm = SIZES.map(|(size, length)| {
        Job::new(
            format!("warm call, string of {size}"),
            "A string goes into an instance that is there already, with its limits set anew, and comes out again.",
            move || warm(&"x".repeat(length), length < 1 << 20),
        )
    });
    fresh.into_iter().chain(warm).collect()
}

/// The aims are those of calls, and not of copying a mebibyte.
fn fresh(text: &str, has_aims: bool) -> Comparison {
    let (runtime, text) = (Rc::new(runtime()), Rc::<str>::from(text));
    let (raw, host, extism) = (raw::Component::new(), Host::component(), Extism::echo());
    assert!(extism.fresh(&text) == *text, "Extism gave a wrong answer");
    let raw = Rc::new(raw);

    let mut comparison = Comparison::of_times();
    let (by, of) = (Rc::clone(&runtime), Rc::clone(&text));
    assert!(by.block_on(raw.fresh(&of)) == *of, "raw Wasmtime gave a wrong answer");
    comparison.run("raw Wasmtime, same guards", move || {
        black_box(by.block_on(raw.fresh(black_box(&of))));
    });
    add_host(
        &mut comparison,
        &host,
        &runtime,
        &text,
        has_aims.then_some([Aim::at_most(1.1), Aim::as_fast_as(25.0, EXTISM_FRESH)]),
    );
    let of = Rc::clone(&text);
    comparison.run(EXTISM_FRESH, move || {
        black_box(extism.fresh(black_box(&of)));
    });
    let of = Rc::clone(&text);
    comparison.run(NATIVE, move || {
        black_box(black_box(&*of).to_owned());
    });
    comparison
}

const EXTISM_FRESH: &str = "Extism: plug-in from a compiled one";
const EXTISM_WARM: &str = "Extism: plug-in that is kept";
const NATIVE: &str = "native Rust: a copy";

fn warm(text: &str, has_aims: bool) -> Comparison {
    let (runtime, text) = (Rc::new(runtime()), Rc::<str>::from(text));
    let raw = raw::Component::new();
    let mut raw = runtime.block_on(raw.kept());
    let mut extism = Extism::echo().kept();
    let host = Host::warm_component();
    assert!(extism::call(&mut extism, &text) == *text, "Extism gave a wrong answer");

    let mut comparison = Comparison::of_times();
    let (by, of) = (Rc::clone(&runtime), Rc::clone(&text));
    assert!(by.block_on(raw.call(&of)) == *of, "raw Wasmtime gave a wrong answer");
    comparison.run("raw Wasmtime, limits set anew", move || {
        black_box(by.block_on(raw.call(black_box(&of))));
    });
    add_host(
        &mut comparison,
        &host,
        &runtime,
        &text,
        has_aims.then_some([Aim::as_fast_as(10.0, EXTISM_WARM)]),
    );
    let of = Rc::clone(&text);
    comparison.run(EXTISM_WARM, move || {
        black_box(extism::call(&mut extism, black_box(&of)));
    });
    let of = Rc::clone(&text);
    comparison.run(NATIVE, move || {
        black_box(black_box(&*of).to_owned());
    });
    comparison
}

/// Both ways of ours; the aims are of the typed one.
fn add_host<const N: usize>(
    comparison: &mut Comparison,
    host: &Host,
    runtime: &Rc<Runtime>,
    text: &Rc<str>,
    aims: Option<[Aim; N]>,
) {
    // The second one is warm, if any is.
    for _ in 0..2 {
        assert!(runtime.block_on(host.typed(text)) == **text, "PluginHost gave a wrong answer");
        assert!(runtime.block_on(host.untyped(text)) == **text, "PluginHost gave a wrong answer");
    }
    let (by, of, typed) = (Rc::clone(runtime), Rc::clone(text), host.clone());
    comparison.run("PluginHost: call_typed and bindgen", move || {
        black_box(by.block_on(typed.typed(black_box(&of))));
    });
    for aim in aims.into_iter().flatten() {
        comparison.aim(aim);
    }
    let (by, of, untyped) = (Rc::clone(runtime), Rc::clone(text), host.clone());
    comparison.run("PluginHost: call, by name", move || {
        black_box(by.block_on(untyped.untyped(black_box(&of))));
    });
}
