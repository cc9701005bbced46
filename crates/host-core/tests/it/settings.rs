//! Engines that are built from settings: what contradicts what, what a pool holds, and how large it is.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::process::Command;

use host_core::{
    AllocationStrategy, Backtraces, Conflict, EngineError, EngineSettings, Machine, NativeProfiler,
    PoolSettings, PoolUsage, Profile,
};
use host_limits::{Bytes, Limits, Proposal, Proposals};
use wasmtime::{Instance, Module, Store};

fn pooled(pool: PoolSettings) -> EngineSettings {
    EngineSettings { allocation: AllocationStrategy::Pool(pool), ..EngineSettings::default() }
}

#[test]
fn every_conflict_is_found_and_names_both_sides() {
    let limits = Limits::untrusted();
    let unlimited = Limits { fuel: None, ..Limits::untrusted() };
    let small = PoolSettings { memory: Some(Bytes::mebi(1)), ..PoolSettings::default() };
    let cases = [
        (pooled(small), &limits, "pool's memories are of 1MiB at most, but the limits allow 64MiB"),
        (pooled(PoolSettings { guests: 0, ..PoolSettings::default() }), &limits, "a pool of 0 guests"),
        (
            pooled(PoolSettings { guests: u32::MAX, ..PoolSettings::default() }),
            &limits,
            "a pool of 4294967295 guests takes",
        ),
        (Profile::Deterministic.settings(), &unlimited, "count fuel, but the limits leave it unlimited"),
        (
            EngineSettings {
                proposals: Proposals::default().iter().chain([Proposal::Gc]).collect(),
                ..EngineSettings::default()
            },
            &limits,
            "the proposal `gc` builds on `function-references`, which is off",
        ),
        (
            EngineSettings { core_dumps: true, backtraces: Backtraces::Off, ..EngineSettings::default() },
            &limits,
            "core dumps hold a backtrace, but backtraces are off",
        ),
    ];
    for (settings, limits, says) in cases {
        let error = settings.engine(limits).unwrap_err();
        let EngineError::Conflicts { conflicts } = &error else { panic!("{error}") };
        assert_eq!(conflicts.len(), 1, "{error}");
        assert!(error.to_string().contains(says), "{error}");
    }
}

#[test]
fn all_conflicts_are_told_at_once() {
    let settings = EngineSettings {
        proposals: Proposal::RelaxedSimd.into(),
        fuel: true,
        ..pooled(PoolSettings { guests: 0, ..PoolSettings::default() })
    };
    let conflicts = settings.conflicts(&Limits { fuel: None, ..Limits::untrusted() });
    assert!(conflicts.contains(&Conflict::EmptyPool), "{conflicts:?}");
    assert!(conflicts.contains(&Conflict::UnlimitedFuel), "{conflicts:?}");
    let needs = Conflict::Proposal { proposal: Proposal::RelaxedSimd, needs: Proposal::Simd };
    assert!(conflicts.contains(&needs), "{conflicts:?}");
    assert_eq!(conflicts.len(), 3);
}

#[test]
fn profiles_contradict_no_limits_but_those_without_fuel() {
    for profile in [Profile::Development, Profile::Throughput, Profile::Untrusted, Profile::Deterministic] {
        for limits in [Limits::untrusted(), Limits::default()] {
            assert_eq!(profile.settings().conflicts(&limits), [], "{profile:?}");
        }
    }
}

#[test]
fn what_wasmtime_does_not_have_is_refused_in_its_words() {
    let settings = EngineSettings { proposals: Proposal::MemoryControl.into(), ..EngineSettings::default() };
    let error = settings.engine(&Limits::untrusted()).unwrap_err();
    assert!(matches!(error, EngineError::Refused(_)), "{error}");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("memory_control"), "{cause}");
}

#[test]
fn limits_with_fuel_turn_it_on_and_settings_keep_it_on() {
    let metered = |settings: EngineSettings, fuel| {
        settings.engine(&Limits { fuel, ..Limits::untrusted() }).map(|engine| engine.get_consume_fuel())
    };
    assert!(metered(Profile::Untrusted.settings(), Some(1)).unwrap());
    assert!(!metered(Profile::Untrusted.settings(), None).unwrap());
    assert!(metered(Profile::Deterministic.settings(), Some(1)).unwrap());
}

#[test]
fn settings_decide_and_not_the_environment() {
    // Wasmtime reads this variable where nobody decides, and compiles differently then.
    let said = child("settings::in_an_environment", "WASMTIME_BACKTRACE_DETAILS");
    assert!(said.contains(&fingerprint(&Profile::Untrusted.settings())), "{said}");
}

#[test]
#[expect(clippy::print_stdout, reason = "the process that started this one reads it")]
fn in_an_environment() {
    println!("{}", fingerprint(&Profile::Untrusted.settings()));
}

/// What code compiled with `settings` depends on.
fn fingerprint(settings: &EngineSettings) -> String {
    let engine = settings.engine(&Limits::untrusted()).unwrap();
    let mut hasher = DefaultHasher::new();
    engine.precompile_compatibility_hash().hash(&mut hasher);
    format!("fingerprint {:x}", hasher.finish())
}

