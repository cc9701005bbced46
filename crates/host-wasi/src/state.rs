//! What stands behind a guest's WASI calls, one for each store.

use std::fmt;

use wasmtime_wasi::p1::WasiP1Ctx;
use wasmtime_wasi::{WasiCtxBuilder, WasiCtxView, WasiView as _};

use crate::capture::Capture;
use crate::{GrantError, Grants, OutputRefused, OutputStream, directories, environment, network};

/// The grants of one guest, opened: kept in the store's data, and found there through [`HasWasi`].
///
/// It serves WASI 0.1 modules and WASI 0.2 components alike. Every store needs its own.
pub struct Wasi {
    context: WasiP1Ctx,
    stdout: Option<Capture>,
    stderr: Option<Capture>,
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
    /// How many things a guest may have open at a time unless [told otherwise](Wasi::set_max_resources).
    pub const DEFAULT_MAX_RESOURCES: usize = 500;

    /// How many random bytes one call may ask for unless [told otherwise](Wasi::with_max_random).
    pub const DEFAULT_MAX_RANDOM: u64 = 1 << 20;

    /// Opens what `grants` name: directories, the file for standard input, and the environment variables as they
    /// are now.
    ///
    /// # Errors
    ///
    /// The first grant that cannot be given, by its key and with the reason.
    pub fn new(grants: &Grants) -> Result<Self, GrantError> {
        Self::with_max_random(grants, Self::DEFAULT_MAX_RANDOM)
    }

    /// As [`new`](Wasi::new), where one call of the guest may ask for `most` random bytes. They are made in one go, in time
    /// and memory of the host. The guest that asks for more is stopped, with an error that says so.
    ///
    /// # Errors
    ///
    /// As [`new`](Wasi::new).
    pub fn with_max_random(grants: &Grants, most: u64) -> Result<Self, GrantError> {
        grants.check()?;
        let mut builder = WasiCtxBuilder::new();
        builder.max_random_size(most);
        builder.args(&grants.args);
        for (name, value) in environment::visible(&grants.env, &grants.inherit_env) {
            builder.env(name, value);
        }
        grants.stdin.open(&mut builder)?;
        let stdout = grants.stdout.open(OutputStream::Stdout, &mut builder);
        let stderr = grants.stderr.open(OutputStream::Stderr, &mut builder);
        directories::open(&grants.directories, &mut builder)?;
        network::open(&grants.network, &mut builder);
        Ok(Self { stdout, stderr, ..Self::from(builder.build_p1()) })
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
        self.stdout.as_ref().map(Capture::bytes).unwrap_or_default()
    }

    /// What the guest has written to standard error so far, if that is [captured](crate::Output::Capture); else
    /// nothing.
    pub fn stderr(&self) -> Vec<u8> {
        self.stderr.as_ref().map(Capture::bytes).unwrap_or_default()
    }

    /// Whether the guest wanted to write more than a captured stream may hold, and which. If so for both, standard
    /// output is told.
    pub fn output_refused(&self) -> Option<OutputRefused> {
        [&self.stdout, &self.stderr].into_iter().flatten().find_map(Capture::refused)
    }

    /// The way down to wasmtime-wasi: the context and the table of open things.
    pub fn view(&mut self) -> WasiCtxView<'_> {
        self.context.ctx()
    }

    /// The way down to wasmtime-wasi for WASI 0.1.
    pub fn p1(&mut self) -> &mut WasiP1Ctx {
        &mut self.context
    }
}

/// A context that was built with wasmtime-wasi alone, for what no grant says: clocks and streams of one's own. How
/// many things the guest may have open is bounded here, too; how much randomness it may ask for is what the builder was
/// told, and nothing is captured.
impl From<WasiP1Ctx> for Wasi {
    fn from(context: WasiP1Ctx) -> Self {
        let mut wasi = Self { context, stdout: None, stderr: None };
        wasi.set_max_resources(Self::DEFAULT_MAX_RESOURCES);
        wasi
    }
}

impl fmt::Debug for Wasi {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Wasi").field("output_refused", &self.output_refused()).finish_non_exhaustive()
    }
}
