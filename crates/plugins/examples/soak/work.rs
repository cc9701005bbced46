//! The calls: made without a pause, checked one by one, and now and then given up or cancelled.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use host_plugins::host_core::FaultKind;
use host_plugins::host_limits::Exceeded;
use host_plugins::{CallError, Caller, CrashBundles, PluginHost};
use wasmtime::component::Val;

use crate::latencies::Latencies;
use crate::plugins::{Kind, PLUGINS, Plugin};
use crate::random::Random;

/// What became of all calls.
pub(crate) struct Tally {
    begun: Instant,
    ended: AtomicBool,
    calls: AtomicU64,
    pub(crate) counts: Mutex<Counts>,
    pub(crate) seconds: Mutex<Vec<Latencies>>,
}

#[derive(Default)]
pub(crate) struct Counts {
    pub(crate) fresh: Latencies,
    pub(crate) warm: Latencies,
    /// What became of calls, by a word for it.
    pub(crate) ends: BTreeMap<String, u64>,
    /// What must not have happened.
    pub(crate) wrong: Vec<String>,
}

/// How a call ended.
enum End {
    Good,
    /// In a way that is allowed.
    Allowed(&'static str),
    Stopped(String),
    Wrong(String),
}

impl Tally {
    pub(crate) fn new(length: Duration) -> Tally {
        let seconds = vec![Latencies::default(); length.as_secs() as usize + 1];
        Tally {
            begun: Instant::now(),
            ended: AtomicBool::new(false),
            calls: AtomicU64::new(0),
            counts: Mutex::default(),
            seconds: Mutex::new(seconds),
        }
    }

    pub(crate) fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    pub(crate) fn end(&self) {
        self.ended.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_over(&self) -> bool {
        self.ended.load(Ordering::Relaxed)
    }

    fn add(&self, plugin: &Plugin, end: End, time: Duration) {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let mut counts = self.counts.lock().unwrap();
        let word = match end {
            End::Good => {
                if plugin.is_warm() { &mut counts.warm } else { &mut counts.fresh }.add(time);
                let second = self.begun.elapsed().as_secs() as usize;
                if let Some(second) = self.seconds.lock().unwrap().get_mut(second) {
                    second.add(time);
                }
                "good".to_owned()
            }
            End::Allowed(word) => word.to_owned(),
            End::Stopped(why) => format!("{}: {why}", plugin.name),
            End::Wrong(what) => {
                if counts.wrong.len() < 20 {
                    counts.wrong.push(format!("{}: {what}", plugin.name));
                }
                "wrong".to_owned()
            }
        };
        *counts.ends.entry(word).or_default() += 1;
    }
}

/// Calls one plugin after the other, each for one of the tenants.
pub(crate) async fn call_until_the_end(
    host: PluginHost,
    tally: Arc<Tally>,
    mut random: Random,
    bundles: PathBuf,
) {
    let tenants: Vec<Caller> = (0..8)
        .map(|tenant| host.tenant(&format!("tenant-{tenant}")).expect("the name is one that can be told"))
        .collect();
    let bundling = tenants[0].clone().crash_bundles(CrashBundles::new(bundles).most(8));
    let (hostile, good): (Vec<_>, Vec<_>) = PLUGINS.iter().partition(|plugin| plugin.is_hostile());
    while !tally.is_over() {
        let kind = if random.one_in(8) { &hostile } else { &good };
        let plugin = *random.of(kind);
        let caller = if plugin.is_hostile() && random.one_in(50) { &bundling } else { random.of(&tenants) };
        let word = format!("Ada {}", random.below(1_000));
        let begun = Instant::now();
        let call = call(caller, plugin, &word);
        let end = if random.one_in(100) {
            // Given up in the middle, wherever that is.
            let patience = Duration::from_micros(random.below(2_000));
            tokio::time::timeout(patience, call).await.unwrap_or(End::Allowed("given up"))
        } else {
            call.await
        };
        tally.add(plugin, end, begun.elapsed());
    }
}

/// Cancels a call that is under way, now and then.
pub(crate) async fn cancel_until_the_end(host: PluginHost, tally: Arc<Tally>, mut random: Random) {
    while !tally.is_over() {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let underway = host.snapshot().underway;
        if !underway.is_empty() {
            host.cancel(random.of(&underway).id);
        }
    }
}

async fn call(caller: &Caller, plugin: &Plugin, word: &str) -> End {
    let process = async |answer: String| {
        let arguments = [Val::String(word.to_owned())];
        match caller.call(plugin.name, "process", &arguments).await {
            Ok(reply) => {
                let right = [Val::Result(Ok(Some(Box::new(Val::String(answer)))))];
                if reply.value == right { End::Good } else { End::Wrong(format!("gave {:?}", reply.value)) }
            }
            Err(error) => End::of(plugin, &error),
        }
    };
    match plugin.kind {
        Kind::Greeter => process(format!("Hello, {word}!")).await,
        Kind::Shout => process(word.to_uppercase()).await,
        Kind::Hostile(..) => match process(String::new()).await {
            End::Good => End::Wrong("answered".to_owned()),
            end => end,
        },
        Kind::Echo => match caller.call_bytes(plugin.name, "echo", word.as_bytes()).await {
            Ok(reply) if reply.value == word.as_bytes() => End::Good,
            Ok(reply) => End::Wrong(format!("gave {:?}", reply.value)),
            Err(error) => End::of(plugin, &error),
        },
    }
}

impl End {
    fn of(plugin: &Plugin, error: &CallError) -> End {
        let kind = error.fault().map(|fault| fault.kind());
        match (error, kind, plugin.kind) {
            (_, Some(FaultKind::Budget(Exceeded::Cancelled)), _) => End::Allowed("cancelled"),
            (CallError::Busy(_), ..) => End::Allowed("busy"),
            (CallError::Open { .. }, _, Kind::Hostile(..)) => End::Allowed("breaker open"),
            (_, Some(kind), Kind::Hostile(_, ends)) if ends(kind) => End::Stopped(reason(kind)),
            _ => End::Wrong(error.to_string()),
        }
    }
}

/// A fault without the numbers in it.
fn reason(kind: &FaultKind) -> String {
    match kind {
        FaultKind::Budget(exceeded) => {
            let text = format!("{exceeded:?}");
            text.split([' ', '{']).next().unwrap_or_default().to_lowercase()
        }
        other => other.to_string(),
    }
}
