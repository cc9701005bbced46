//! What stands behind a guest's WASI calls, one for each store.

use std::fmt;
use std::sync::Arc;

use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::{WasiCtxView, WasiView as _};

use crate::bounded::Bounded;
use crate::denial::{Denial, Denials};
use crate::files::scratch::Temporary;
use crate::guarded::Guarded;
#[cfg(feature = "http")]
use crate::http::{Http, HttpOptions};
use crate::network::NetworkPolicy;
#[cfg(feature = "http")]
use crate::network::SystemResolver;
use crate::options::WasiOptions;
use crate::{GrantError, Grants, OutputRefused, QuotaRefused};

/// The grants of one guest, opened: kept in the store's data, and found there through [`HasWasi`].
///
/// It serves WASI 0.1 modules and WASI 0.2 components alike. Every store needs its own.
pub struct Wasi {
    pub(crate) guarded: Guarded,
    pub(crate) stdout: Option<Bounded>,
    pub(crate) stderr: Option<Bounded>,
    pub(crate) denials: Denials,
    /// None if the context was built elsewhere: then what it was told holds.
    pub(crate) network: Option<Arc<NetworkPolicy>>,
    #[cfg(feature = "http")]
    pub(crate) http: Http,
    /// Directories that go with the guest. Last, so that what it has open in them is closed before.
    #[expect(dead_code, reason = "kept for what happens when it is dropped")]
    pub(crate) temporary: Vec<Temporary>,
}

/// Tells the functions of this crate where in the data of a [`Store`](wasmtime::Store) the [`Wasi`] is.
///
/// ```
/// use host_wasi::{HasWasi, Wasi};
///
/// struct MyData {
///     requests: u64,
///     wasi: Wasi,
/// }
///
/// impl HasWasi for MyData {
///     fn wasi(&mut self) -> &mut Wasi {
///         &mut self.wasi
///     }
/// }
/// ```
pub trait HasWasi: Send {
    /// The [`Wasi`] of this store, the same one every time.
    fn wasi(&mut self) -> &mut Wasi;
}

impl HasWasi for Wasi {
    fn wasi(&mut self) -> &mut Wasi {
        self
    }
}

impl Wasi {
    /// How many things a guest may have open at a time unless [told otherwise](WasiOptions::max_resources).
    pub const DEFAULT_MAX_RESOURCES: usize = 500;

    /// How many random bytes one call may ask for unless [told otherwise](WasiOptions::max_random).
    pub const DEFAULT_MAX_RANDOM: u64 = 1 << 20;

    /// How many look-ups of names may be under way at a time; one more fails.
    pub const MAX_LOOK_UPS: usize = 16;

    /// How many directory entries a guest may list unless [told otherwise](WasiOptions::max_listing).
    pub const DEFAULT_MAX_LISTING: usize = 1 << 16;

    /// How many bytes one stream may give to a callback for lines unless [told otherwise](WasiOptions::max_lines).
    pub const DEFAULT_MAX_LINES: u64 = 16 << 20;

    /// Opens what `grants` name: directories, the file for standard input, and the environment variables as they
    /// are now. [`WasiOptions`] is the longer form.
    ///
    /// # Errors
    ///
    /// The first grant that cannot be given, by its key and with the reason.
    pub fn new(grants: &Grants) -> Result<Self, GrantError> {
        WasiOptions::new().open(grants)
    }

    /// Bounds how many things the guest may have open at a time: files, directories, sockets, streams, and what it
    /// waits for. Default: [`DEFAULT_MAX_RESOURCES`](Wasi::DEFAULT_MAX_RESOURCES).
    ///
    /// Each open file is a file descriptor of this process, so the sum over all live guests should stay below what
    /// the operating system gives it. The guest that goes beyond is stopped; the error of its call then is a
    /// [`ResourceTableError::Full`](wasmtime::component::ResourceTableError::Full).
    pub fn set_max_resources(&mut self, most: usize) {
        self.view().table.set_max_capacity(most);
    }

