//! A call through the bindings of a world: with a budget and its usage told, as every call of a guest should be.

use std::hint::black_box;

use criterion::Criterion;
use host_core::guard;
use wasmtime::component::Linker;

use crate::comparison::Comparison;
use crate::{LENGTHS, echo, raw};

mod bindings {
    wasmtime::component::bindgen!({
        inline: "package bench:echo; world echoes { export echo: func(text: string) -> string; }",
    });
}
use bindings::Echoes;

pub(crate) fn measure(criterion: &mut Criterion, table: &mut String) {
    let (engine, ticker, component) = echo::engine();
    let mut by_hand = raw::store(&engine);
    let theirs =
        Echoes::instantiate(&mut by_hand, &component, &Linker::new(&engine)).expect("it needs nothing");
    let mut ours = echo::armed(&engine, &ticker);
    let instance =
        Echoes::instantiate(&mut ours, &component, &Linker::new(&engine)).expect("it needs nothing");
    for (size, length) in LENGTHS {
        let text = "x".repeat(length);
        let mut calls = Comparison::new(format!("typed call, text of {size} there and back"));
        calls.add("raw Wasmtime: bindgen, same guards", || {
            let work = |store: &mut _| theirs.call_echo(store, black_box(&text));
            black_box(raw::guarded(&mut by_hand, work).expect("it echoes"));
        });
        calls.add("host-core: guard, bindgen", || {
            let work = |store: &mut _| instance.call_echo(store, black_box(&text));
            black_box(guard(&mut ours, work).expect("it echoes"));
        });
        calls.measure(criterion, table);
    }
}
