//! Opens grants for one store, with the bounds and the callbacks that are not grants.

use std::fmt;
use std::sync::Arc;

use crate::denial::Denials;
use crate::guarded::Guarded;
#[cfg(feature = "http")]
use crate::http::{Http, HttpOptions};
use crate::lines::{Line, OnLine};
use crate::network::{NetworkPolicy, Resolve, SystemResolver};
use crate::stdio::LineOptions;
use crate::{GrantError, Grants, OutputStream, Wasi, environment, files};
use wasmtime_wasi::WasiCtxBuilder;

/// How a [`Wasi`] is opened: what is a matter of the host, and no grant.
///
/// ```
/// use host_wasi::{Grants, WasiOptions};
///
/// let wasi = WasiOptions::new().max_resources(50).open(&Grants::default())?;
/// # Ok::<(), host_wasi::GrantError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct WasiOptions {
    max_listing: usize,
    max_random: u64,
    max_resources: usize,
    resolver: Arc<dyn Resolve>,
    #[cfg(feature = "http")]
    http: HttpOptions,
    lines: LineOptions,
}

impl WasiOptions {
    /// The defaults.
    pub fn new() -> Self {
        Self {
            max_listing: Wasi::DEFAULT_MAX_LISTING,
            max_random: Wasi::DEFAULT_MAX_RANDOM,
            max_resources: Wasi::DEFAULT_MAX_RESOURCES,
            resolver: Arc::new(SystemResolver),
            #[cfg(feature = "http")]
            http: HttpOptions::new(),
            lines: LineOptions { on_line: None, most: Wasi::DEFAULT_MAX_LINES },
        }
    }

    /// How many directory entries the guest may list at a time, in all its listings together. The host holds that many
    /// names. The guest that lists more is told "not enough memory". Default: [`Wasi::DEFAULT_MAX_LISTING`].
    ///
    /// It holds on Unix; elsewhere listings are not bounded.
    pub fn max_listing(mut self, most: usize) -> Self {
        self.max_listing = most;
        self
    }

    /// How many random bytes one call of the guest may ask for. They are made in one go, in time and memory of the host. The
    /// guest that asks for more is stopped, with an error that says so; by WASI 0.3 it gets fewer. Default:
    /// [`Wasi::DEFAULT_MAX_RANDOM`].
    pub fn max_random(mut self, most: u64) -> Self {
        self.max_random = most;
        self
    }

    /// How many things the guest may have open at a time; see [`Wasi::set_max_resources`]. Default:
    /// [`Wasi::DEFAULT_MAX_RESOURCES`].
    pub fn max_resources(mut self, most: usize) -> Self {
        self.max_resources = most;
        self
    }

    /// Who finds the addresses of the names that a guest may look up. Default: the operating system.
    pub fn resolver(mut self, resolver: impl Resolve + 'static) -> Self {
        self.resolver = Arc::new(resolver);
        self
    }

    /// How the guest's requests by `wasi:http` are sent. Default: [`HttpOptions::new`].
    #[cfg(feature = "http")]
    pub fn http(mut self, options: HttpOptions) -> Self {
        self.http = options;
        self
    }

    /// Is called with each line of every output that is [`Output::Lines`](crate::Output::Lines), as soon as its newline is
    /// written. A last line without one comes when the store is dropped, or at
    /// [`Wasi::finish_lines`]. Default: none, and such an output is an error.
    ///
    /// It is called by the thread that runs the guest, in the middle of the guest's write, so it should be quick.
    /// Stores opened with one `WasiOptions` share it. Should it panic, then that store's guest is stopped, with
    /// [`OnLinePanicked`](crate::OnLinePanicked) as the error of its call, and others go on.
    ///
    /// ```
    /// use host_wasi::{Grants, Output, WasiOptions};
    ///
    /// let options = WasiOptions::new().on_line(|line| eprintln!("{}: {:?}", line.stream, line.text));
    /// let wasi = options.open(&Grants::default().stderr(Output::Lines(4096)))?;
    /// # Ok::<(), host_wasi::GrantError>(())
    /// ```
    pub fn on_line(mut self, callback: impl Fn(Line<'_>) + Send + Sync + 'static) -> Self {
        self.lines.on_line = Some(OnLine::new(callback));
        self
    }

    /// How many bytes in all, newlines too, one stream may give to [`on_line`](WasiOptions::on_line) in the life of
    /// its store, or in each call of one between which [`Wasi::take_recorded`] is called; a guest that writes more is told, and stopped, as for
    /// [`Output::Capture`](crate::Output::Capture). Default: [`Wasi::DEFAULT_MAX_LINES`].
    pub fn max_lines(mut self, bytes: u64) -> Self {
        self.lines.most = bytes;
        self
    }

    /// Opens what `grants` name, for one store.
    ///
    /// # Errors
    ///
    /// The first grant that cannot be given, by its key and with the reason.
    pub fn open(&self, grants: &Grants) -> Result<Wasi, GrantError> {
        grants.check()?;
        let denials = Denials::default();
        let mut builder = WasiCtxBuilder::new();
        builder.max_random_size(self.max_random);
        builder.args(&grants.args);
        for (name, value) in environment::visible(&grants.env, &grants.inherit_env) {
            builder.env(name, value);
        }
        grants.stdin.open(&mut builder)?;
        let stdout = grants.stdout.open(OutputStream::Stdout, &self.lines, &mut builder)?;
        let stderr = grants.stderr.open(OutputStream::Stderr, &self.lines, &mut builder)?;
        grants.clocks.open(&mut builder);
        grants.random.open(&mut builder);
        let files = files::open::open(grants, &mut builder)?;
        let network = NetworkPolicy::new(&grants.network, denials.clone(), self.resolver.clone());
        let network = Arc::new(network);
        network.open(&mut builder);
        #[cfg(feature = "http")]
        let http = Http::new(&self.http, network.clone());
        let guarded = Guarded::new(builder.build_p1(), files.places, denials.clone(), self.max_listing);
        let mut wasi = Wasi {
            guarded,
            stdout,
            stderr,
            denials,
            network: Some(network),
            #[cfg(feature = "http")]
            http,
            temporary: files.temporary,
        };
        wasi.set_max_resources(self.max_resources);
        Ok(wasi)
    }
}

impl Default for WasiOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for WasiOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("WasiOptions")
            .field("max_random", &self.max_random)
            .field("max_resources", &self.max_resources)
            .finish_non_exhaustive()
    }
}
