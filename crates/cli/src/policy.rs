//! What a program may spend and touch: the policy file, or wide limits and no grants, and over it the options.

use std::env;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use host_plugins::host_core::{EngineSettings, Profile};
use host_plugins::host_limits::{Bytes, Limits, Proposal, StaticLimits};
use host_plugins::host_wasi::{Grants, Output, Wishes};
use host_plugins::{Policy, needs_concurrency};

use crate::flags::{Dir, Fuel, GuestFlags, Variable};

/// The engine's settings without a policy file: optimised, and each memory made when it is needed, so that none is too
/// large for a pool. Not optimising a large program saves a tenth of the time it takes to compile, once, and may double the
/// time of every run.
fn settings() -> EngineSettings {
    EngineSettings { fuel: false, ..Profile::Deterministic.settings() }
}

/// The policy of a program that runs, whose standard streams are `streams` where no policy file names them.
pub(crate) fn of_guest(flags: &GuestFlags, streams: &Grants, wasm: &[u8]) -> Result<Policy> {
    let mut policy = base(flags.policy.as_deref(), flags.fuel, streams, wasm)?;
    let Policy { limits, grants, .. } = &mut policy;
    if let Some(deadline) = flags.timeout {
        limits.deadline = deadline;
    }
    if let Some(memory) = flags.memory {
        limits.memory = memory;
    }
    for output in [&mut grants.stdout, &mut grants.stderr] {
        bound(output, limits.output);
    }
    for Dir { host, guest, access } in &flags.dirs {
        let metadata = fs::metadata(host)
            .with_context(|| format!("cannot open the directory `{}` of --dir", host.display()))?;
        if !metadata.is_dir() {
            bail!("`{}` of --dir is not a directory; name the folder it is in", host.display());
        }
        *grants = std::mem::take(grants).directory(host, guest, *access);
    }
    for variable in &flags.env {
        set(grants, variable)?;
    }
    if let Some(file) = &flags.wishes {
        *grants = grants.within(&wishes(file)?);
    }
    Ok(policy)
}

/// The policy as far as it matters for compiling.
pub(crate) fn of_code(file: Option<&Path>, fuel: Option<Fuel>, wasm: &[u8]) -> Result<Policy> {
    base(file, fuel, &Grants::default(), wasm)
}

/// The policy file, or the defaults of this command: then the program `wasm` gets support for concurrency if it needs that, which
/// costs others too much to have it.
fn base(file: Option<&Path>, fuel: Option<Fuel>, streams: &Grants, wasm: &[u8]) -> Result<Policy> {
    let mut policy = match file {
        Some(path) => Policy::read_with_streams(path, streams)?,
        None => {
            let mut policy = Policy::default();
            policy.profile = settings();
            if needs_concurrency(wasm) {
                with_concurrency(&mut policy);
            }
            policy.limits = Limits::trusted();
            policy.static_limits = StaticLimits::trusted();
            policy.grants = streams.clone();
            policy
        }
    };
    if let Some(Fuel(fuel)) = fuel {
        policy.limits.fuel = fuel;
    }
    Ok(policy)
}

/// Lets programs use async functions, streams and futures, and with them WASI 0.3.
pub(crate) fn with_concurrency(policy: &mut Policy) {
    policy.profile.proposals.insert(Proposal::ComponentModelAsync);
}

/// Reads what a program asks for.
pub(crate) fn wishes(file: &Path) -> Result<Wishes> {
    let text =
        fs::read_to_string(file).with_context(|| format!("cannot read the wishes `{}`", file.display()))?;
    toml::from_str(&text).with_context(|| format!("the wishes `{}` are wrong", file.display()))
}

/// What is captured is kept in memory, for which there is a limit.
fn bound(output: &mut Output, limit: Bytes) {
    if let Output::Capture(size) = output {
        *size = limit.get().min(*size);
    }
}

fn set(grants: &mut Grants, variable: &Variable) -> Result<()> {
    let Variable { name, value } = variable;
    let value = match value {
        Some(value) => value.clone(),
        None => match env::var_os(name) {
            Some(value) => value
                .into_string()
                .ok()
                .with_context(|| format!("the variable `{name}` of --env is not Unicode; give it a value"))?,
            // As if it had not been asked for, so that a script need not know which variables are set.
            None => return Ok(()),
        },
    };
    grants.env.insert(name.clone(), value);
    Ok(())
}
