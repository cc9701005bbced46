//! `Version`: one state of a plugin, compiled, linked, and under its terms; never changed afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

use host_cache::Digest;
use host_component::{ExportedFunction, find};
use wasmtime::component::InstancePre;
use wasmtime::{ExternType, FuncType, ValType};

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
    /// Those of a core module that were called with bytes. Nor can it.
    bytes: RwLock<BTreeSet<String>>,
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
        let (functions, bytes) = Default::default();
        Version { number, digest, program, terms, config, origin, manifest, idle, breakers, functions, bytes }
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

    /// Refuses an export that is not a core module's function of bytes. Looked at once, for a type is made of copies.
    pub(crate) fn takes_bytes(&self, export: &str) -> Result<(), CallError> {
        if self.bytes.read().unwrap_or_else(PoisonError::into_inner).contains(export) {
            return Ok(());
        }
        match self.module()?.get_export(export) {
            Some(ExternType::Func(ty)) if takes_bytes(&ty) => {}
            Some(ExternType::Func(_)) => return Err(CallError::BytesType { export: export.to_owned() }),
            _ => return Err(CallError::NoFunction { export: export.to_owned() }),
        }
        self.bytes.write().unwrap_or_else(PoisonError::into_inner).insert(export.to_owned());
        Ok(())
    }
}

/// `(address: i32, length: i32) -> i64`.
fn takes_bytes(ty: &FuncType) -> bool {
    ty.params().len() == 2
        && ty.params().all(|ty| matches!(ty, ValType::I32))
        && ty.results().len() == 1
        && ty.results().all(|ty| matches!(ty, ValType::I64))
}
