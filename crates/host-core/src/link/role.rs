//! `ModuleRole`: is a module a program to run, one to initialise first, or neither? And doing so.

use wasmtime::{AsContextMut, ExternType, Instance, Module, TypedFunc};

use crate::type_text::type_text;

/// What a module is for, by the convention of WASI's application ABI: which of `_start` and `_initialize` it exports.
///
/// ```
/// use host_core::{ModuleRole, initialize};
/// use wasmtime::{Engine, Instance, Module, Store};
///
/// let engine = Engine::default();
/// let module = Module::new(&engine, r#"(module (global $ready (mut i32) (i32.const 0))
///     (func (export "_initialize") (global.set $ready (i32.const 1)))
///     (func (export "ready") (result i32) (global.get $ready)))"#)?;
/// assert_eq!(ModuleRole::of(&module)?, ModuleRole::Reactor);
///
/// let mut store = Store::new(&engine, ());
/// let instance = Instance::new(&mut store, &module, &[])?;
/// initialize(&mut store, &instance)?;
/// assert_eq!(instance.get_typed_func::<(), i32>(&mut store, "ready")?.call(&mut store, ())?, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ModuleRole {
    /// A program: it exports `_start`, which [`run_command`] runs, once in the life of an instance.
    Command,
    /// It exports `_initialize`, which is to be called once, after instantiation and before anything else.
    Reactor,
    /// It exports neither, and can be used as it is.
    Library,
}

/// A module whose `_start` or `_initialize` is not what these names stand for.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RoleError {
    /// The module exports `_start` and `_initialize`, and so is a command and a reactor.
    #[error("the module exports both `_start` and `_initialize`; a command has the one, a reactor the other")]
    Both,
    /// One of them is not a function without parameters and results.
    #[error("the module's export `{export}` is a {found}; it must be a func()")]
    EntryPoint {
        /// `_start` or `_initialize`.
        export: &'static str,
        /// What it is, such as `func(i32)`.
        found: String,
    },
    /// The module was to be run, and exports no `_start`.
    #[error("the module exports no `_start`, so it is not a command that can be run")]
    NoCommand,
}

const START: &str = "_start";
pub(super) const INITIALIZE: &str = "_initialize";

impl ModuleRole {
    /// The role of `module`.
    ///
    /// # Errors
    ///
    /// [`RoleError::EntryPoint`] if `_start` or `_initialize` is exported but is not a function without parameters and
    /// results; [`RoleError::Both`] if there are both.
    pub fn of(module: &Module) -> Result<ModuleRole, RoleError> {
        match (exports(module, START)?, exports(module, INITIALIZE)?) {
            (true, true) => Err(RoleError::Both),
            (true, false) => Ok(ModuleRole::Command),
            (false, true) => Ok(ModuleRole::Reactor),
            (false, false) => Ok(ModuleRole::Library),
        }
    }
}

/// Calls `_initialize` of a reactor; of another module there is nothing to do. It is for an instance that was made with
/// Wasmtime itself: [`Modules`](crate::Modules) and [`Linked`](crate::Linked) call it.
///
/// # Errors
///
/// A [`RoleError`], or what ended the call.
pub fn initialize(mut store: impl AsContextMut, instance: &Instance) -> wasmtime::Result<()> {
    match initializer(&mut store, instance)? {
        Some(initialize) => initialize.call(store, ()),
        None => Ok(()),
    }
}

/// As [`initialize`], in a store of async calls.
///
/// # Errors
///
/// As [`initialize`].
pub async fn initialize_async(
    mut store: impl AsContextMut<Data: Send>,
    instance: &Instance,
) -> wasmtime::Result<()> {
    match initializer(&mut store, instance)? {
        Some(initialize) => initialize.call_async(store, ()).await,
        None => Ok(()),
    }
}

/// Runs a command: calls its `_start`. To run it again, make a fresh instance.
///
/// # Errors
///
/// [`RoleError`] if it is not a command, or what ended the call. A program of WASI that exits ends so, too, with
/// the error in which `wasmtime-wasi` carries the exit code.
pub fn run_command(mut store: impl AsContextMut, instance: &Instance) -> wasmtime::Result<()> {
    starter(&mut store, instance)?.call(store, ())
}

/// As [`run_command`], in a store of async calls.
///
/// # Errors
///
/// As [`run_command`].
pub async fn run_command_async(
    mut store: impl AsContextMut<Data: Send>,
    instance: &Instance,
) -> wasmtime::Result<()> {
    starter(&mut store, instance)?.call_async(store, ()).await
}

fn initializer(
    mut store: impl AsContextMut,
    instance: &Instance,
) -> wasmtime::Result<Option<TypedFunc<(), ()>>> {
    match ModuleRole::of(instance.module(&store))? {
        ModuleRole::Reactor => Ok(Some(instance.get_typed_func(&mut store, INITIALIZE)?)),
        ModuleRole::Command | ModuleRole::Library => Ok(None),
    }
}

fn starter(mut store: impl AsContextMut, instance: &Instance) -> wasmtime::Result<TypedFunc<(), ()>> {
    match ModuleRole::of(instance.module(&store))? {
        ModuleRole::Command => Ok(instance.get_typed_func(&mut store, START)?),
        ModuleRole::Reactor | ModuleRole::Library => Err(RoleError::NoCommand.into()),
    }
}

/// Whether `module` exports the function `export`.
fn exports(module: &Module, export: &'static str) -> Result<bool, RoleError> {
    match module.get_export(export) {
        None => Ok(false),
        Some(ExternType::Func(func)) if func.params().len() == 0 && func.results().len() == 0 => Ok(true),
        Some(other) => Err(RoleError::EntryPoint { export, found: type_text(&other) }),
    }
}
