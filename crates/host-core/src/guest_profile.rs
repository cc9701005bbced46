//! `GuestProfile`: where a guest spends its time, sampled from inside, for the Firefox Profiler.

use std::error::Error;
use std::io::Write;
use std::time::Instant;

use host_limits::Ticker;
use wasmtime::component::Component;
use wasmtime::{Engine, GuestProfiler, Module, StoreContextMut};

/// Where the guest of one store spends its time.
///
/// Samples are taken each time the epoch has moved ([`Ticker::PERIOD`]), at the next loop or function of the guest; time
/// in host functions does not show. Works on every system, and for one guest among many; for more detail let `perf` look at
/// the whole process ([`NativeProfiler`](crate::NativeProfiler)).
///
/// Keep it in the store's data, find it there with [`HasGuestProfile`], and let [`sample`] be called at each tick:
///
/// ```
/// use host_core::{GuestProfile, HasGuestProfile, Profile, guard, sample};
/// use host_limits::{HasMeter, Limits, Meter, Ticker, arm};
/// use wasmtime::{Linker, Module, Store, StoreContextMut};
///
/// struct Data {
///     meter: Meter,
///     profile: Option<GuestProfile>,
/// }
///
/// impl HasMeter for Data {
///     fn meter(&mut self) -> &mut Meter {
///         &mut self.meter
///     }
///     fn on_tick(store: StoreContextMut<'_, Data>) {
///         sample(store);
///     }
/// }
///
/// impl HasGuestProfile for Data {
///     fn guest_profile(&mut self) -> &mut Option<GuestProfile> {
///         &mut self.profile
///     }
/// }
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let limits = Limits::default();
/// let engine = Profile::Development.settings().engine(&limits)?;
/// let ticker = Ticker::start(&engine)?;
/// # let wasm = r#"(module (func (export "run")))"#;
/// let module = Module::new(&engine, wasm)?;
/// let profile = GuestProfile::of_modules(&engine, "app", [("app".to_owned(), module.clone())])?;
/// let mut store = Store::new(&engine, Data { meter: Meter::new(limits), profile: Some(profile) });
/// arm(&mut store, &ticker)?;
/// guard(&mut store, |store| {
///     let instance = Linker::new(store.engine()).instantiate(&mut *store, &module)?;
///     instance.get_typed_func::<(), ()>(&mut *store, "run")?.call(store, ())
/// })?;
/// let mut json = Vec::new(); // or a file, to open at https://profiler.firefox.com
/// if let Some(profile) = store.data_mut().guest_profile().take() {
///     profile.finish(&mut json)?;
/// }
/// # assert!(json.starts_with(b"{"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct GuestProfile {
    profiler: GuestProfiler,
    last: Instant,
    samples: u64,
}

/// Finds the [`GuestProfile`] in the data of a store, if it has one.
pub trait HasGuestProfile: 'static {
    /// The store's profile; `None` if its guest is not profiled.
    fn guest_profile(&mut self) -> &mut Option<GuestProfile>;
}

/// A profile that cannot be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProfileError {
    /// A module was compiled by another engine than the one whose guest is profiled.
    #[error("the module `{name}` was compiled by another engine than the one that is profiled")]
    OtherEngine {
        /// The name given to the module.
        name: String,
    },
    /// The profile cannot be begun or written; the cause says why.
    #[error("the profile of the guest cannot be {0}")]
    Failed(&'static str, #[source] Box<dyn Error + Send + Sync>),
}

impl GuestProfile {
    /// A profile called `name`, in which code of `modules` shows, each under the name given with it. Other code is left out.
    ///
    /// # Errors
    ///
    /// [`ProfileError::OtherEngine`]; [`ProfileError::Failed`] if the engine lets debuggers set breakpoints.
    pub fn of_modules(
        engine: &Engine,
        name: &str,
        modules: impl IntoIterator<Item = (String, Module)>,
    ) -> Result<GuestProfile, ProfileError> {
        let modules: Vec<(String, Module)> = modules.into_iter().collect();
        if let Some((name, _)) = modules.iter().find(|(_, module)| !Engine::same(module.engine(), engine)) {
            return Err(ProfileError::OtherEngine { name: name.clone() });
        }
        GuestProfile::begin(GuestProfiler::new(engine, name, Ticker::PERIOD, modules))
    }

    /// A profile called `name`, in which the code of all modules of `component` shows.
    ///
    /// # Errors
    ///
    /// As [`of_modules`](GuestProfile::of_modules).
    pub fn of_component(name: &str, component: &Component) -> Result<GuestProfile, ProfileError> {
        let engine = component.engine();
        GuestProfile::begin(GuestProfiler::new_component(engine, name, Ticker::PERIOD, component.clone(), []))
    }

    fn begin(profiler: wasmtime::Result<GuestProfiler>) -> Result<GuestProfile, ProfileError> {
        let profiler = profiler.map_err(|error| ProfileError::Failed("begun", error.into()))?;
        Ok(GuestProfile { profiler, last: Instant::now(), samples: 0 })
    }

    /// How many samples were taken.
    pub fn samples(&self) -> u64 {
        self.samples
    }

    /// Writes the profile as JSON, in the processed format of the Firefox Profiler: open it at
    /// <https://profiler.firefox.com>, which does not upload it.
    ///
    /// # Errors
    ///
    /// [`ProfileError::Failed`]: `output` cannot be written to.
    pub fn finish(self, output: impl Write) -> Result<(), ProfileError> {
        self.profiler.finish(output).map_err(|error| ProfileError::Failed("written", error.into()))
    }
}

/// Adds a sample of what the guest of `store` does now to its profile, if it has one.
///
/// Call it from [`HasMeter::on_tick`](host_limits::HasMeter::on_tick).
pub fn sample<T: HasGuestProfile>(mut store: StoreContextMut<'_, T>) {
    // Out of the store while the store is looked at.
    let Some(mut profile) = store.data_mut().guest_profile().take() else { return };
    let now = Instant::now();
    profile.profiler.sample(&store, now - profile.last);
    profile.last = now;
    profile.samples += 1;
    *store.data_mut().guest_profile() = Some(profile);
}
