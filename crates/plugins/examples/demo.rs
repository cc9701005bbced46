//! The main job: good and hostile plugins from one directory, under one policy, in one process.
//!
//! `cargo xtask demo` builds the guests and runs this. Every plugin is called twice, all of them at the same time: first
//! by a host that has to compile them, then by a fresh host that finds their code in the cache. The exit status is 0
//! only if every good plugin gave its answer and every hostile one was stopped for its own reason.

#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;

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
    let directory = fixtures::plugins();
    let cache = tempfile::tempdir()?;
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
            PluginHost::new(policy.clone(), Some(Cache::open(cache.path().join("code"), IntegrityOnly)?))?;
        let loaded = host.load_directory(&directory)?;
        ensure!(loaded.failed.is_empty(), "not loaded: {:?}", loaded.failed);
        for (ended, plugin) in call_all(Arc::new(host), loaded.plugins).await? {
            let (_, _, as_expected) = EXPECTED
                .iter()
                .find(|(name, ..)| *name == plugin.name)
                .with_context(|| format!("`{}` is not one of the demo's plugins", plugin.name))?;
            let good = as_expected(&ended) && plugin.loading.origin == origin;
            wrong += usize::from(!good);
            println!("{} {}", if good { " " } else { "!" }, ended.row(&plugin));
        }
    }
    if wrong == 0 {
        println!("\nall as it should be: the good plugins answered, the hostile ones were stopped");
        return Ok(ExitCode::SUCCESS);
    }
    println!("\n{wrong} not as it should be, marked with !");
    Ok(ExitCode::FAILURE)
}

/// Calls all plugins at the same time, and gives how each ended, in order.
async fn call_all(host: Arc<PluginHost>, plugins: Vec<PluginInfo>) -> Result<Vec<(Ended, PluginInfo)>> {
    let mut calls = JoinSet::new();
    for plugin in plugins {
        let host = Arc::clone(&host);
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
