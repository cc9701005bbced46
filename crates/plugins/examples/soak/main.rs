//! Many plugins under load for a while: good and hostile ones, tenants, reloads and cancelled calls, all at one time.
//!
//! `cargo xtask soak --seconds 60` builds the guests and runs this. At the end every good call must have given the right answer,
//! every hostile one must have been stopped for its own reason, and everything that was taken must have been given back. The exit
//! status is 0 only then. Without arguments it takes five seconds.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to the person who runs it")]

mod changes;
mod latencies;
mod listener;
mod plot;
mod plugins;
mod process;
mod random;
mod report;
mod tally;
mod work;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use host_plugins::host_cache::{Cache, IntegrityOnly};
use host_plugins::{CrashBundle, PluginHost, Policy, WatchSettings};
use tokio::runtime::Builder;
use tokio::task::{JoinSet, block_in_place, spawn_blocking};

use crate::changes::Changer;
use crate::listener::Listener;
use crate::plugins::PLUGINS;
use crate::process::Process;
use crate::random::Random;
use crate::report::Report;
use crate::tally::Tally;

/// What every plugin may spend and touch at most, and how calls wait.
const POLICY: &str = r#"
    # Fewer places than there are plugins and tenants that would keep an instance warm.
    profile = { allocation = { pool = { guests = 24 } } }

    [limits]
    memory = "32MiB"
    table-elements = 10_000
    fuel = 10_000_000_000
    deadline = "20s"       # the time in the queue counts, and the machine is busy on purpose
    stack = "512KiB"
    output = "64KiB"

    [grants]
    stdout = { capture = 65536 }
    stderr = { capture = 65536 }

    [queue]
    concurrency = 16
    wait = "20s"

    [tenants.1-heavy]
    weight = 3

    [tenants.2-two-calls.limits]
    calls = 2

    [tenants.3-few-stores.limits]
    stores = 3
"#;

/// Tasks that call without a pause.
pub(crate) const CALLERS: u64 = 24;
/// How much more memory may be resident at the end than before the host was made, but after another one that had loaded a plugin:
/// what the allocator keeps for later, of a peak that is several times as high, and the results of the soak itself.
const MORE_MEMORY: u64 = 64 << 20;
/// How long calls have to finish that are under way when the host is shut down.
const DRAIN: Duration = Duration::from_secs(5);

fn main() -> Result<ExitCode> {
    let (seconds, seed) = arguments()?;
    println!("{} plugins, {CALLERS} callers, {seconds} s, seed {seed}", PLUGINS.len());
    once()?;
    let before = Process::at_rest();
    let directory = tempfile::tempdir()?;
    let mut report = soak(directory.path(), Duration::from_secs(seconds), seed)?;
    report.look_at_cache(&Cache::open(directory.path().join("cache"), IntegrityOnly)?.verify()?);
    report.wrong.extend(look_at_bundles(&directory.path().join("bundles"), seconds)?);
    directory.close()?;
    let after = Process::settled(&before);

    report.look_at_process(&before, &after);
    report.print();
    let plot = plot_path();
    plot::draw(&report.counts.seconds, &plot)?;
    println!("plot: target/soak/soak.svg");
    if report.wrong.is_empty() {
        println!("all as it should be");
        return Ok(ExitCode::SUCCESS);
    }
    for wrong in &report.wrong {
        println!("wrong: {wrong}");
    }
    Ok(ExitCode::FAILURE)
}

/// What a process keeps from the first time on that something compiles, or waits: the code generator's threads, and a pair of
/// sockets of tokio's. There are no more of them later.
fn once() -> Result<()> {
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let host = PluginHost::new(Policy::from_toml(POLICY)?, None)?;
    host.load_bytes("greeter", &fixtures::bytes("plugins/greeter"))?;
    runtime.block_on(host.shutdown(Duration::ZERO));
    runtime.shutdown_timeout(Duration::from_secs(10));
    Ok(())
}

