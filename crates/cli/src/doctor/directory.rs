//! `wasm-host doctor DIR`: which plugins of a directory a host would load, and why not the others.

use std::error::Error;
use std::fmt::Write;
use std::io::{IsTerminal, stderr};
use std::path::Path;

use anyhow::{Context, Result};
use host_plugins::host_component::World;
use host_plugins::{LoadError, Loaded, PluginHost, PluginInfo, Policy};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde_json::{Value, json};

use super::{SICK, split_world};
use crate::flags::DoctorFlags;
use crate::load;
use crate::output::{print, printable, printable_json};

/// Loads what is in the directory, prints what came of each, and gives the exit code.
pub(super) fn doctor(flags: &DoctorFlags) -> Result<i32> {
    let policy = flags.policy.as_ref().map(Policy::read).transpose()?.unwrap_or_default();
    let cache = load::cache_apart_from(&policy.grants, &flags.cache)?;
    let host = PluginHost::new(policy, cache).context("cannot set up the host")?;
    if let Some(asked) = &flags.world {
        let (path, name) = split_world(asked);
        let world = World::read(host.runtime().engine(), &path, name)
            .with_context(|| format!("cannot take a world from `{}`", path.display()))?;
        register(&host, world);
    }
    let bar = bar();
    let mut refused = 0;
    let loaded = host.load_directory_with(&flags.file, |step| {
        refused += u64::from(step.result.is_err());
        bar.set_length(step.of as u64);
        bar.set_position(step.done as u64);
        bar.set_message(format!("{refused} do not fit"));
    });
    bar.finish_and_clear();
    let loaded = loaded?;
    print(&if flags.json { printable_json(&format!("{:#}\n", as_json(&loaded))) } else { text(&loaded) })?;
    Ok(if loaded.failed.is_empty() { 0 } else { SICK })
}

/// Manifests may name it in full, or as its package calls it.
fn register(host: &PluginHost, world: World) {
    let name = world.name().to_owned();
    let short = name.rsplit('/').next().and_then(|name| name.split('@').next()).unwrap_or(&name).to_owned();
    host.register_world(short, world.clone());
    host.register_world(name, world);
}

/// A bar on standard error, where somebody looks.
fn bar() -> ProgressBar {
    if !stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
    let style = ProgressStyle::with_template("checking {wide_bar} {pos}/{len}  {msg}");
    bar.set_style(style.expect("the template is one"));
    bar
}

fn text(loaded: &Loaded) -> String {
    let mut text = String::new();
    write_text(&mut text, loaded).expect("writing to a String does not fail");
    text
}

fn write_text(text: &mut String, loaded: &Loaded) -> std::fmt::Result {
    for plugin in &loaded.plugins {
        let named = plugin.named_version.as_deref().map(|version| format!(" {version}")).unwrap_or_default();
        let file = plugin.source.path().map(name_of).unwrap_or_default();
        writeln!(text, "fits          {file}: {}", printable(&format!("{}{named}", plugin.name)))?;
    }
    for (path, error) in &loaded.failed {
        let reasons = reasons(error);
        let mut lines = reasons.iter().flat_map(|reason| reason.lines()).map(printable);
        writeln!(text, "does not fit  {}: {}", name_of(path), lines.next().unwrap_or_default())?;
        lines.try_for_each(|line| writeln!(text, "                {line}"))?;
    }
    let (fit, not) = (loaded.plugins.len(), loaded.failed.len());
    writeln!(text, "{fit} of {} fit", fit + not)
}

fn as_json(loaded: &Loaded) -> Value {
    let fits = |plugin: &PluginInfo| {
        json!({
            "file": plugin.source.path(),
            "fits": true,
            "plugin": plugin.name,
            "version": plugin.named_version,
            "sha256": plugin.digest,
        })
    };
    let failed = loaded.failed.iter().map(
        |(path, error)| json!({ "file": path.to_string_lossy(), "fits": false, "reasons": reasons(error) }),
    );
    Value::Array(loaded.plugins.iter().map(fits).chain(failed).collect())
}

/// The message, and those of its causes.
fn reasons(error: &LoadError) -> Vec<String> {
    let mut reasons = vec![error.to_string()];
    let mut next = error.source();
    while let Some(cause) = next {
        reasons.push(cause.to_string());
        next = cause.source();
    }
    reasons
}

/// The file's name, which its directory's owner may not have chosen.
fn name_of(path: &Path) -> String {
    printable(&path.file_name().unwrap_or(path.as_os_str()).to_string_lossy())
}
