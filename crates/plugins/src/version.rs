//! `Version`: one state of a plugin, compiled, linked, and under its terms; never changed afterwards.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use host_cache::Digest;
use host_component::{ExportedFunction, find};
use wasmtime::component::InstancePre;

use crate::breaker::Breakers;
use crate::config::ConfigValues;
use crate::error::CallError;
use crate::instances::Idle;
use crate::manifest::{Manifest, Terms};
use crate::program::{Guest, Program};
use crate::state::State;

/// One version of a plugin. What it was made of, and what goes with it when it is replaced.
pub(crate) struct Version {
    pub(crate) number: u64,
    pub(crate) digest: Digest,
    pub(crate) program: Program,
    pub(crate) terms: Terms,
    /// Those of its terms, shared with every store.
    pub(crate) config: ConfigValues,
    pub(crate) origin: PluginSource,
    pub(crate) manifest: Option<Manifest>,
    pub(crate) idle: Idle,
    pub(crate) breakers: Breakers,
    /// The functions that were called by name. It cannot grow past the names that there are.
    functions: RwLock<BTreeMap<String, Arc<ExportedFunction>>>,
}

/// Where a plugin came from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PluginSource {
    /// A file of WebAssembly.
    File(PathBuf),
    /// A manifest, which names the file.
    Manifest(PathBuf),
    /// Bytes that the program had.
    Bytes,
}

impl PluginSource {
    /// The file of it, if there is one: the manifest, or the WebAssembly.
    pub fn path(&self) -> Option<&std::path::Path> {
        match self {
            PluginSource::File(path) | PluginSource::Manifest(path) => Some(path),
            PluginSource::Bytes => None,
        }
    }
}

impl Version {
    pub(crate) fn new(
        number: u64,
        digest: Digest,
        program: Program,
        terms: Terms,
        origin: PluginSource,
        manifest: Option<Manifest>,
    ) -> Version {
        let idle = Idle::new(terms.instances);
        let config = ConfigValues::from(&terms.config);
        let breakers = Breakers::new(terms.breaker.clone());
        let functions = RwLock::default();
        Version { number, digest, program, terms, config, origin, manifest, idle, breakers, functions }
    }

    /// The component that it is.
    pub(crate) fn component(&self) -> Result<&InstancePre<State>, CallError> {
        match &self.program.guest {
            Guest::Component(instance) => Ok(instance),
            Guest::Module(_) => Err(CallError::Kind { needed: "component", found: "core module" }),
        }
    }

    /// The core module that it is.
    pub(crate) fn module(&self) -> Result<&wasmtime::Module, CallError> {
        match &self.program.guest {
            Guest::Module(instance) => Ok(instance.module()),
            Guest::Component(_) => Err(CallError::Kind { needed: "core module", found: "component" }),
        }
    }

    /// The function of that name, looked up once.
    pub(crate) fn function(&self, export: &str) -> Result<Arc<ExportedFunction>, CallError> {
        let known = self.functions.read().unwrap_or_else(PoisonError::into_inner).get(export).cloned();
        if let Some(function) = known {
            return Ok(function);
        }
        let function = Arc::new(find(self.component()?.component(), export)?);
        let mut functions = self.functions.write().unwrap_or_else(PoisonError::into_inner);
        functions.insert(export.to_owned(), Arc::clone(&function));
        Ok(function)
    }
}
