//! One program, loaded under a policy, that runs once; and what is told of it afterwards.

use std::future::Future;
use std::path::Path;

use anyhow::{Context, Result, bail};
use host_plugins::host_cache::AheadError;
use host_plugins::host_core::{Backtraces, Fault};
use host_plugins::host_limits::Usage;
use host_plugins::host_wasi::{Grants, Output, Stdin};
use host_plugins::{
    CallError, Captured, CommandError, LoadError, Loading, Origin, Outcome, Policy, Program, Runtime,
    Stopped, StoreError,
};
use tokio::runtime::Builder;

use crate::flags::GuestFlags;
use crate::output::{self, Stream, printable, size, time};
use crate::{exit, load, policy};

/// A program, loaded under a policy.
pub(crate) struct Session<'a> {
    pub(crate) policy: Policy,
    pub(crate) runtime: Runtime,
    pub(crate) program: Program,
    flags: &'a GuestFlags,
    /// Where captured standard output goes.
    stdout: Stream,
}

/// Why a program gave no value.
pub(crate) enum Failure {
    /// It was stopped, or stopped itself.
    Stopped(Box<Stopped>),
    /// It never ran: our own side, or the caller's.
    NotRun(anyhow::Error),
}

impl<'a> Session<'a> {
    /// Loads a program whose standard streams are passed through unless the policy names them.
    pub(crate) fn passing_through(file: &Path, flags: &'a GuestFlags) -> Result<Session<'a>> {
        let streams = Grants::default().stdin(Stdin::Inherit).stdout(Output::Inherit).stderr(Output::Inherit);
        Session::open(file, flags, &streams, Stream::Stdout)
    }

    /// Loads a program whose standard output is kept out of ours, unless the policy says otherwise.
    pub(crate) fn keeping_stdout_clean(file: &Path, flags: &'a GuestFlags) -> Result<Session<'a>> {
        // The policy says how much is kept.
        let streams = Grants::default().stdout(Output::Capture(u64::MAX)).stderr(Output::Inherit);
        Session::open(file, flags, &streams, Stream::Stderr)
    }

    /// Loads a program that answers requests: its output is passed through unless the policy names it, and it has no
    /// standard input, since requests would share it.
    pub(crate) fn serving(file: &Path, flags: &'a GuestFlags) -> Result<Session<'a>> {
        let streams = Grants::default().stdout(Output::Inherit).stderr(Output::Inherit);
        Session::open(file, flags, &streams, Stream::Stderr)
    }

    fn open(file: &Path, flags: &'a GuestFlags, streams: &Grants, stdout: Stream) -> Result<Session<'a>> {
        let mut bytes = load::read(file)?;
        let mut policy = policy::of_guest(flags, streams, &bytes)?;
        let (runtime, program): (Runtime, Result<Program>);
        if load::is_precompiled(file, &bytes, flags.allow_precompiled)? {
            if flags.adapt {
                bail!(
                    "`{}` is compiled already; give --adapt to `wasm-host compile` instead",
                    file.display()
                );
            }
            (runtime, program) = prepare_ahead(file, &mut policy, flags.policy.is_none())?;
        } else {
            if flags.backtrace && flags.policy.is_none() {
                // A precompiled file has its settings already.
                policy.profile.backtraces = Backtraces::Lines;
            }
            runtime = load::runtime(&policy, load::cache_apart_from(&policy.grants, &flags.cache)?)?;
            if flags.adapt {
                bytes = load::adapted(&runtime, file, &bytes)?;
            }
            program = load::compiling(file, &bytes, || runtime.prepare(&bytes)).map_err(Into::into);
        }
        let program = program.with_context(|| format!("cannot load `{}`", file.display()))?;
        if let Some(failure) = &program.loading().publish_failure {
            output::warn(&format!("the compiled code could not be kept: {failure}"));
        }
        Ok(Session { policy, runtime, program, flags, stdout })
    }

    /// Waits for what runs the program; tells what the program said, what `tell` makes of its value, or why it was
    /// stopped, and what it spent. Gives the exit code.
    pub(crate) fn finish<R>(
        &self,
        run: impl Future<Output = Result<Outcome<R>, Failure>>,
        tell: impl FnOnce(R) -> Result<i32>,
    ) -> Result<i32> {
        let executor =
            Builder::new_current_thread().enable_all().build().context("cannot start a runtime")?;
        let result = executor.block_on(run);
        // A thread may be waiting for input that never comes.
        executor.shutdown_background();
        match result {
            Ok(outcome) => {
                self.tell_captured(&outcome.captured);
                let code = tell(outcome.value)?;
                if code != 0 || self.flags.stats {
                    tell_denials(&outcome.captured);
                }
                self.tell_spent(&outcome.usage);
                Ok(code)
            }
            Err(Failure::Stopped(stopped)) => {
                self.tell_captured(&stopped.captured);
                let code = exit::report_fault(&stopped.fault, self.flags.backtrace);
                tell_denials(&stopped.captured);
                self.tell_spent(Fault::usage(&stopped.fault));
                Ok(code)
            }
            Err(Failure::NotRun(error)) => Err(self.located(error)),
        }
    }

    /// Opens the grants once, so that one that cannot be given is said before anybody needs it.
    pub(crate) fn check_grants(&self) -> Result<()> {
        let Policy { limits, grants, .. } = &self.policy;
        let opened = self.runtime.store(limits, grants).map_err(CommandError::Store);
        opened.map(drop).map_err(|error| self.located(error.into()))
    }

    /// Says where in the policy file the grant stands that could not be given, if that is what the error is.
    fn located(&self, error: anyhow::Error) -> anyhow::Error {
        let store = match (error.downcast_ref::<CommandError>(), error.downcast_ref::<CallError>()) {
            (Some(CommandError::Store(store)), _) | (_, Some(CallError::Store(store))) => store,
            _ => return error,
        };
        let StoreError::Grant(grant) = store else { return error };
        match self.policy.locate(grant) {
            Some(place) => error.context(format!("the policy {place}, grants what cannot be given")),
            None => error,
        }
    }

    fn tell_captured(&self, captured: &Captured) {
        output::write(self.stdout, &captured.stdout);
        output::write(Stream::Stderr, &captured.stderr);
        for line in &captured.log {
            output::tell(&format!("log: {}", printable(line)));
        }
    }

    fn tell_spent(&self, usage: &Usage) {
        if !self.flags.stats {
            return;
        }
        let Loading { origin, elapsed, .. } = self.program.loading();
        let code = match origin {
            Origin::Compiled => "compiled",
            Origin::Cached => "cached, loaded",
            Origin::Ahead => "compiled ahead of time, loaded",
            _ => "had",
        };
        let fuel = match usage.fuel {
            Some(fuel) => format!("{fuel} of fuel"),
            None => "fuel not metered".to_owned(),
        };
        output::tell(&format!(
            "wasm-host: code {code} in {}; ran for {}, {fuel}, peak memory {}",
            time(*elapsed),
            time(usage.elapsed),
            size(usage.peak_memory)
        ));
    }
}

/// Loads a precompiled file. Where no policy says what its engine is, there are two: that of a program that needs concurrency is
/// another, and only the file knows.
fn prepare_ahead(file: &Path, policy: &mut Policy, either: bool) -> Result<(Runtime, Result<Program>)> {
    let runtime = load::runtime(policy, None)?;
    match runtime.prepare_ahead(file) {
        Err(LoadError::Ahead(AheadError::Incompatible { .. })) if either => {}
        program => return Ok((runtime, program.map_err(explain))),
    }
    policy::with_concurrency(policy);
    let runtime = load::runtime(policy, None)?;
    let program = runtime.prepare_ahead(file).map_err(explain);
    Ok((runtime, program))
}

/// What the program asked for in vain, which may be why it failed.
pub(crate) fn tell_denials(captured: &Captured) {
    for denial in &captured.denials {
        output::tell(&format!("wasm-host: denied: {}", printable(&denial.to_string())));
    }
    if let Some(refused) = &captured.quota_refused {
        output::tell(&format!("wasm-host: no space left: {}", printable(&refused.to_string())));
    }
}

/// What decides whether a precompiled file fits is said by options.
fn explain(error: LoadError) -> anyhow::Error {
    let is_other_engine = matches!(error, LoadError::Ahead(AheadError::Incompatible { .. }));
    let error = anyhow::Error::from(error);
    if !is_other_engine {
        return error;
    }
    error.context("it was compiled for other options: give `wasm-host compile` the same --policy and --fuel")
}

impl From<CommandError> for Failure {
    fn from(error: CommandError) -> Failure {
        match error {
            CommandError::Fault(stopped) => Failure::Stopped(stopped),
            other => Failure::NotRun(other.into()),
        }
    }
}

impl From<CallError> for Failure {
    fn from(error: CallError) -> Failure {
        match error {
            CallError::Fault(stopped) => Failure::Stopped(stopped),
            other => Failure::NotRun(other.into()),
        }
    }
}
