//! A core module that gives back the bytes it is given, and whose memory never grows.

use std::rc::Rc;

use super::{Job, NATIVE, SIZES, add_echo, runtime};
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
    let (input, by) = (Rc::from(input), runtime());
    let (raw, wasmer) = (raw::Module::new(), Wasmer::echo());
    let mut comparison = Comparison::of_times();
    add_echo(&mut comparison, "raw Wasmtime, same guards", &input, move |input: &[u8]| {
        by.block_on(raw.fresh(input))
    });
    add_host(&mut comparison, Host::module(), &input);
    comparison.aim(Aim::at_most(1.1));
    add_echo(&mut comparison, WASMER, &input, move |input: &[u8]| wasmer.fresh(input));
    add_echo(&mut comparison, NATIVE, &input, |input: &[u8]| input.to_vec());
    comparison
}

fn warm(input: Vec<u8>) -> Comparison {
    let (input, by) = (Rc::from(input), runtime());
    let (mut raw, mut wasmer) = (by.block_on(raw::Module::new().kept()), Wasmer::echo().kept());
    let mut comparison = Comparison::of_times();
    add_echo(&mut comparison, "raw Wasmtime, limits set anew", &input, move |input: &[u8]| {
        by.block_on(raw.call(input))
    });
    add_host(&mut comparison, Host::warm_module(), &input);
    add_echo(&mut comparison, WASMER, &input, move |input: &[u8]| wasmer.call(input));
    add_echo(&mut comparison, NATIVE, &input, |input: &[u8]| input.to_vec());
    comparison
}

fn add_host(comparison: &mut Comparison, host: Host, input: &Rc<[u8]>) {
    let by = runtime();
    add_echo(comparison, "PluginHost: call_bytes", input, move |input: &[u8]| by.block_on(host.bytes(input)));
}

const WASMER: &str = "wasmer, no guards";
