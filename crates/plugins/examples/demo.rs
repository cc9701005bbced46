//! The main job: good and hostile plugins from one directory of manifests, under one policy, in one process.
//!
//! `cargo xtask demo` builds the guests and runs this. Every plugin is called twice, all of them at the same time: first
//! by a host that has to compile them, then by a fresh host that finds their code in the cache. At last one of them gets
//! a new version while it is called, and a broken one that is refused. The exit status is 0 only if every good plugin gave its answer,
//! every hostile one was stopped for its own reason, and no call noticed the new version.

#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use std::fs;
use std::io::{IsTerminal, Write, stdout};
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use host_plugins::host_cache::{Cache, IntegrityOnly};
use host_plugins::host_core::FaultKind;
use host_plugins::host_limits::{Exceeded, Usage};
use host_plugins::{CallError, Origin, PluginHost, PluginInfo, Policy};
use tokio::task::JoinSet;
use wasmtime::Trap;
use wasmtime::component::Val;

/// A plugin of the demo, what it does, and how its call must end.
type Expected = (&'static str, &'static str, fn(&Ended) -> bool);

const EXPECTED: [Expected; 12] = [
    ("greeter", "says hello", |it| it.gave("Hello, Ada!")),
    ("shout", "says it loudly", |it| it.gave("ADA")),
    ("deep-recursion", "calls itself for ever", |it| it.ran_out(|why| matches!(why, Exceeded::Stack { .. }))),
    ("endless-loop", "never returns", |it| it.ran_out(out_of_time)),
    ("endless-start", "never even starts", |it| it.ran_out(out_of_time)),
    ("memory-bomb", "takes all memory", |it| it.ran_out(|why| matches!(why, Exceeded::Memory { .. }))),
    ("out-of-bounds", "reads past its memory", |it| it.trapped(Trap::MemoryOutOfBounds)),
    ("output-flood", "prints for ever", |it| it.ran_out(|why| matches!(why, Exceeded::Output { .. }))),
    ("panics", "panics", |it| it.trapped(Trap::UnreachableCodeReached)),
    ("sleeper", "sleeps for an hour", |it| it.ran_out(|why| matches!(why, Exceeded::Deadline { .. }))),
    ("table-bomb", "takes all table", |it| it.ran_out(|why| matches!(why, Exceeded::TableElements { .. }))),
    ("trap", "traps at once", |it| it.trapped(Trap::UnreachableCodeReached)),
];

/// A loop burns its fuel or its time, whichever is less on the machine at hand.
fn out_of_time(why: &Exceeded) -> bool {
    matches!(why, Exceeded::Fuel { .. } | Exceeded::Deadline { .. })
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let policy = Policy::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/demo-policy.toml"))?;
    let scratch = tempfile::tempdir()?;
    let directory = scratch.path().join("plugins");
    write_plugins(&directory)?;
    println!("{} plugins, each called with \"Ada\" under the same policy:", EXPECTED.len());
    println!(
        "{} of memory, {} of fuel, {:?}; no files, no network",
        policy.limits.memory,
        policy.limits.fuel.context("the demo's policy meters fuel")?,
        policy.limits.deadline,
    );

    let mut wrong = 0;
    for (round, origin) in [("first start", Origin::Compiled), ("second start", Origin::Cached)] {
        println!("\n{round}");
        println!("  plugin           version  code      load       time        fuel   memory  result");
        let host =
            PluginHost::new(policy.clone(), Some(Cache::open(scratch.path().join("code"), IntegrityOnly)?))?;
        let loaded = host.load_directory_with(&directory, |step| show_progress(step.done, step.of))?;
        ensure!(loaded.failed.is_empty(), "not loaded: {:?}", loaded.failed);
        for (ended, plugin) in call_all(host, loaded.plugins).await? {
            let (_, _, as_expected) = EXPECTED
                .iter()
                .find(|(name, ..)| *name == plugin.name)
                .with_context(|| format!("`{}` is not one of the demo's plugins", plugin.name))?;
            let good = as_expected(&ended) && plugin.loading.origin == origin;
            wrong += usize::from(!good);
            println!("{} {}", if good { " " } else { "!" }, ended.row(&plugin));
        }
    }
    wrong += usize::from(!reload(&policy, &directory).await?);
    if wrong == 0 {
        println!("\nall as it should be: the good plugins answered, the hostile ones were stopped");
        return Ok(ExitCode::SUCCESS);
    }
    println!("\n{wrong} not as it should be, marked with !");
    Ok(ExitCode::FAILURE)
}

/// Puts the plugins into `directory`, each with a manifest beside it.
fn write_plugins(directory: &Path) -> Result<()> {
    fs::create_dir(directory)?;
    for (name, does, _) in EXPECTED {
        fs::copy(fixtures::path(&format!("plugins/{name}")), directory.join(format!("{name}.wasm")))?;
        let manifest = format!(
            "# {does}\nname = \"{name}\"\nsource = \"{name}.wasm\"\n\n[grants]\nstdout = {{ capture = 65536 }}\nstderr = {{ capture = 65536 }}\n"
        );
        fs::write(directory.join(format!("{name}.toml")), manifest)?;
    }
    Ok(())
}

/// Counts on one line, where somebody looks.
fn show_progress(done: usize, of: usize) {
    if stdout().is_terminal() {
        print!("\r  loading {done}/{of}{}", if done == of { "\r                 \r" } else { "" });
        let _ = stdout().flush();
    }
}

