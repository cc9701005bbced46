//! The calls: made without a pause, checked one by one, and now and then given up or cancelled.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use host_plugins::host_core::FaultKind;
use host_plugins::host_limits::Exceeded;
use host_plugins::{BusyReason, CallError, CallInfo, Caller, Captured, CrashBundles, PluginHost};
use wasmtime::component::Val;

use crate::plugins::{Kind, PLUGINS, Plugin};
use crate::random::Random;
use crate::tally::{End, Tally};

/// For whom calls are made. The policy gives the first ones more, or less, than the others.
pub(crate) const TENANTS: [&str; 8] =
    ["0-bundles", "1-heavy", "2-two-calls", "3-few-stores", "4-again", "5", "6", "7"];

/// Calls one plugin after the other, each for one of the tenants.
pub(crate) async fn call_until_the_end(
    host: PluginHost,
    tally: Arc<Tally>,
    mut random: Random,
    bundles: PathBuf,
) {
    let caller = |name: &str| host.tenant(name).expect("the name is one that can be told");
    let mut tenants = TENANTS.map(caller);
    tenants[4] = tenants[4].clone().attempts(2);
    let bundling = tenants[0].clone().crash_bundles(CrashBundles::new(bundles).most(BUNDLES));
    let (hostile, good): (Vec<_>, Vec<_>) = PLUGINS.iter().partition(|plugin| plugin.is_hostile());
    while !tally.is_over() {
        let kind = if random.one_in(8) { &hostile } else { &good };
        let plugin = *random.of(kind);
        let caller = if plugin.is_hostile() && random.one_in(10) { &bundling } else { random.of(&tenants) };
        let word = format!("Ada {}", random.below(1_000));
        // Given up in the middle, wherever that is: most good calls are short, and wait for their place longer.
        let longest = if plugin.is_hostile() { 60_000 } else { 4_000 };
        let patience = random
            .one_in(if plugin.is_hostile() { 4 } else { 20 })
            .then(|| Duration::from_micros(random.below(longest)));
        let begun = Instant::now();
        let call = call(caller, plugin, &word);
        let end = match patience {
            Some(patience) => tokio::time::timeout(patience, call)
                .await
                .unwrap_or(End::Allowed("given up by their callers")),
            None => call.await,
        };
        let end = match end {
            // The host is shut down while calls are under way.
            End::Wrong(_) if tally.is_over() && host.snapshot().shutting_down => {
                End::Allowed("refused at the end")
            }
            end => end,
        };
        tally.add(plugin, end, begun.elapsed());
    }
}

/// How many crash bundles are kept.
pub(crate) const BUNDLES: usize = 8;

/// Cancels a tenant's call that is under way, now and then. Those of nobody are health checks, and a version whose check is
/// cancelled is refused.
pub(crate) async fn cancel_until_the_end(host: PluginHost, tally: Arc<Tally>, mut random: Random) {
    while !tally.is_over() {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let mut underway = host.snapshot().underway;
        underway.retain(|call| call.tenant.is_some());
        if !underway.is_empty() && host.cancel(random.of(&underway).id) {
            tally.cancelled.fetch_add(1, Ordering::Relaxed);
        }
    }
}

async fn call(caller: &Caller, plugin: &Plugin, word: &str) -> End {
    let text = |text: String| Some(Box::new(Val::String(text)));
    match plugin.kind {
        Kind::Greeter => {
            process(caller, plugin, word, Ok(text(format!("Hello, {word}!"))), &[format!("greeting {word}")])
                .await
        }
        Kind::Shout => {
            process(
                caller,
                plugin,
                word,
                Ok(text(word.to_uppercase())),
                &[format!("shouting {} bytes", word.len())],
            )
            .await
        }
        Kind::Tally => {
            let no_bucket = Val::Variant("other".to_owned(), text("no-such-bucket".to_owned()));
            let logged = format!("info: counting {word}");
            process(caller, plugin, word, Err(Some(Box::new(no_bucket))), &[logged]).await
        }
        Kind::Hostile(..) => match process(caller, plugin, word, Ok(None), &[]).await {
            End::Good => End::Wrong("answered".to_owned()),
            end => end,
        },
        Kind::Echo => {
            let input = format!("{} {word}", caller.tenant().unwrap_or_default()).into_bytes();
            match caller.call_bytes(plugin.name, "echo", &input).await {
                Ok(reply) if reply.value == input => {
                    End::good(caller, plugin, &reply.call, &reply.captured, &[])
                }
                Ok(reply) => End::Wrong(format!("gave {:?}", reply.value)),
                Err(error) => End::of(plugin, &error),
            }
        }
    }
}

/// Calls `process` of a component, which must give `right`, and have logged just that.
async fn process(
    caller: &Caller,
    plugin: &Plugin,
    word: &str,
    right: Result<Option<Box<Val>>, Option<Box<Val>>>,
    logged: &[String],
) -> End {
    let export = if let Kind::Tally = plugin.kind { "plugin-api#process" } else { "process" };
    match caller.call(plugin.name, export, &[Val::String(word.to_owned())]).await {
        Ok(reply) if reply.value == [Val::Result(right)] => {
            End::good(caller, plugin, &reply.call, &reply.captured, logged)
        }
        Ok(reply) => End::Wrong(format!("gave {:?}", reply.value)),
        Err(error) => End::of(plugin, &error),
    }
}

impl End {
    /// The answer is right; so must be what is told of the call.
    fn good(
        caller: &Caller,
        plugin: &Plugin,
        call: &CallInfo,
        captured: &Captured,
        logged: &[String],
    ) -> End {
        if *call.plugin != *plugin.name || call.tenant.as_deref() != caller.tenant() {
            return End::Wrong(format!("is told to be {call:?}"));
        }
        if captured.log != logged {
            return End::Wrong(format!("has logged {:?}", captured.log));
        }
        End::Good
    }

    fn of(plugin: &Plugin, error: &CallError) -> End {
        let kind = error.fault().map(|fault| fault.kind());
        match (error, kind, plugin.kind) {
            (_, Some(FaultKind::Budget(Exceeded::Cancelled)), _) => End::Allowed("cancelled"),
            (CallError::Busy(busy), ..) if busy.why == BusyReason::Waited => End::Allowed("busy: no place"),
            (CallError::Busy(busy), ..) if busy.why == BusyReason::Pool => End::Allowed("busy: the pool"),
            (CallError::Busy(busy), ..) if busy.why == BusyReason::Stores => End::Allowed("busy: stores"),
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
