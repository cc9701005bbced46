//! Somebody's own engine, with a cache behind it; then the same compiled ahead of time:
//! `cargo run -p host-cache --example plain_wasmtime`.
#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use std::fmt::Write as _;
use std::fs;
use std::time::{Duration, Instant};

use host_cache::{
    AheadFile, Cache, IntegrityOnly, Loaded, ModuleCache, Source, compile_ahead, load_precompiled_component,
};
use wasmtime::component::{Component, Linker};
use wasmtime::{Engine, Instance, Module, Store};

fn main() -> wasmtime::Result<()> {
    let directory = tempfile::tempdir()?;
    let engine = Engine::default();
    let module = wat::parse_str(module_text())?;
    let component = wat::parse_str(component_text())?;

    println!("what                      source    compile      load");
    for round in ["first", "again", "restarted"] {
        // Each round opens anew, as another process would.
        let modules = ModuleCache::new(Cache::open(directory.path().join("cache"), IntegrityOnly)?, &engine)?;
        let expected = if round == "first" { Source::Compiled } else { Source::Disk };

        let loaded = modules.module(&module)?;
        row(&format!("module, {round}"), &loaded);
        assert_eq!(loaded.outcome.source, expected);
        assert_eq!(run(&engine, &loaded)?, 21);

        let loaded = modules.component(&component)?;
        row(&format!("component, {round}"), &loaded);
        assert_eq!(loaded.outcome.source, expected);
        assert_eq!(run_component(&engine, &loaded)?, 21);
    }

    // Ahead of time: a build step writes the file, and the program that ships with it has nothing to compile.
    let file = directory.path().join("component.cwasm");
    let started = Instant::now();
    fs::write(&file, compile_ahead(&engine, &component)?)?;
    let compile = started.elapsed();

    let started = Instant::now();
    let loaded = AheadFile::open_vouched(&file)?.component(&engine)?;
    times("ahead of time, verified", "file", compile, started.elapsed());
    assert_eq!(run_component(&engine, &loaded)?, 21);

    let started = Instant::now();
    // SAFETY: the file has just been written by `compile_ahead`, in a directory of our own, and stays as it is.
    let mapped = unsafe { load_precompiled_component(&engine, &file)? };
    times("ahead of time, mapped", "file", compile, started.elapsed());
    assert_eq!(run_component(&engine, &mapped)?, 21);

    // Compiled code in place of WebAssembly is not taken for granted.
    let modules = ModuleCache::new(Cache::open(directory.path().join("cache"), IntegrityOnly)?, &engine)?;
    let refused = modules.component(&fs::read(&file)?).expect_err("it is not WebAssembly");
    println!("refused: {refused}");
    Ok(())
}

/// A few hundred functions, so that there is something to compile. The last one is exported.
fn module_text() -> String {
    let mut text = String::from("(module");
    for number in 0..400 {
        write!(
            text,
            "(func $f{number} (param i32 i64 f64) (result i32)
               (local $i i32)
               (loop $again
                 (local.set 1 (i64.mul (i64.add (local.get 1) (i64.const {number})) (i64.const 31)))
                 (local.set 2 (f64.sqrt (f64.add (local.get 2) (f64.convert_i64_s (local.get 1)))))
                 (local.set $i (i32.add (local.get $i) (i32.const 1)))
                 (br_if $again (i32.lt_u (local.get $i) (local.get 0))))
               (local.get $i))"
        )
        .expect("a string takes all that is written to it");
    }
    text.push_str(
        r#"(func (export "run") (result i32) (call $f399 (i32.const 21) (i64.const 1) (f64.const 1))))"#,
    );
    text
}

/// A component around that module.
fn component_text() -> String {
    format!(
        r#"(component
             (core module $m {}
             (core instance $i (instantiate $m))
             (func (export "run") (result u32) (canon lift (core func $i "run"))))"#,
        module_text().trim_start_matches("(module")
    )
}

fn run(engine: &Engine, module: &Module) -> wasmtime::Result<i32> {
    let mut store = Store::new(engine, ());
    let instance = Instance::new(&mut store, module, &[])?;
    instance.get_typed_func::<(), i32>(&mut store, "run")?.call(&mut store, ())
}

fn run_component(engine: &Engine, component: &Component) -> wasmtime::Result<u32> {
    let mut store = Store::new(engine, ());
    let instance = Linker::new(engine).instantiate(&mut store, component)?;
    let (answer,) = instance.get_typed_func::<(), (u32,)>(&mut store, "run")?.call(&mut store, ())?;
    Ok(answer)
}

fn row<T>(what: &str, loaded: &Loaded<T>) {
    let outcome = &loaded.outcome;
    times(what, outcome.source.name(), outcome.compile_time, outcome.load_time);
}

fn times(what: &str, source: &str, compile: Duration, load: Duration) {
    println!("{what:24}  {source:8} {:>6.1} ms {:>6.2} ms", millis(compile), millis(load));
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
