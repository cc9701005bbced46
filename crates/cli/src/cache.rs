//! `wasm-host cache`: what is in the cache of compiled code, and looking after it.

use std::path::Path;

use anyhow::{Context, Result};
use host_plugins::host_cache::{Cache, Misses};
use host_plugins::host_limits::Bytes;
use host_plugins::{Policy, Runtime};
use serde_json::{Value, json};

use crate::flags::{CacheCommand, CacheFlags, PrewarmFlags, ToolFlags};
use crate::output::{print, printable, printable_json, size, tell, time};
use crate::{load, policy};

/// Does what is asked for, and prints what came of it.
pub(crate) fn cache(command: &CacheCommand) -> Result<i32> {
    match command {
        CacheCommand::Stats(flags) => stats(flags),
        CacheCommand::Verify(flags) => verify(flags),
        CacheCommand::Gc(flags) => gc(flags),
        CacheCommand::Clear(flags) => clear(flags),
        CacheCommand::Prewarm(flags) => prewarm(flags),
    }
}

fn open(flags: &ToolFlags) -> Result<Cache> {
    let flags = CacheFlags { cache_dir: flags.cache_dir.clone(), no_cache: false };
    load::cache(&flags)?.context("there is no cache; name its directory with --cache-dir")
}

fn stats(flags: &ToolFlags) -> Result<i32> {
    let cache = open(flags)?;
    let usage = cache.disk_usage().context("cannot read the cache")?;
    let root = cache.root().display().to_string();
    let mut text = format!(
        "directory    {}\nentries      {}\nsize         {}\nquarantined  {}\n",
        printable(&root),
        usage.entries,
        size(Bytes::new(usage.bytes)),
        usage.quarantined
    );
    if usage.bytes_of_others > 0 {
        let others = size(Bytes::new(usage.bytes_of_others));
        text.push_str(&format!("and          {others} of other host keys and versions\n"));
    }
    let mut report = serde_json::to_value(usage)?;
    report["directory"] = root.into();
    show(flags, report, &text)?;
    Ok(0)
}

fn verify(flags: &ToolFlags) -> Result<i32> {
    let report = open(flags)?.verify().context("cannot read the cache")?;
    let bad = report.bad.total();
    let mut text = format!("good  {} ({})\nbad   {bad}\n", report.good, size(Bytes::new(report.bytes)));
    for (reason, count) in reasons(&report.bad)? {
        text.push_str(&format!("      {count} {reason}\n"));
    }
    if bad > 0 {
        text.push_str("bad entries are in quarantine, and will be compiled anew\n");
    }
    show(flags, serde_json::to_value(report)?, &text)?;
    Ok(i32::from(bad > 0))
}

/// The reasons that occurred, as they are written in JSON.
fn reasons(bad: &Misses) -> Result<Vec<(String, u64)>> {
    let Value::Object(counts) = serde_json::to_value(bad)? else { return Ok(Vec::new()) };
    let counts =
        counts.into_iter().filter_map(|(reason, count)| Some((reason.replace('_', " "), count.as_u64()?)));
    Ok(counts.filter(|(_, count)| *count > 0).collect())
}

fn gc(flags: &ToolFlags) -> Result<i32> {
    let report = open(flags)?.gc().context("cannot clean the cache")?;
    let text = if report.skipped {
        "another process is at it; nothing was done\n".to_owned()
    } else {
        format!(
            "kept     {} ({})\nremoved  {} ({})\nleft by killed processes or unused keys, and removed  {}\n",
            report.entries,
            size(Bytes::new(report.bytes)),
            report.removed,
            size(Bytes::new(report.bytes_removed)),
            report.left_overs_removed
        )
    };
    show(flags, serde_json::to_value(report)?, &text)?;
    Ok(0)
}

fn clear(flags: &ToolFlags) -> Result<i32> {
    let removed = open(flags)?.clear().context("cannot clear the cache")?;
    show(flags, json!({ "removed": removed }), &format!("removed  {removed}\n"))?;
    Ok(0)
}

fn prewarm(flags: &PrewarmFlags) -> Result<i32> {
    let mut runtimes = Runtimes::new(flags)?;
    let (mut rows, mut failed) = (Vec::new(), 0);
    for (number, file) in flags.files.iter().enumerate() {
        let name = file.display().to_string();
        let row = match runtimes.compile(file) {
            Ok((origin, elapsed)) => {
                tell(&format!(
                    "wasm-host: {}/{} {}: {origin}, {elapsed}",
                    number + 1,
                    flags.files.len(),
                    printable(&name)
                ));
                json!({ "file": name, "origin": origin })
            }
            Err(error) => {
                failed += 1;
                tell(&format!("wasm-host: {}/{} {error:#}", number + 1, flags.files.len()));
                json!({ "file": name, "error": format!("{error:#}") })
            }
        };
        rows.push(row);
    }
    let text = format!("ready   {}\nfailed  {failed}\n", flags.files.len() - failed);
    show(&flags.tool, Value::Array(rows), &text)?;
    Ok(i32::from(failed > 0))
}

/// The engines that the programs will run on, which are two: that of a program that needs concurrency is another.
struct Runtimes<'a> {
    flags: &'a PrewarmFlags,
    policy: Policy,
    plain: Runtime,
    other: Option<Runtime>,
}

impl<'a> Runtimes<'a> {
    fn new(flags: &'a PrewarmFlags) -> Result<Runtimes<'a>> {
        let policy = policy::of_code(flags.policy.as_deref(), flags.fuel, &[])?;
        let plain = load::runtime(&policy, Some(open(&flags.tool)?))?;
        Ok(Runtimes { flags, policy, plain, other: None })
    }

    fn compile(&mut self, file: &Path) -> Result<(String, String)> {
        let wasm = load::read(file)?;
        let policy = policy::of_code(self.flags.policy.as_deref(), self.flags.fuel, &wasm)?;
        if policy != self.policy && self.other.is_none() {
            self.other = Some(load::runtime(&policy, Some(open(&self.flags.tool)?))?);
        }
        let runtime = self.other.as_ref().filter(|_| policy != self.policy).unwrap_or(&self.plain);
        let compiled = load::compiling(file, &wasm, || runtime.compile(&wasm))
            .with_context(|| format!("cannot compile `{}`", file.display()))?;
        let loading = compiled.loading();
        Ok((loading.origin.to_string(), time(loading.elapsed)))
    }
}

fn show(flags: &ToolFlags, json: Value, text: &str) -> Result<()> {
    print(&if flags.json { printable_json(&format!("{json:#}\n")) } else { text.to_owned() })
}
