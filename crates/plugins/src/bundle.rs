//! Crash bundles: everything about one fault in one directory, for the plugin's author or for later.

mod error;
mod name;
mod page;
mod read;
mod record;
mod report;
mod text;
mod write;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use host_core::CoreDumpError;
use host_limits::Bytes;

pub use self::error::BundleError;
pub use self::read::CrashBundle;
pub use self::record::{
    ArgumentsKept, BundleRecord, CallRecord, CapturedRecord, CoreDumpRecord, FaultRecord, MadeBy,
    PluginRecord,
};
pub use self::report::Report;

/// What becomes of a call's arguments in a bundle. They may hold what the plugin's author must not see.
#[derive(Clone, Default)]
#[non_exhaustive]
pub enum Arguments {
    /// They are not written. The default.
    #[default]
    LeftOut,
    /// They are written as they are.
    Written,
    /// What this function makes of their text is written. If it panics, they are left out.
    Redacted(Arc<dyn Fn(&str) -> String + Send + Sync>),
}

impl fmt::Debug for Arguments {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Arguments::LeftOut => "LeftOut",
            Arguments::Written => "Written",
            Arguments::Redacted(_) => "Redacted(..)",
        })
    }
}

/// Where crash bundles are kept, and what is in them.
///
/// A bundle is a directory with `bundle.json`, `fault.txt` and, where there is something to put in, `manifest.toml`,
/// `arguments.txt`, `log.txt`, `stdout.txt`, `stderr.txt` and `core.wasm`. It appears as a whole, under a name that sorts by
/// time, such as `20261129T061500.123Z-greeter-42`. On Unix nobody but its owner can read it.
///
/// It is made to be sent to the plugin's author. Read it before: what the plugin said is in it, the manifest as it is, and the
/// grants with the paths of directories; of variables, files and standard input that were granted as text, only that they were.
///
/// ```
/// use host_plugins::host_core::{Profile, guard};
/// use host_plugins::host_limits::{Limits, Meter, Ticker, arm};
/// use host_plugins::wasmtime::{Instance, Module, Store};
/// use host_plugins::{Arguments, Captured, CrashBundle, CrashBundles, Report};
///
/// # let scratch = tempfile::tempdir()?;
/// # let directory = scratch.path();
/// let bundles = CrashBundles::new(directory).arguments(Arguments::Written).most(20);
///
/// let limits = Limits::untrusted();
/// let engine = Profile::Development.settings().engine(&limits)?;
/// let ticker = Ticker::start(&engine)?;
/// let module = Module::new(&engine, "(module (func $main unreachable) (start $main))")?;
/// let mut store = Store::new(&engine, Meter::new(limits));
/// arm(&mut store, &ticker)?;
/// let fault = guard(&mut store, |store| Instance::new(store, &module, &[])).unwrap_err();
///
/// let captured = Captured::default();
/// let mut report = Report::new("greeter", &fault, &captured);
/// report.export = Some("process");
/// report.arguments = Some("(\"Ada\")");
/// let path = bundles.write(&report, None)?;
///
/// let bundle = CrashBundle::read(&path)?;
/// assert_eq!(bundle.record.fault.trap.as_deref(), Some("unreachable-code-reached"));
/// assert!(bundle.to_string().contains("who can act"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct CrashBundles {
    directory: PathBuf,
    arguments: Arguments,
    core_dump: Option<Bytes>,
    most: usize,
}

impl CrashBundles {
    /// Bundles in `directory`, which is made when the first is written: without arguments, without core dumps, and no more
    /// than 100.
    pub fn new(directory: impl Into<PathBuf>) -> CrashBundles {
        CrashBundles {
            directory: directory.into(),
            arguments: Arguments::default(),
            core_dump: None,
            most: 100,
        }
    }

    /// Sets what becomes of the arguments. By default they are left out.
    #[must_use]
    pub fn arguments(mut self, arguments: Arguments) -> Self {
        self.arguments = arguments;
        self
    }

    /// Sets that there is to be a core dump of at most so much of the guest's memory; see
    /// [`Fault::core_dump`](host_core::Fault::core_dump). Whatever secrets the guest held are in it. Default: none.
    #[must_use]
    pub fn core_dump(mut self, at_most: Option<Bytes>) -> Self {
        self.core_dump = at_most;
        self
    }

    /// Sets how many bundles are kept in the directory; the oldest are removed first. At least 1. Default: 100.
    #[must_use]
    pub fn most(mut self, most: usize) -> Self {
        self.most = most.max(1);
        self
    }

    /// Where they are.
    pub fn directory(&self) -> &Path {
        &self.directory
    }

    /// How much of a guest's memory a core dump may hold; `None` if there is to be none.
    pub fn core_dump_at_most(&self) -> Option<Bytes> {
        self.core_dump
    }

    /// Writes a bundle, and gives its path. Blocks while it writes.
    ///
    /// `core_dump` is what came of taking one; why there is none is written down. Older bundles beyond
    /// [`most`](CrashBundles::most) are removed afterwards; that one of them cannot be is logged, and no error.
    ///
    /// # Errors
    ///
    /// [`BundleError::Directory`] or [`BundleError::Write`]. Then nothing is left of the bundle; the fault is the caller's still.
    pub fn write(
        &self,
        report: &Report<'_>,
        core_dump: Option<Result<Vec<u8>, CoreDumpError>>,
    ) -> Result<PathBuf, BundleError> {
        write::write(self, report, core_dump)
    }
}
