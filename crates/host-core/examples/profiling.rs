//! Where a guest spends its time: from inside, for the Firefox Profiler, and from outside, with `perf`.
//!
//! `cargo run -p host-core --example profiling -- guest.json` writes the profile to that file; open it at
//! <https://profiler.firefox.com>. With `perf record cargo run ...` the second engine's functions have names in
//! `perf report`.

#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use std::error::Error;
use std::fs::File;

use host_core::{EngineSettings, GuestProfile, HasGuestProfile, NativeProfiler, Profile, guard, sample};
use host_limits::{HasMeter, Limits, Meter, Ticker, arm};
use wasmtime::{Engine, Instance, Module, Store, StoreContextMut};

/// Most of its time goes to `$slow`.
const GUEST: &str = r#"(module
    (func $spin (param $rounds i32)
        (loop $again
            (local.set $rounds (i32.sub (local.get $rounds) (i32.const 1)))
            (br_if $again (local.get $rounds))))
    (func $slow (call $spin (i32.const 90000000)))
    (func $quick (call $spin (i32.const 10000000)))
    (func (export "run") (call $slow) (call $quick)))"#;

/// The store's data: the meter, and the profile of a guest that has one.
struct Data {
    meter: Meter,
    profile: Option<GuestProfile>,
}

impl HasMeter for Data {
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }

    fn on_tick(store: StoreContextMut<'_, Data>) {
        sample(store);
    }
}

impl HasGuestProfile for Data {
    fn guest_profile(&mut self) -> &mut Option<GuestProfile> {
        &mut self.profile
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    let limits = Limits::default();

    // From inside: one guest, on every system.
    let engine = Profile::Development.settings().engine(&limits)?;
    let module = Module::new(&engine, GUEST)?;
    let profile = GuestProfile::of_modules(&engine, "example", [("guest".to_owned(), module.clone())])?;
    let profile = run(&engine, &module, &limits, Some(profile))?.ok_or("the profile is gone")?;
    let samples = profile.samples();
    assert!(samples > 0, "the guest runs for some tenths of a second");
    match std::env::args_os().nth(1) {
        Some(path) => {
            profile.finish(File::create(&path)?)?;
            println!("{samples} samples, in {}: open it at https://profiler.firefox.com", path.display());
        }
        None => {
            let mut json = Vec::new();
            profile.finish(&mut json)?;
            println!("{samples} samples, {} bytes of JSON; name a file to keep them", json.len());
        }
    }

    // From outside: the whole process, where the system has `perf`.
    if cfg!(target_os = "linux") {
        let settings =
            EngineSettings { profiler: NativeProfiler::PerfMap, ..Profile::Development.settings() };
        let engine = settings.engine(&limits)?;
        run(&engine, &Module::new(&engine, GUEST)?, &limits, None)?;
        let map = format!("/tmp/perf-{}.map", std::process::id());
        let names = std::fs::read_to_string(&map)?;
        assert!(names.contains("slow"), "{names}");
        println!("`perf` finds {} functions in {map}, `slow` among them", names.lines().count());
        std::fs::remove_file(map)?;
    }
    Ok(())
}

fn run(
    engine: &Engine,
    module: &Module,
    limits: &Limits,
    profile: Option<GuestProfile>,
) -> Result<Option<GuestProfile>, Box<dyn Error>> {
    let ticker = Ticker::start(engine)?;
    let mut store = Store::new(engine, Data { meter: Meter::new(limits.clone()), profile });
    arm(&mut store, &ticker)?;
    guard(&mut store, |store| {
        let instance = Instance::new(&mut *store, module, &[])?;
        instance.get_typed_func::<(), ()>(&mut *store, "run")?.call(store, ())
    })?;
    Ok(store.into_data().profile)
}
