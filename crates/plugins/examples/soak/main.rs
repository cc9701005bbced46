//! Many plugins under load for a while: good and hostile ones, tenants, reloads and cancelled calls, all at one time.
//!
//! `cargo xtask soak --seconds 60` builds the guests and runs this. At the end every good call must have given the right answer,
//! every hostile one must have been stopped for its own reason, and everything that was taken must have been given back. The exit
//! status is 0 only then. Without arguments it takes five seconds.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "an example talks to the person who runs it")]

mod changes;
mod latencies;
mod plot;
mod plugins;
mod process;
mod random;
mod report;
mod work;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use host_plugins::host_cache::{Cache, IntegrityOnly};
use host_plugins::{PluginHost, Policy, Shutdown, WatchSettings};
use tokio::runtime::Builder;

use crate::plugins::PLUGINS;
use crate::process::Process;
use crate::random::Random;
use crate::report::Report;
use crate::work::Tally;

/// What every plugin may spend and touch at most, and how calls wait.
const POLICY: &str = r#"
    [limits]
    memory = "32MiB"
    table-elements = 10_000
    fuel = 200_000_000
    deadline = "20s"       # the time in the queue counts, and the machine is busy on purpose
    stack = "512KiB"
    output = "64KiB"

    [grants]
    stdout = { capture = 65536 }
    stderr = { capture = 65536 }

    [queue]
    concurrency = 16
    wait = "20s"

    [tenants.tenant-1]
    weight = 2

    [tenants.tenant-2.limits]
    calls = 2
"#;

/// Tasks that call without a pause.
pub(crate) const CALLERS: u64 = 24;
/// How much more memory may be resident at the end than after the first third: what the allocator keeps, and the pages of code
/// that the reloads have touched.
const MORE_MEMORY: u64 = 64 << 20;

fn main() -> Result<ExitCode> {
    let (seconds, seed) = arguments()?;
    println!("{} plugins, {CALLERS} callers, {seconds} s, seed {seed}", PLUGINS.len());
    once()?;
    let before = Process::now();
    let directory = tempfile::tempdir()?;
    let (report, ended, early) = soak(directory.path(), Duration::from_secs(seconds), seed)?;
    let bad_entries = verify(directory.path())?;
    let path = directory.path().to_owned();
    directory.close()?;
    let after = Process::settled(&before);

    report.print();
    let plot = plot_path();
    plot::draw(&report, &plot)?;
    println!("plot: {}", plot.display());

    let mut wrong = report.wrong();
    if ended.left > 0 {
        wrong.push(format!("{} calls did not end when the host was shut down", ended.left));
    }
    if bad_entries > 0 {
        wrong.push(format!("{bad_entries} entries of the cache are damaged"));
    }
    if path.exists() {
        wrong.push("the temporary directory is still there".to_owned());
    }
    wrong.extend(after.more_than(&before));
    println!("resident: {} MiB early, {} MiB at the end", early >> 20, after.resident >> 20);
    if after.resident > early + MORE_MEMORY {
        wrong.push(format!("{} MiB more are resident than early on", (after.resident - early) >> 20));
    }
    if wrong.is_empty() {
        println!("all as it should be");
        return Ok(ExitCode::SUCCESS);
    }
    for wrong in wrong {
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

/// Runs everything, and shuts it down. The last is what was resident after a third of the time.
fn soak(directory: &Path, length: Duration, seed: u64) -> Result<(Report, Shutdown, u64)> {
    let runtime = Builder::new_multi_thread().enable_all().build()?;
    let result = runtime.block_on(async {
        let folder = directory.join("plugins");
        plugins::write_all(&folder)?;
        let cache = Cache::open(directory.join("cache"), IntegrityOnly)?;
        let host = PluginHost::new(Policy::from_toml(POLICY)?, Some(cache))?;
        let loaded = tokio::task::block_in_place(|| host.watch(&folder, WatchSettings::default()))?;
        if !loaded.failed.is_empty() || loaded.plugins.len() != PLUGINS.len() {
            bail!("not loaded: {:?}", loaded.failed);
        }
        let tally = Arc::new(Tally::new(length));
        let begun = Instant::now();
        let mut tasks = tokio::task::JoinSet::new();
        for caller in 0..CALLERS {
            let random = Random::new(seed.wrapping_mul(1_000).wrapping_add(caller));
            let bundles = directory.join("bundles");
            tasks.spawn(work::call_until_the_end(host.clone(), Arc::clone(&tally), random, bundles));
        }
        tasks.spawn(work::cancel_until_the_end(host.clone(), Arc::clone(&tally), Random::new(seed ^ 1)));
        let (changed, end) = (host.clone(), Arc::clone(&tally));
        let changes = tokio::task::spawn_blocking(move || {
            changes::change_until_the_end(&changed, &folder, &end, Random::new(seed ^ 2))
        });
        let mut early = 0;
        while begun.elapsed() < length {
            tokio::time::sleep(Duration::from_secs(1).min(length)).await;
            if early == 0 && begun.elapsed() >= length / 3 {
                early = Process::now().resident;
            }
            eprint!("\r{:>4} of {} s, {} calls ", begun.elapsed().as_secs(), length.as_secs(), tally.calls());
        }
        eprintln!();
        tally.end();
        tasks.join_all().await;
        let changes = changes.await?;
        let ended = host.shutdown(Duration::from_secs(10)).await;
        anyhow::Ok((Report::new(&tally, changes, begun.elapsed()), ended, early))
    });
    runtime.shutdown_timeout(Duration::from_secs(10));
    result
}

/// How many entries of the cache are damaged.
fn verify(directory: &Path) -> Result<u64> {
    let cache = Cache::open(directory.join("cache"), IntegrityOnly)?;
    Ok(cache.verify()?.bad.total())
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
