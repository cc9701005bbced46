//! Runs a WASI command, of either generation, to its exit code; and calls single exports of a program.

use host_component::{call_async, find};
use host_core::{InvokeError, invoke_async};
use host_limits::Limits;
use host_wasi::Grants;
use host_wasi::wasmtime_wasi::p2::bindings::CommandPre;
use wasmtime::component::{Component, ComponentExportIndex, Instance, InstancePre, Val};
use wasmtime::{ExternType, Store};

use crate::error::{CallError, Stopped};
use crate::program::{Guest, Program};
use crate::run::{Outcome, RunError, exit_of};
use crate::runtime::{Runtime, StoreError};
use crate::state::State;

/// Why a command gave no exit code.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommandError {
    /// It is no command: it has nothing to start by. No code of it has run.
    #[error("this {kind} is not a command: it exports no {entry}; call one of its exports by name instead")]
    NotACommand {
        /// `core module` or `component`.
        kind: &'static str,
        /// What a command of this kind exports.
        entry: &'static str,
    },
    /// The export that was asked for cannot be called so. No code of the guest has run, its start function excepted.
    #[error(transparent)]
    Invoke(#[from] InvokeError),
    /// The store cannot be had. No code of the guest has run.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The guest was stopped, or stopped itself by a trap.
    #[error(transparent)]
    Fault(Box<Stopped>),
}

impl From<RunError> for CommandError {
    fn from(error: RunError) -> CommandError {
        match error {
            RunError::Store(error) => CommandError::Store(error),
            RunError::Stopped(stopped) => CommandError::Fault(stopped),
        }
    }
}

impl Runtime {
    /// Runs a WASI command: a core module that exports `_start`, or a component that exports `wasi:cli/run`, in version 0.3 if it
    /// has that and in 0.2 else. Gives its exit code; a component of WASI 0.2 can only tell 0 from 1.
    ///
    /// # Errors
    ///
    /// [`CommandError`]; a guest that was stopped is [`CommandError::Fault`].
    pub async fn run_command(
        &self,
        program: &Program,
        limits: &Limits,
        grants: &Grants,
    ) -> Result<Outcome<i32>, CommandError> {
        let result = match &program.guest {
            Guest::Module(instance) => {
                let start = instance.module().get_export("_start");
                let start = start.as_ref().and_then(ExternType::func);
                if !start.is_some_and(|ty| ty.params().len() == 0 && ty.results().len() == 0) {
                    return Err(CommandError::NotACommand {
                        kind: "core module",
                        entry: "`_start` without parameters and results",
                    });
                }
                let start = async |store: &mut Store<State>| {
                    let instance = instance.instantiate_async(&mut *store).await?;
                    let start = instance.get_typed_func::<(), ()>(&mut *store, "_start")?;
                    start.call_async(store, ()).await.map(|()| 0)
                };
                self.run_fresh(limits, grants, start).await
            }
            Guest::Component(instance) if let Some(run) = run_of_p3(instance.component()) => {
                let run = async |store: &mut Store<State>| {
                    let instance = instance.instantiate_async(&mut *store).await?;
                    let run = instance.get_typed_func::<(), (Result<(), ()>,)>(&mut *store, &run)?;
                    // Not `call_concurrent`, which would let a guest that waits for nothing wait until its deadline.
                    let (result,) = run.call_async(store, ()).await?;
                    Ok(i32::from(result.is_err()))
                };
                self.run_fresh(limits, grants, run).await
            }
            Guest::Component(instance) => {
                let Ok(command) = CommandPre::new(instance.clone()) else {
                    return Err(CommandError::NotACommand { kind: "component", entry: "`wasi:cli/run`" });
                };
                let run = async |store: &mut Store<State>| {
                    let command = command.instantiate_async(&mut *store).await?;
                    let result = command.wasi_cli_run().call_run(store).await?;
                    Ok(i32::from(result.is_err()))
                };
                self.run_fresh(limits, grants, run).await
            }
        };
        match result {
            Ok(outcome) => Ok(outcome),
            Err(RunError::Stopped(stopped)) => exit_of(stopped).map_err(CommandError::Fault),
            Err(error) => Err(error.into()),
        }
    }

    /// Calls an export of a core module with arguments as text (`2`, `-1.5`), and gives its results as text. A reactor's
    /// `_initialize` is called first.
    ///
    /// # Errors
    ///
    /// [`CommandError`]: no such export, arguments that do not fit, or a guest that was stopped.
    ///
    /// # Panics
    ///
    /// If `program` is a component; those are for [`call`](Runtime::call).
    pub async fn invoke(
        &self,
        program: &Program,
        export: &str,
        arguments: &[String],
        limits: &Limits,
        grants: &Grants,
    ) -> Result<Outcome<Vec<String>>, CommandError> {
        let Guest::Module(instance) = &program.guest else {
            panic!("only exports of core modules are called with arguments as separate texts");
        };
        let arguments = host_core::parse_arguments(instance.module(), export, arguments)?;
        let invoke = async |store: &mut Store<State>| {
            let instance = instance.instantiate_async(&mut *store).await?;
            if let Ok(initialize) = instance.get_typed_func::<(), ()>(&mut *store, "_initialize") {
                initialize.call_async(&mut *store, ()).await?;
            }
            invoke_async(store, &instance, export, &arguments).await
        };
        Ok(self.run_fresh(limits, grants, invoke).await?)
    }

    /// Calls an export of a component by name: `process`, or in full `my-org:my-plugin/plugin-api@0.1.0#process`.
    ///
    /// The arguments are checked against the export's type before it is entered.
    ///
    /// # Errors
    ///
    /// [`CallError`]; a guest that was stopped is [`CallError::Fault`], which says why.
    ///
    /// # Panics
    ///
    /// If `program` is a core module; those are for [`invoke`](Runtime::invoke).
    pub async fn call(
        &self,
        program: &Program,
        export: &str,
        arguments: &[Val],
        limits: &Limits,
        grants: &Grants,
    ) -> Result<Outcome<Vec<Val>>, CallError> {
        let Guest::Component(instance) = &program.guest else {
            panic!("only exports of components are called with values of the component model");
        };
        self.call_export(instance, export, arguments, limits, grants).await
    }

    pub(crate) async fn call_export(
        &self,
        instance: &InstancePre<State>,
        export: &str,
        arguments: &[Val],
        limits: &Limits,
        grants: &Grants,
    ) -> Result<Outcome<Vec<Val>>, CallError> {
        let function = find(instance.component(), export)?;
        let call = async |store: &mut Store<State>, instance: Instance| {
            match call_async(store, &instance, &function, arguments).await {
                Ok(results) => Ok(Ok(results)),
                Err(host_component::CallError::Failed { source, .. }) => Err(source),
                // A mistake in the arguments is the caller's, and no fault of the guest.
                Err(host_component::CallError::Arguments(error)) => Ok(Err(error)),
                Err(other) => Err(other.into()),
            }
        };
        let outcome = self.run_instance(instance, limits, grants, call).await?;
        outcome.transpose().map_err(CallError::Arguments)
    }
}

/// The function by which a command of WASI 0.3 starts, if it is one. A program may also have that of 0.2, which the compiler of
/// its language put there.
fn run_of_p3(component: &Component) -> Option<ComponentExportIndex> {
    if !cfg!(feature = "p3") {
        return None;
    }
    let interface = component.get_export_index(None, "wasi:cli/run@0.3.0")?;
    component.get_export_index(Some(&interface), "run")
}