/// What one of these tests says in a process of its own, in which `variable` is set to 1.
fn child(test: &str, variable: &str) -> String {
    let done = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture"])
        .env(variable, "1")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned() + &String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}");
    said
}

#[test]
fn a_pool_counts_what_is_in_use_and_ends() {
    let pool = PoolSettings { guests: 1, ..PoolSettings::default() };
    let engine = pooled(pool).engine(&Limits::untrusted()).unwrap();
    let module = Module::new(&engine, "(module (memory 1))").unwrap();
    assert_eq!(PoolUsage::of(&engine).unwrap().memories, 0);

    let mut stores = Vec::new();
    let error = loop {
        let mut store = Store::new(&engine, ());
        match Instance::new(&mut store, &module, &[]) {
            Ok(_) => stores.push(store),
            Err(error) => break error,
        }
    };
    assert!(error.is::<wasmtime::PoolConcurrencyLimitError>(), "{error:?}");
    let usage = PoolUsage::of(&engine).unwrap();
    assert_eq!((usage.memories, usage.core_instances), (stores.len() as u64, stores.len() as u64));
    drop(stores);
    let usage = PoolUsage::of(&engine).unwrap();
    assert_eq!((usage.memories, usage.core_instances), (0, 0));
    assert!(usage.warm_memories > 0, "{usage:?}");

    let on_demand = EngineSettings::default().engine(&Limits::untrusted()).unwrap();
    assert_eq!(PoolUsage::of(&on_demand), None);
}

#[test]
fn a_guest_of_a_pool_gets_the_memory_of_its_limits_and_no_more() {
    let limits = Limits { memory: Bytes::mebi(1), ..Limits::untrusted() };
    let engine = pooled(PoolSettings { guests: 1, ..PoolSettings::default() }).engine(&limits).unwrap();
    let module = Module::new(&engine, "(module (memory (export \"m\") 1))").unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    let memory = instance.get_memory(&mut store, "m").unwrap();
    memory.grow(&mut store, 15).unwrap();
    memory.grow(&mut store, 1).unwrap_err();
}

#[cfg(target_os = "linux")]
#[test]
fn perf_is_told_the_names_of_functions() {
    let settings = EngineSettings { profiler: NativeProfiler::PerfMap, ..EngineSettings::default() };
    let engine = settings.engine(&Limits::untrusted()).unwrap();
    let _module = Module::new(&engine, "(module (func $told_to_perf (export \"f\")))").unwrap();
    let map = format!("/tmp/perf-{}.map", std::process::id());
    let names = std::fs::read_to_string(&map).unwrap();
    std::fs::remove_file(map).unwrap();
    assert!(names.contains("told_to_perf"), "{names}");
}

/// Set for the process in which [`in_little_address_space`] is a test.
#[cfg(unix)]
const LITTLE: &str = "HOST_CORE_TEST_LITTLE_ADDRESS_SPACE";

#[cfg(unix)]
#[test]
fn pools_fit_into_a_process_with_little_address_space() {
    let said = child("settings::in_little_address_space", LITTLE);
    assert!(said.contains("ran in little address space"), "{said}");
}

#[cfg(unix)]
#[test]
#[expect(clippy::print_stdout, reason = "the process that started this one reads it")]
fn in_little_address_space() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    if std::env::var_os(LITTLE).is_none() {
        return;
    }
    let little = Bytes::gibi(16);
    let limit = Rlimit { current: Some(little.get()), ..getrlimit(Resource::As) };
    setrlimit(Resource::As, limit).unwrap();
    assert_eq!(Machine::probe().address_space, little);

    let limits = Limits::untrusted();
    let pool = PoolSettings::for_machine(&Machine::probe(), &limits);
    assert!(pool.guests > 16, "{pool:?}");
    let engine = pooled(pool).engine(&limits).unwrap();
    let module = Module::new(&engine, "(module (memory 1) (func (export \"f\")))").unwrap();
    let mut store = Store::new(&engine, ());
    store.set_fuel(1_000).unwrap();
    store.set_epoch_deadline(1);
    let instance = Instance::new(&mut store, &module, &[]).unwrap();
    instance.get_typed_func::<(), ()>(&mut store, "f").unwrap().call(&mut store, ()).unwrap();

    // More than the process may have is a contradiction, and more than is left of it a refusal.
    let many = pooled(PoolSettings { guests: 1_000, ..PoolSettings::default() });
    let conflicts = many.conflicts(&limits);
    assert!(matches!(conflicts[..], [Conflict::AddressSpace { guests: 1_000, .. }]), "{conflicts:?}");
    let reservation = Bytes::new(little.get() / 2 - (128 << 20));
    let all = pooled(PoolSettings { guests: 1, reservation, ..PoolSettings::default() });
    let error = all.engine(&limits).unwrap_err();
    assert!(matches!(error, EngineError::Pool { guests: 1, .. }), "{error:?}");
    println!("ran in little address space");
}
