//! What is in a large component, and what it lacks.

use std::fmt::Write as _;
use std::hint::black_box;

use criterion::Criterion;
use host_component::{doctor::Doctor, inspect, schema};
use wasmtime::component::{Component, Linker};
use wasmtime::{Config, Engine};

use crate::comparison::Comparison;

/// Bytes of data in the component, which make most of its size.
const DATA: usize = 9 << 20;
/// Functions of its module, each of some hundred bytes.
const FUNCTIONS: usize = 4_000;
/// Functions that it imports, in interfaces of twenty.
const IMPORTS: usize = 400;

pub(crate) fn measure(criterion: &mut Criterion, table: &mut String) {
    let engine = Engine::new(Config::new().concurrency_support(false)).expect("the settings fit together");
    let bytes = wat::parse_str(large()).expect("the guest is right");
    let component = Component::new(&engine, &bytes).expect("the guest is right");
    let linker = Linker::<()>::new(&engine);
    let mut reading = Comparison::new(format!("reading a component of {} KiB", bytes.len() >> 10));
    reading.add("Wasmtime: its type alone", || {
        let ty = component.component_type();
        black_box((ty.imports(&engine).count(), ty.exports(&engine).count()));
    });
    reading.add("inspect: describe", || {
        black_box(inspect::describe(black_box(&component)));
    });
    reading.add("inspect: binary", || {
        black_box(inspect::binary(black_box(&bytes)).expect("it is a component"));
    });
    reading.add("schema of all exports", || {
        black_box(schema::component(black_box(&component)).expect("it is not too large"));
    });
    reading.add("doctor: twenty interfaces are missing", || {
        black_box(Doctor::new().check(black_box(&component), &linker).expect_err("it lacks much"));
    });
    reading.measure(criterion, table);
}

/// A component that imports and exports much, with a large module inside.
fn large() -> String {
    let mut text = String::from("(component\n");
    for interface in 0..IMPORTS / 20 {
        let _ = write!(text, "(import \"host:api/part-{interface}@1.0.0\" (instance");
        for function in 0..20 {
            let _ = write!(text, " (export \"do-{function}\" (func (param \"text\" string) (result u32)))");
        }
        text.push_str("))\n");
    }
    let _ = write!(text, "(core module $m (memory (export \"memory\") 200) (data (i32.const 0) \"");
    text.push_str(&"x".repeat(DATA));
    text.push_str("\")\n");
    for function in 0..FUNCTIONS {
        let body = "(local.set 0 (i32.add (i32.mul (local.get 0) (i32.const 1103515245)) (i32.const 12345)))"
            .repeat(20);
        let _ =
            writeln!(text, "(func (export \"f{function}\") (param i32) (result i32) {body} (local.get 0))");
    }
    text.push_str(")\n(core instance $i (instantiate $m))\n");
    for function in 0..100 {
        let _ = writeln!(
            text,
            "(func (export \"f{function}\") (param \"number\" u32) (result u32) (canon lift (core func $i \"f{function}\")))"
        );
    }
    text.push(')');
    text
}