/// Runs everything, and shuts it down while calls are under way.
fn soak(directory: &Path, length: Duration, seed: u64) -> Result<Report> {
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(soak_on(directory, length, seed));
    runtime.shutdown_timeout(Duration::from_secs(10));
    result
}

async fn soak_on(directory: &Path, length: Duration, seed: u64) -> Result<Report> {
    let folder = directory.join("plugins");
    plugins::write_all(&folder)?;
    let cache = Cache::open(directory.join("cache"), IntegrityOnly)?;
    let host = PluginHost::new(Policy::from_toml(POLICY)?, Some(cache))?;
    let loaded = block_in_place(|| host.watch(&folder, WatchSettings::default()))?;
    if !loaded.failed.is_empty() || loaded.plugins.len() != PLUGINS.len() {
        bail!("not loaded: {:?}", loaded.failed);
    }
    let listener = Listener::default();
    let listening = tokio::spawn(listener.clone().listen(host.events()));
    let (tally, begun) = (Arc::new(Tally::new()), Instant::now());
    let mut tasks = JoinSet::new();
    for caller in 0..CALLERS {
        let random = Random::new(seed.wrapping_mul(1_000).wrapping_add(caller));
        let bundles = directory.join("bundles");
        tasks.spawn(work::call_until_the_end(host.clone(), Arc::clone(&tally), random, bundles));
    }
    tasks.spawn(work::cancel_until_the_end(host.clone(), Arc::clone(&tally), Random::new(seed ^ 1)));
    let changing = spawn_blocking({
        let (host, listener) = (host.clone(), listener.clone());
        move || {
            let changer =
                Changer { host: &host, folder: &folder, listener: &listener, random: Random::new(seed ^ 2) };
            changer.change_until(begun + length)
        }
    });
    let mut peak = 0;
    while !changing.is_finished() {
        tokio::time::sleep(Duration::from_secs(1).min(length)).await;
        peak = Process::now().resident.max(peak);
        eprint!("\r{:>4} of {} s, {} calls ", begun.elapsed().as_secs(), length.as_secs(), tally.calls());
    }
    eprintln!();
    let (changes, time, last) = (changing.await?, begun.elapsed(), host.snapshot());
    tally.end();
    let shutdown = host.shutdown(DRAIN).await;
    tasks.join_all().await;
    let left = host.snapshot();
    // The last clone: what listens is told so.
    drop(host);
    listening.await?;
    let mut report = Report::new(&tally, changes, listener.counts(), time, peak);
    report.look_at_host(&last, shutdown, &left);
    Ok(report)
}

/// What is wrong with the crash bundles that were written, of which only the last ones are kept.
fn look_at_bundles(directory: &Path, seconds: u64) -> Result<Vec<String>> {
    let mut wrong = Vec::new();
    let mut bundles = 0;
    for entry in fs::read_dir(directory).into_iter().flatten() {
        let path = entry?.path();
        bundles += 1;
        match CrashBundle::read(&path) {
            Ok(bundle) if bundle.missing.is_empty() => {}
            Ok(bundle) => wrong.push(format!("a crash bundle lacks {:?}", bundle.missing)),
            Err(error) => wrong.push(format!("a crash bundle cannot be read: {error}")),
        }
    }
    if bundles > work::BUNDLES || (bundles == 0 && seconds > 3) {
        wrong.push(format!("there are {bundles} crash bundles, and {} are kept", work::BUNDLES));
    }
    Ok(wrong)
}

fn arguments() -> Result<(u64, u64)> {
    let (mut seconds, mut seed) = (5, 1);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let value = arguments.next().with_context(|| format!("`{argument}` takes a number"))?;
        let number = value.parse().with_context(|| format!("`{value}` is no whole number"))?;
        match argument.as_str() {
            "--seconds" => seconds = number,
            "--seed" => seed = number,
            _ => bail!("what is `{argument}`? There are --seconds N and --seed N"),
        }
    }
    if seconds == 0 {
        bail!("--seconds takes 1 and more");
    }
    Ok((seconds, seed))
}

/// Beside what cargo builds.
fn plot_path() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/soak/soak.svg")
}
