//! The plugins: what each is, how it is called, and how a call of it must end.

use std::fs;
use std::path::Path;

use anyhow::Result;
use host_plugins::host_core::FaultKind;
use host_plugins::host_limits::Exceeded;
use wasmtime::Trap;

/// One of the plugins.
pub(crate) struct Plugin {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// What stands in its manifest besides name and source.
    manifest: &'static str,
}

/// What a plugin is.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Greeter,
    Shout,
    /// Of the newer world. It logs, and asks for a bucket that there is none of.
    Tally,
    /// A core module that gives back the bytes that it is given.
    Echo,
    /// From the built guest of this name, and how each call of it must end.
    Hostile(&'static str, fn(&FaultKind) -> bool),
}

impl Plugin {
    pub(crate) fn is_hostile(&self) -> bool {
        matches!(self.kind, Kind::Hostile(..))
    }

    /// Whether its manifest has a health check.
    pub(crate) fn is_checked(&self) -> bool {
        self.manifest.contains("health")
    }

    pub(crate) fn is_warm(&self) -> bool {
        self.manifest.contains("warm")
    }

    /// Its code.
    pub(crate) fn wasm(&self) -> Result<Vec<u8>> {
        Ok(match self.kind {
            Kind::Greeter => fixtures::bytes("plugins/greeter"),
            Kind::Shout => fixtures::bytes("plugins/shout"),
            Kind::Tally => fixtures::bytes("plugins-0.2/tally"),
            Kind::Echo => wat::parse_str(ECHO)?,
            Kind::Hostile(guest, _) => fixtures::bytes(&format!("plugins/{guest}")),
        })
    }
}

/// Belongs to whoever calls it first, who is told by the first byte; it traps if somebody else calls the same instance.
const ECHO: &str = r#"(module
    (memory (export "memory") 1)
    (global $owner (mut i32) (i32.const -1))
    (global $next (mut i32) (i32.const 1024))
    (func (export "alloc") (param $size i32) (result i32)
        (global.get $next)
        (global.set $next (i32.add (global.get $next) (local.get $size))))
    (func (export "dealloc") (param i32 i32)
        (global.set $next (i32.const 1024)))
    (func (export "echo") (param $address i32) (param $length i32) (result i64)
        (if (i32.eq (global.get $owner) (i32.const -1))
            (then (global.set $owner (i32.load8_u (local.get $address)))))
        (if (i32.ne (global.get $owner) (i32.load8_u (local.get $address))) (then unreachable))
        (i64.or
            (i64.shl (i64.extend_i32_u (local.get $address)) (i64.const 32))
            (i64.extend_i32_u (local.get $length)))))"#;

const FRESH: &str = "";
const HEALTHY: &str = "health = { export = 'get-version' }\nlimits = { fuel = 20_000_000 }\n";
const WARM: &str = "instances = { warm = { max-idle = 2, max-calls = 100, max-age = '5s' } }\n";
const PRINTS: &str = "grants = { stdout = { capture = 65536 }, stderr = { capture = 65536 } }\n";
const LITTLE_FUEL: &str = "limits = { fuel = 2_000_000 }\n";
const LITTLE_TIME: &str = "limits = { deadline = '50ms' }\n";

const fn plugin(name: &'static str, kind: Kind, manifest: &'static str) -> Plugin {
    Plugin { name, kind, manifest }
}

const fn hostile(name: &'static str, ends: fn(&FaultKind) -> bool, manifest: &'static str) -> Plugin {
    plugin(name, Kind::Hostile(name, ends), manifest)
}

fn fuel(kind: &FaultKind) -> bool {
    matches!(kind, FaultKind::Budget(Exceeded::Fuel { .. }))
}

fn deadline(kind: &FaultKind) -> bool {
    matches!(kind, FaultKind::Budget(Exceeded::Deadline { .. }))
}

fn unreachable_code(kind: &FaultKind) -> bool {
    *kind == FaultKind::Trap(Trap::UnreachableCodeReached)
}

/// 32 of them, a third of which is hostile.
pub(crate) const PLUGINS: [Plugin; 32] = [
    plugin("greeter-1", Kind::Greeter, FRESH),
    plugin("greeter-2", Kind::Greeter, WARM),
    plugin("greeter-3", Kind::Greeter, HEALTHY),
    plugin("greeter-4", Kind::Greeter, WARM),
    plugin("greeter-5", Kind::Greeter, FRESH),
    plugin("greeter-6", Kind::Greeter, WARM),
    plugin("shout-1", Kind::Shout, FRESH),
    plugin("shout-2", Kind::Shout, WARM),
    plugin("shout-3", Kind::Shout, HEALTHY),
    plugin("shout-4", Kind::Shout, WARM),
    plugin("shout-5", Kind::Shout, FRESH),
    plugin("tally-1", Kind::Tally, FRESH),
    plugin("tally-2", Kind::Tally, WARM),
    plugin("tally-3", Kind::Tally, HEALTHY),
    plugin("tally-4", Kind::Tally, WARM),
    plugin("echo-1", Kind::Echo, FRESH),
    plugin("echo-2", Kind::Echo, WARM),
    plugin("echo-3", Kind::Echo, FRESH),
    plugin("echo-4", Kind::Echo, WARM),
    plugin("echo-5", Kind::Echo, FRESH),
    plugin("echo-6", Kind::Echo, WARM),
    hostile("deep-recursion", |kind| matches!(kind, FaultKind::Budget(Exceeded::Stack { .. })), FRESH),
    hostile("endless-loop", fuel, LITTLE_FUEL),
    plugin("endless-loop-2", Kind::Hostile("endless-loop", deadline), LITTLE_TIME),
    hostile("endless-start", fuel, LITTLE_FUEL),
    hostile("memory-bomb", |kind| matches!(kind, FaultKind::Budget(Exceeded::Memory { .. })), FRESH),
    hostile("out-of-bounds", |kind| *kind == FaultKind::Trap(Trap::MemoryOutOfBounds), FRESH),
    hostile("output-flood", |kind| matches!(kind, FaultKind::Budget(Exceeded::Output { .. })), PRINTS),
    hostile("panics", unreachable_code, WARM),
    hostile("sleeper", deadline, LITTLE_TIME),
    hostile("table-bomb", |kind| matches!(kind, FaultKind::Budget(Exceeded::TableElements { .. })), FRESH),
    hostile("trap", unreachable_code, WARM),
];

/// Writes each plugin and its manifest into a directory.
pub(crate) fn write_all(folder: &Path) -> Result<()> {
    fs::create_dir_all(folder)?;
    for plugin in &PLUGINS {
        fs::write(folder.join(format!("{}.wasm", plugin.name)), plugin.wasm()?)?;
        let manifest = format!("source = '{}.wasm'\n{}", plugin.name, plugin.manifest);
        fs::write(folder.join(format!("{}.toml", plugin.name)), manifest)?;
    }
    Ok(())
}
