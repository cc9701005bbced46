//! Why a guest could not be loaded, and why a call gave no result.

use std::path::PathBuf;

use host_cache::{AheadError, CompileError};
use host_component::doctor::Report;
use host_component::{ArgumentError, FindError};
use host_core::{EngineError, Fault, InputError, LinkError};
use host_limits::Rejected;
use host_wasi::GrantError;

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
fn chain(error: &(dyn std::error::Error + 'static)) -> String {
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
    #[error("no plugin named `{name}` is loaded; loaded are: {}", if loaded.is_empty() { "none".to_owned() } else { loaded.join(", ") })]
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
    /// The guest was stopped, or stopped itself.
    #[error(transparent)]
    Fault(Box<Stopped>),
}

/// A guest that was stopped, or stopped itself: why, and what it had said until then.
#[derive(Debug, thiserror::Error)]
#[error("{fault}")]
#[non_exhaustive]
pub struct Stopped {
    /// Why.
    #[source]
    pub fault: Fault,
    /// What it had said until then.
    pub captured: Captured,
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
    /// The fault, if the guest did run.
    pub fn fault(&self) -> Option<&Fault> {
        match self {
            CallError::Fault(stopped) => Some(&stopped.fault),
            _ => None,
        }
    }
}
