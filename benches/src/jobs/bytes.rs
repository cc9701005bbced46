//! A core module that gives back the bytes it is given, and whose memory never grows.

use std::hint::black_box;
use std::rc::Rc;

use super::{Job, SIZES, runtime};
use crate::compare::Comparison;
use crate::report::Aim;
use crate::rivals::host::Host;
use crate::rivals::raw;
use crate::rivals::wasmer::Wasmer;

pub(super) fn jobs() -> Vec<Job> {
    let fresh = SIZES.map(|(size, length)| {
        Job::new(
            format!("fresh call, {size} through a core module"),
            "Bytes are written into an instance that is made for them, and read from it again; the instance goes. Its \
             memory has its size from the beginning.",
            move || fresh(vec![7; length]),
        )
    });
    let warm = SIZES.map(|(size, length)| {
        Job::new(
            format!("warm call, {size} through a core module"),
            "The same in an instance that is there already, with its limits set anew.",
            move || warm(vec![7; length]),
        )
    });
    fresh.into_iter().chain(warm).collect()
}

fn fresh(input: Vec<u8>) -> Comparison {
    let (runtime, input) = (Rc::new(runtime()), Rc::<[u8]>::from(input));
    let (raw, host, wasmer) = (raw::Module::new(), Host::module(), Wasmer::echo());
    assert!(*runtime.block_on(raw.fresh(&input)) == *input, "raw Wasmtime gave a wrong answer");
    assert!(*runtime.block_on(host.bytes(&input)) == *input, "PluginHost gave a wrong answer");
    assert!(*wasmer.fresh(&input) == *input, "wasmer gave a wrong answer");

    let mut comparison = Comparison::of_times();
    let (by, of) = (Rc::clone(&runtime), Rc::clone(&input));
    comparison.run("raw Wasmtime, same guards", move || {
        black_box(by.block_on(raw.fresh(black_box(&of))));
    });
    let (by, of) = (Rc::clone(&runtime), Rc::clone(&input));
    comparison.run("PluginHost: call_bytes", move || {
        black_box(by.block_on(host.bytes(black_box(&of))));
    });
    comparison.aim(Aim::at_most(1.1));
    let of = Rc::clone(&input);
    comparison.run("wasmer, no guards", move || {
        black_box(wasmer.fresh(black_box(&of)));
    });
    comparison.run("native Rust: a copy", move || {
        black_box(black_box(&*input).to_vec());
    });
    comparison
}

fn warm(input: Vec<u8>) -> Comparison {
    let (runtime, input) = (Rc::new(runtime()), Rc::<[u8]>::from(input));
    let (mut raw, host) = (runtime.block_on(raw::Module::new().kept()), Host::warm_module());
    let mut wasmer = Wasmer::echo().kept();
    assert!(*runtime.block_on(raw.call(&input)) == *input, "raw Wasmtime gave a wrong answer");
    // The second one is warm.
    for _ in 0..2 {
        assert!(*runtime.block_on(host.bytes(&input)) == *input, "PluginHost gave a wrong answer");
    }
    assert!(*wasmer.call(&input) == *input, "wasmer gave a wrong answer");

    let mut comparison = Comparison::of_times();
    let (by, of) = (Rc::clone(&runtime), Rc::clone(&input));
    comparison.run("raw Wasmtime, limits set anew", move || {
        black_box(by.block_on(raw.call(black_box(&of))));
    });
    let of = Rc::clone(&input);
    comparison.run("PluginHost: call_bytes", move || {
        black_box(runtime.block_on(host.bytes(black_box(&of))));
    });
    let of = Rc::clone(&input);
    comparison.run("wasmer, no guards", move || {
        black_box(wasmer.call(black_box(&of)));
    });
    comparison.run("native Rust: a copy", move || {
        black_box(black_box(&*input).to_vec());
    });
    comparison
}