    /// What the guest has written to standard output so far, if that is [captured](crate::Output::Capture); else
    /// nothing.
    pub fn stdout(&self) -> Vec<u8> {
        self.stdout.as_ref().map(Bounded::bytes).unwrap_or_default()
    }

    /// What the guest has written to standard error so far, if that is [captured](crate::Output::Capture); else
    /// nothing.
    pub fn stderr(&self) -> Vec<u8> {
        self.stderr.as_ref().map(Bounded::bytes).unwrap_or_default()
    }

    /// Gives the callback a last line that no newline ended, for each output that is
    /// [`Output::Lines`](crate::Output::Lines): for a host that keeps the store when the guest has ended. Dropping
    /// the store does the same.
    pub fn finish_lines(&mut self) {
        [&self.stdout, &self.stderr].into_iter().flatten().for_each(Bounded::finish);
    }

    /// Whether the guest wanted to write more than a stream may take that is captured, goes to a file or comes as
    /// lines, and which. If so for both, standard output is told.
    pub fn output_refused(&self) -> Option<OutputRefused> {
        [&self.stdout, &self.stderr].into_iter().flatten().find_map(Bounded::refused)
    }

    /// Whether the guest wanted to keep more in a directory than its quota, and how often. If so in several
    /// directories, the first is told.
    pub fn quota_refused(&self) -> Option<QuotaRefused> {
        self.guarded.guard.refused()
    }

    /// Which of the guest's directories have a quota, by their place among all that it sees: those of `directories`, then
    /// those of `scratch`, then those of `files`.
    ///
    /// Quotas hold in what this crate adds to a linker. Functions of wasmtime-wasi's that are added to a linker by
    /// other means know nothing of them, and should not be shown these directories.
    pub fn directories_with_quota(&self) -> impl Iterator<Item = usize> {
        let places = self.guarded.guard.places().iter().enumerate();
        places.filter(|(_, place)| place.account.is_some()).map(|(index, _)| index)
    }

    /// What the guest asked for so far and was refused, in the order of asking, each once. At most 64 are kept;
    /// [`denials_dropped`](Wasi::denials_dropped) counts the rest.
    ///
    /// What a guest's own library refuses is not seen here: a path under no directory that is granted, for one.
    pub fn denials(&self) -> Vec<Denial> {
        self.denials.list()
    }

    /// How many denials are missing from [`denials`](Wasi::denials), because there were too many.
    pub fn denials_dropped(&self) -> u64 {
        self.denials.dropped()
    }

    /// The way down to wasmtime-wasi: the context and the table of open things. Quotas do not hold here.
    pub fn view(&mut self) -> WasiCtxView<'_> {
        self.guarded.context.ctx()
    }

    /// The way down to wasmtime-wasi for WASI 0.1. Quotas do not hold here.
    pub fn p1(&mut self) -> &mut WasiP1Ctx {
        &mut self.guarded.context
    }
}

/// A context that was built with wasmtime-wasi alone, for what no grant says: clocks and streams of one's own. How
/// many things the guest may have open is bounded here, too; how much randomness it may ask for is what the builder was
/// told, and nothing is captured.
impl From<WasiP1Ctx> for Wasi {
    fn from(context: WasiP1Ctx) -> Self {
        let denials = Denials::default();
        #[cfg(feature = "http")]
        let http = {
            let nothing = NetworkPolicy::new(&[], denials.clone(), Arc::new(SystemResolver));
            Http::new(&HttpOptions::new(), Arc::new(nothing))
        };
        let mut wasi = Self {
            guarded: context.into(),
            stdout: None,
            stderr: None,
            denials,
            network: None,
            #[cfg(feature = "http")]
            http,
            temporary: Vec::new(),
        };
        wasi.set_max_resources(Self::DEFAULT_MAX_RESOURCES);
        wasi
    }
}

impl fmt::Debug for Wasi {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Wasi").field("output_refused", &self.output_refused()).finish_non_exhaustive()
    }
}
