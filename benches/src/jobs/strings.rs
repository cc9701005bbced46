//! A component that gives back the string it is given: what does a call cost, in a fresh instance or one that is kept?

use std::rc::Rc;

use super::{Job, NATIVE, SIZES, add_echo, runtime};
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

const EXTISM_FRESH: &str = "Extism: plug-in from a compiled one";
const EXTISM_WARM: &str = "Extism: plug-in that is kept";

/// The aims are those of calls, and not of copying a mebibyte.
fn fresh(text: &str, has_aims: bool) -> Comparison {
    let (text, by) = (Rc::from(text), runtime());
    let (raw, extism) = (raw::Component::new(), Extism::echo());
    let mut comparison = Comparison::of_times();
    add_echo(&mut comparison, "raw Wasmtime, same guards", &text, move |text: &str| {
        by.block_on(raw.fresh(text))
    });
    let aims = [Aim::at_most(1.1), Aim::as_fast_as(25.0, EXTISM_FRESH)];
    add_host(&mut comparison, &Host::component(), &text, if has_aims { &aims } else { &[] });
    add_echo(&mut comparison, EXTISM_FRESH, &text, move |text: &str| extism.fresh(text));
    add_echo(&mut comparison, NATIVE, &text, |text: &str| text.to_owned());
    comparison
}

fn warm(text: &str, has_aims: bool) -> Comparison {
    let (text, by) = (Rc::from(text), runtime());
    let mut raw = by.block_on(raw::Component::new().kept());
    let mut plugin = Extism::echo().kept();
    let mut comparison = Comparison::of_times();
    add_echo(&mut comparison, "raw Wasmtime, limits set anew", &text, move |text: &str| {
        by.block_on(raw.call(text))
    });
    let aims = [Aim::as_fast_as(10.0, EXTISM_WARM)];
    add_host(&mut comparison, &Host::warm_component(), &text, if has_aims { &aims } else { &[] });
    add_echo(&mut comparison, EXTISM_WARM, &text, move |text: &str| extism::call(&mut plugin, text));
    add_echo(&mut comparison, NATIVE, &text, |text: &str| text.to_owned());
    comparison
}

/// Both ways of ours; the aims are of the typed one.
fn add_host(comparison: &mut Comparison, host: &Host, text: &Rc<str>, aims: &[Aim]) {
    let (by, typed) = (runtime(), host.clone());
    let name = "PluginHost: call_typed and bindgen";
    add_echo(comparison, name, text, move |text: &str| by.block_on(typed.typed(text)));
    for aim in aims {
        comparison.aim(*aim);
    }
    let (by, untyped) = (runtime(), host.clone());
    let name = "PluginHost: call, by name";
    add_echo(comparison, name, text, move |text: &str| by.block_on(untyped.untyped(text)));
}
