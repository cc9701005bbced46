//! Metrics as Prometheus reads them: any recorder of the `metrics` facade will do; this one writes text.

#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use anyhow::{Result, ensure};
use host_plugins::host_cache::{Cache, IntegrityOnly};
use host_plugins::{CallError, PluginHost, Policy};
use metrics_exporter_prometheus::{Matcher, PrometheusBuilder};

/// What must be there afterwards, by the beginnings of lines.
const SERIES: [&str; 16] = [
    "host_plugins_calls_total{plugin=\"greeter\",result=\"ok\"} 3",
    "host_plugins_calls_total{plugin=\"trap\",result=\"fault\"} 2",
    "host_plugins_calls_total{plugin=\"trap\",result=\"refused\"} 1",
    "host_plugins_faults_total{plugin=\"trap\",kind=\"trap\"} 2",
    "host_plugins_call_seconds_bucket{plugin=\"greeter\",le=\"+Inf\"} 3",
    "host_plugins_call_seconds_count{plugin=\"greeter\"} 3",
    "host_plugins_call_peak_memory_bytes_count{plugin=\"greeter\"} 3",
    "host_plugins_fuel_total{plugin=\"greeter\"} ",
    "host_plugins_loads_total{origin=\"compiled\"} 2",
    "host_plugins_cache_lookups{source=\"miss\"} 2",
    "host_plugins_pool_in_use{what=\"memories\"} 0",
    "host_plugins_breaker_state{plugin=\"greeter\"} 0",
    "host_plugins_breaker_state{plugin=\"trap\"} 2",
    "host_plugins_idle_instances{plugin=\"greeter\"} 0",
    "host_plugins_running_calls 0",
    "host_plugins_loaded 2",
];

#[tokio::main]
async fn main() -> Result<()> {
    // Before the host is made: a plugin looks its counters up when it is loaded. A histogram without buckets is a summary.
    let prometheus = PrometheusBuilder::new()
        .set_buckets_for_metric(Matcher::Suffix("_seconds".to_owned()), &[1e-4, 1e-3, 1e-2, 0.1, 1.0])?
        .install_recorder()?;

    // The profile with a pool, so that there is something to tell of it.
    let policy =
        "profile = \"throughput\"\nlimits.fuel = 50_000_000\nbreaker = { faults = 2, open = \"30s\" }";
    let directory = tempfile::tempdir()?;
    let cache = Cache::open(directory.path().join("cache"), IntegrityOnly)?;
    let host = PluginHost::new(Policy::from_toml(policy)?, Some(cache))?;
    for name in ["greeter", "trap"] {
        host.load_bytes(name, &fixtures::bytes(&format!("plugins/{name}")))?;
    }
    for _ in 0..3 {
        host.call_wave("greeter", "process(\"Ada\")").await?;
    }
    for _ in 0..2 {
        let stopped = host.call_wave("trap", "process(\"Ada\")").await;
        ensure!(matches!(stopped, Err(CallError::Fault(_))), "not stopped, but {stopped:?}");
    }
    let refused = host.call_wave("trap", "process(\"Ada\")").await;
    ensure!(matches!(refused, Err(CallError::Open { .. })), "not refused, but {refused:?}");

    // Gauges are set by a look at the host: do it for each request of Prometheus.
    host.snapshot();
    let text = prometheus.render();
    println!("{text}");
    for series in SERIES {
        ensure!(text.lines().any(|line| line.starts_with(series)), "`{series}` is missing");
    }
    Ok(())
}