/// Gives `greeter` a new version and then a broken one, while it is called all the time. Whether all went as it should.
async fn reload(policy: &Policy, directory: &Path) -> Result<bool> {
    println!("\nhot reload, while it is called");
    let host = PluginHost::new(policy.clone(), None)?;
    let before = host.load_manifest(directory.join("greeter.toml"))?.version;
    let newest = Arc::new(AtomicU64::new(0));
    let calling = tokio::spawn(call_until_unloaded(host.clone(), Arc::clone(&newest)));
    until(|| newest.load(Ordering::Relaxed) == before).await?;

    fs::copy(fixtures::path("plugins/shout"), directory.join("greeter.wasm"))?;
    let reloaded = host.clone();
    let after = tokio::task::spawn_blocking(move || reloaded.reload("greeter")).await??.version;
    until(|| newest.load(Ordering::Relaxed) == after).await?;

    fs::write(directory.join("greeter.wasm"), "not a plugin")?;
    let refused = host.reload("greeter").err();
    let stays = host.get("greeter").map(|plugin| plugin.version);
    host.unload("greeter");
    let (good, bad) = calling.await?;
    let as_expected = (before, after, stays) == (1, 2, Some(2)) && refused.is_some() && bad == 0;
    println!("{} greeter  version {before} → {after}", if as_expected { " " } else { "!" });
    println!("    {good} calls answered meanwhile, {bad} not");
    match refused {
        Some(error) => println!("    a broken version is refused: {error}"),
        None => println!("    a broken version was taken"),
    }
    Ok(as_expected)
}

/// Calls `greeter` until it is unloaded. Gives how many calls had the right answer of their version, and how many not.
async fn call_until_unloaded(host: PluginHost, newest: Arc<AtomicU64>) -> (u64, u64) {
    let (mut good, mut bad) = (0, 0);
    loop {
        match host.call_json("greeter", "process", &serde_json::json!(["Ada"])).await {
            Err(CallError::UnknownPlugin { .. }) => return (good, bad),
            Ok(reply) if reply.value["ok"] == ["Hello, Ada!", "ADA"][(reply.call.version == 2) as usize] => {
                newest.store(reply.call.version, Ordering::Relaxed);
                good += 1;
            }
            _ => bad += 1,
        }
    }
}

/// Waits until something is so, but not for ever.
async fn until(is_so: impl Fn() -> bool) -> Result<()> {
    let end = Instant::now() + Duration::from_secs(60);
    while !is_so() {
        ensure!(Instant::now() < end, "no call was answered as it should be within a minute");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(())
}

/// Calls all plugins at the same time, and gives how each ended, in order.
async fn call_all(host: PluginHost, plugins: Vec<PluginInfo>) -> Result<Vec<(Ended, PluginInfo)>> {
    let mut calls = JoinSet::new();
    for plugin in plugins {
        let host = host.clone();
        calls.spawn(async move { (Ended::of(&host, &plugin.name).await, plugin) });
    }
    let mut ended = calls.join_all().await;
    ensure!(ended.len() == EXPECTED.len(), "there are {} plugins, not {}", ended.len(), EXPECTED.len());
    let place = |name: &str| EXPECTED.iter().position(|(expected, ..)| *expected == name);
    ended.sort_by_key(|(_, plugin)| place(&plugin.name));
    Ok(ended)
}

/// How the call of a plugin ended.
struct Ended {
    version: Option<String>,
    result: Result<String, CallError>,
    usage: Usage,
}

impl Ended {
    async fn of(host: &PluginHost, name: &str) -> Ended {
        let version = host.call(name, "get-version", &[]).await.ok().and_then(|it| text(&it.value));
        let result = host.call(name, "process", &[Val::String("Ada".into())]).await;
        let usage = match &result {
            Ok(outcome) => outcome.usage.clone(),
            Err(error) => error.fault().map(|fault| fault.usage().clone()).unwrap_or_default(),
        };
        let result =
            result.map(|outcome| text(&outcome.value).unwrap_or_else(|| format!("{:?}", outcome.value)));
        Ended { version, result, usage }
    }

    fn gave(&self, answer: &str) -> bool {
        self.result.as_ref().is_ok_and(|result| result == answer)
    }

    fn trapped(&self, trap: Trap) -> bool {
        self.kind() == Some(&FaultKind::Trap(trap))
    }

    fn ran_out(&self, of: fn(&Exceeded) -> bool) -> bool {
        matches!(self.kind(), Some(FaultKind::Budget(exceeded)) if of(exceeded))
    }

    fn kind(&self) -> Option<&FaultKind> {
        Some(self.result.as_ref().err()?.fault()?.kind())
    }

    fn row(&self, plugin: &PluginInfo) -> String {
        let (name, loading, usage) = (&plugin.name, &plugin.loading, &self.usage);
        let result = match &self.result {
            Ok(result) => format!("ok: {result}"),
            Err(error) => format!("stopped: {error}"),
        };
        format!(
            "{name:<16} {:<8} {:<8} {:>6.1}ms {:>8.1}ms {:>11} {:>8}  {result}",
            self.version.as_deref().unwrap_or("-"),
            loading.origin,
            loading.elapsed.as_secs_f64() * 1e3,
            usage.elapsed.as_secs_f64() * 1e3,
            usage.fuel.map_or("-".to_owned(), |fuel| fuel.to_string()),
            usage.peak_memory,
        )
    }
}

/// The text in what an export of the demo's world gives: a string, or the string in a result.
fn text(values: &[Val]) -> Option<String> {
    match values {
        [Val::String(text)] => Some(text.clone()),
        [Val::Result(Ok(Some(value)))] => text(std::slice::from_ref(value)),
        _ => None,
    }
}
