//! Profiles of guests: what is sampled while they run.

use host_core::{GuestProfile, HasGuestProfile, Profile, ProfileError, guard, guard_async, sample};
use host_limits::{HasMeter, Limits, Meter, Ticker, arm, arm_async};
use wasmtime::component::Component;
use wasmtime::{Engine, Instance, Module, Store, StoreContextMut};

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

/// Computes until its fuel is gone, in a function with a name.
const BUSY: &str = r#"(module (func $busy_work (loop (br 0))) (func (export "run") call $busy_work))"#;

fn limits() -> Limits {
    Limits { fuel: Some(300_000_000), deadline: std::time::Duration::from_secs(600), ..Limits::default() }
}

fn engine() -> Engine {
    Profile::Development.settings().engine(&limits()).unwrap()
}

fn store(engine: &Engine, profile: Option<GuestProfile>) -> Store<Data> {
    Store::new(engine, Data { meter: Meter::new(limits()), profile })
}

fn names(profile: GuestProfile) -> String {
    let mut json = Vec::new();
    profile.finish(&mut json).unwrap();
    let value: serde_json::Value = serde_json::from_slice(&json).unwrap();
    assert_eq!(value["meta"]["product"], "app");
    value.to_string()
}

#[test]
fn the_busy_function_shows_in_sync_and_async_stores() {
    let engine = engine();
    let ticker = Ticker::start(&engine).unwrap();
    let module = Module::new(&engine, BUSY).unwrap();
    let profile =
        || GuestProfile::of_modules(&engine, "app", [("guest".to_owned(), module.clone())]).unwrap();

    let mut sync = store(&engine, Some(profile()));
    arm(&mut sync, &ticker).unwrap();
    guard(&mut sync, |store| {
        let instance = Instance::new(&mut *store, &module, &[])?;
        instance.get_typed_func::<(), ()>(&mut *store, "run")?.call(store, ())
    })
    .unwrap_err();

    let mut waiting = store(&engine, Some(profile()));
    arm_async(&mut waiting, &ticker).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let call = guard_async(&mut waiting, async |store| {
        let instance = Instance::new_async(&mut *store, &module, &[]).await?;
        instance.get_typed_func::<(), ()>(&mut *store, "run")?.call_async(store, ()).await
    });
    runtime.block_on(call).unwrap_err();

    for mut store in [sync, waiting] {
        let profile = store.data_mut().guest_profile().take().unwrap();
        assert!(profile.samples() > 1, "{}", profile.samples());
        let names = names(profile);
        assert!(names.contains("busy_work"), "{names}");
    }
}

#[test]
fn a_store_without_a_profile_runs_all_the_same() {
    let engine = engine();
    let ticker = Ticker::start(&engine).unwrap();
    let module = Module::new(&engine, BUSY).unwrap();
    let mut store = store(&engine, None);
    arm(&mut store, &ticker).unwrap();
    let fault = guard(&mut store, |store| {
        let instance = Instance::new(&mut *store, &module, &[])?;
        instance.get_typed_func::<(), ()>(&mut *store, "run")?.call(store, ())
    })
    .unwrap_err();
    assert_eq!(fault.kind().who(), "budget", "{fault}");
    assert!(store.data().profile.is_none());
}

#[test]
fn a_module_of_another_engine_is_an_error_and_a_component_is_not() {
    let engine = engine();
    let strange = Module::new(&Engine::default(), BUSY).unwrap();
    let error = GuestProfile::of_modules(&engine, "app", [("strange".to_owned(), strange)]).unwrap_err();
    assert!(matches!(error, ProfileError::OtherEngine { .. }), "{error}");
    assert!(error.to_string().contains("`strange`"), "{error}");

    let component = Component::new(&engine, format!("(component (core {}", &BUSY[1..]) + ")").unwrap();
    assert_eq!(GuestProfile::of_component("app", &component).unwrap().samples(), 0);
}
