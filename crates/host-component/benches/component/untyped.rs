//! A call of an export whose type is only known at run time.

use std::hint::black_box;

use criterion::Criterion;
use host_component::{call, find, json, wave};
use wasmtime::component::{Linker, Val};

use crate::comparison::Comparison;
use crate::{LENGTHS, echo};

pub(crate) fn measure(criterion: &mut Criterion, table: &mut String) {
    let (engine, ticker, component) = echo::engine();
    let mut by_hand = echo::armed(&engine, &ticker);
    let theirs = Linker::new(&engine).instantiate(&mut by_hand, &component).expect("it needs nothing");
    let func = theirs.get_func(&mut by_hand, "echo").expect("it is exported");
    let mut by_value = echo::armed(&engine, &ticker);
    let values = Linker::new(&engine).instantiate(&mut by_value, &component).expect("it needs nothing");
    let mut by_text = echo::armed(&engine, &ticker);
    let texts = Linker::new(&engine).instantiate(&mut by_text, &component).expect("it needs nothing");
    let mut by_json = echo::armed(&engine, &ticker);
    let jsons = Linker::new(&engine).instantiate(&mut by_json, &component).expect("it needs nothing");
    let function = find(&component, "echo").expect("it is exported");
    for (size, length) in LENGTHS {
        let arguments = [Val::String("x".repeat(length))];
        let text = format!("(\"{}\")", "x".repeat(length));
        let object = format!("{{\"text\": \"{}\"}}", "x".repeat(length));
        let mut calls = Comparison::new(format!("untyped call, text of {size} there and back"));
        calls.add("raw Wasmtime: Func::call", || {
            let mut results = [Val::Bool(false)];
            func.call(&mut by_hand, black_box(&arguments), &mut results).expect("it echoes");
            black_box(results);
        });
        calls.add("host-component: call", || {
            let results = call(&mut by_value, &values, &function, black_box(&arguments));
            black_box(results.expect("it echoes"));
        });
        calls.add("host-component: wave there and back", || {
            let arguments = wave::arguments(&function, black_box(&text)).expect("it is WAVE");
            let results = call(&mut by_text, &texts, &function, &arguments).expect("it echoes");
            black_box(wave::results(&results).expect("text has a notation"));
        });
        calls.add("host-component: json there and back", || {
            let arguments = json::arguments_from_str(&function, black_box(&object)).expect("it fits");
            let results = call(&mut by_json, &jsons, &function, &arguments).expect("it echoes");
            black_box(json::results_to_string(&results).expect("text has JSON"));
        });
        calls.measure(criterion, table);
    }
}
