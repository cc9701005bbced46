//! Why a guest could not be loaded, and why a call gave no result.

use std::error::Error;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use host_cache::{AheadError, CompileError};
use host_component::doctor::Report;
use host_component::json::JsonError;
use host_component::wave::WaveError;
use host_component::{ArgumentError, FindError};
use host_core::{EngineError, Fault, InputError, LinkError};
use host_limits::{ArmError, Rejected};
use host_wasi::GrantError;

use crate::bundle::BundleError;
use crate::manifest::ManifestError;
use crate::queue::Busy;
use crate::reply::CallInfo;
use crate::run::RunError;
use crate::runtime::StoreError;
use crate::state::Captured;

/// Why a guest could not be loaded. Nothing of it has run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LoadError {
    /// The file cannot be read.
    #[error("cannot read `{}`", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// What the operating system says.
        source: std::io::Error,
    },
    /// The directory has more entries than are looked at.
    #[error("the directory `{}` has more than {most} entries; move away what is no plugin", path.display())]
    TooManyEntries {
        /// The directory.
        path: PathBuf,
        /// How many may be there.
        most: usize,
    },
    /// It is not WebAssembly, or not the kind that is needed.
    #[error(transparent)]
    Input(#[from] InputError),
    /// It is WebAssembly of a kind that this version does not know.
    #[error("a {kind} cannot be run here; give a core module or a component")]
    UnknownKind {
        /// What it is.
        kind: String,
    },
    /// It begins as WebAssembly does, but is not valid, or needs a proposal that the engine's profile has off.
    #[error("this is not valid WebAssembly, or needs a proposal that the profile turns off: {reason}")]
    Invalid {
        /// What Wasmtime says.
        reason: String,
    },
    /// It declares more than the static limits allow, or uses what they do not. It was not compiled.
    #[error(transparent)]
    Rejected(#[from] Rejected),
    /// The compiler gave up on it in the middle. Nothing else is harmed.
    #[error("the compiler panicked on this input, which is likely made to do that; nothing else is harmed")]
    CompilerPanicked,
    /// It could not be compiled.
    #[error(transparent)]
    Compile(CompileError),
    /// The file that was compiled ahead of time cannot be used.
    #[error(transparent)]
    Ahead(#[from] AheadError),
    /// There is no engine that compiles for the platform that was named.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// It does not become a component.
    #[cfg(feature = "adapt")]
    #[error(transparent)]
    Adapt(#[from] host_wasi::adapt::AdaptError),
    /// A component whose imports nobody satisfies.
    #[error(transparent)]
    Imports(Report),
    /// A core module whose imports nobody satisfies.
    #[error(transparent)]
    Link(#[from] LinkError),
    /// A grant that cannot be given.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// The manifest cannot be read, or asks for more than the policy allows.
    #[error(transparent)]
    Manifest(#[from] ManifestError),
    /// The manifest names a world that the host does not know.
    #[error("the host knows no world named `{name}`; it knows {}", some_or_none(known))]
    UnknownWorld {
        /// The name.
        name: String,
        /// The worlds that were registered.
        known: Vec<String>,
    },
    /// The manifest names a world, but it is a core module, which has none.
    #[error("a core module has no world; leave `world` out of its manifest, or make it a component")]
    ModuleWithWorld,
    /// The engine cannot hold the limits that its manifest says.
    #[error(transparent)]
    Limits(#[from] ArmError),
    /// The health check did not go well.
    #[error("the health check `{export}` failed")]
    Health {
        /// The export that was called.
        export: String,
        /// How the call ended.
        source: Box<CallError>,
    },
    /// The health check could not be made.
    #[error("there is no thread, or no async runtime, to make the health check on")]
    NoHealthCheck(#[source] std::io::Error),
    /// No plugin of that name is loaded.
    #[error("no plugin named `{name}` is loaded, so there is nothing to put another version in the place of")]
    NotLoaded {
        /// The name.
        name: String,
    },
    /// There is nothing to load it from again.
    #[error("the plugin `{name}` was loaded from bytes; give the new ones with `reload_bytes`")]
    NoSource {
        /// The name.
        name: String,
    },
    /// The manifest has another name than it had.
    #[error(
        "the manifest names the plugin `{found}`, but it is loaded as `{name}`; unload it first, or put the name back"
    )]
    Renamed {
        /// The name under which it is loaded.
        name: String,
        /// The name that the manifest says now.
        found: String,
    },
    /// There is no version before this one.
    #[error("the plugin `{name}` has no version before this one to go back to")]
    NoVersionBefore {
        /// The name.
        name: String,
    },
    /// The host is shutting down.
    #[error("the host is shutting down, and loads nothing any more")]
    ShuttingDown,
    /// Another plugin of this name is loaded.
    #[error("a plugin named `{name}` is loaded already; unload it first")]
    Loaded {
        /// The name.
        name: String,
    },
    /// A file whose name has no text before its extension that could name the plugin.
    #[error("`{}` has no name that a plugin could go by; rename it to NAME.wasm", path.display())]
    Unnamed {
        /// The file.
        path: PathBuf,
    },
}

impl LoadError {
    pub(crate) fn invalid(error: wasmtime::Error) -> LoadError {
        LoadError::Invalid { reason: format!("{error:#}") }
    }
}

impl From<CompileError> for LoadError {
    fn from(error: CompileError) -> LoadError {
        match error {
            // The same words with and without a cache.
            CompileError::Compile { source, .. } => LoadError::Invalid { reason: chain(&*source) },
            other => LoadError::Compile(other),
        }
    }
}

/// An error and all its causes in one line.
pub(crate) fn chain(error: &(dyn Error + 'static)) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        next = cause.source();
    }
    text
}

/// Why a call gave no result.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CallError {
    /// No plugin of that name is loaded.
    #[error("no plugin named `{name}` is loaded; loaded are: {}", some_or_none(loaded))]
    UnknownPlugin {
        /// The name that was asked for.
        name: String,
        /// The plugins that are loaded.
        loaded: Vec<String>,
    },
    /// The plugin has no such export. No code of it has run.
    #[error(transparent)]
    Export(#[from] FindError),
    /// The arguments do not fit the export, which was not entered.
    #[error(transparent)]
    Arguments(#[from] ArgumentError),
    /// The store for the call cannot be had. No code of the plugin has run.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The arguments are no JSON for the export, which was not entered; or its result cannot be written as JSON.
    #[error(transparent)]
    Json(#[from] JsonError),
    /// The call is not written in WAVE, or not for the export, which was not entered; or its result cannot be written so.
    #[error(transparent)]
    Wave(#[from] WaveError),
    /// A plugin of one kind was called in the way of the other.
    #[error("this call is for a {needed}, but the plugin is a {found}")]
    Kind {
        /// What can be called so.
        needed: &'static str,
        /// What it is.
        found: &'static str,
    },
    /// The core module has no such function.
    #[error("the core module exports no function named `{export}`")]
    NoFunction {
        /// What was asked for.
        export: String,
    },
    /// The function of the core module takes no bytes.
    #[error(
        "the export `{export}` takes no bytes; that takes the type `(i32, i32) -> i64`: address and length, to address and length in one number"
    )]
    BytesType {
        /// What was asked for.
        export: String,
    },
    /// The plugin is not of the world by which it was called.
    #[error("the plugin is not of the world whose bindings it is called by")]
    World {
        /// What it lacks.
        source: wasmtime::Error,
    },
    /// A health check was answered with an error of the plugin's own.
    #[error("the plugin says that it is not well: {answer}")]
    Unwell {
        /// The error, in WAVE.
        answer: String,
    },
    /// There is no place for the call now.
    #[error(transparent)]
    Busy(#[from] Busy),
    /// The plugin's breaker is open: it had too many faults lately.
    #[error(
        "the plugin `{plugin}` had too many faults{}, and is not called for another {retry_after:.1?}",
        tenant.as_ref().map(|tenant| format!(" in calls of `{tenant}`")).unwrap_or_default()
    )]
    Open {
        /// The plugin.
        plugin: Arc<str>,
        /// For whom, if the breaker is one tenant's.
        tenant: Option<Arc<str>>,
        /// After how long it is tried again.
        retry_after: Duration,
    },
    /// The host is shutting down, and takes no calls.
    #[error("the host is shutting down, and takes no calls any more")]
    ShuttingDown,
    /// The guest was stopped, or stopped itself.
    #[error(transparent)]
    Fault(Box<Stopped>),
}

/// A guest that was stopped, or stopped itself: why, and what it had said until then.
#[derive(Debug)]
#[non_exhaustive]
pub struct Stopped {
    /// Why.
    pub fault: Fault,
    /// What it had said until then.
    pub captured: Captured,
    /// Which call it was; `None` if it was not made by a plugin host.
    pub call: Option<CallInfo>,
    /// The crash bundle that was written of it, or why it could not be; `None` if nobody asked for one.
    pub bundle: Option<Result<PathBuf, BundleError>>,
}

impl fmt::Display for Stopped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.fault.fmt(f)
    }
}

/// It has the words of its fault, so its causes are those of the fault.
impl Error for Stopped {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.fault.source()
    }
}

impl From<RunError> for CallError {
    fn from(error: RunError) -> CallError {
        match error {
            RunError::Store(error) => CallError::Store(error),
            RunError::Stopped(stopped) => CallError::Fault(stopped),
        }
    }
}

impl CallError {
    /// Which call it was, if it was let in.
    pub fn call(&self) -> Option<&CallInfo> {
        match self {
            CallError::Fault(stopped) => stopped.call.as_ref(),
            _ => None,
        }
    }

    /// The fault, if the guest did run.
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            CallError::Fault(stopped) => Some(&stopped.fault),
            _ => None,
        }
    }
}

/// Names for a message.
fn some_or_none(names: &[String]) -> String {
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
