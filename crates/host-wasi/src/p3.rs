//! WASI 0.3 for components. Experimental.
//!
//! Wasmtime calls its own part experimental: it is incomplete, and has no security releases. Keep it from guests that need not
//! have it. The engine has to be made with `Config::wasm_component_model_async(true)`, and guests run asynchronously:
//! `call_async`, or `Store::run_concurrent`.
//!
//! What a guest of WASI 0.3 may touch is said by the same [`Grants`]. With the feature `http` that is also what it may
//! ask others for by `wasi:http`: its requests go by the rules and bounds of [those of 0.2](crate::http). What is weaker than for WASI 0.2:
//!
//! * A refused write to a read-only directory is not among the [denials](crate::Wasi::denials).
//! * Output that goes beyond what is captured is an error of the stream, which then is closed. The guest that opens it anew is
//!   stopped; one that writes on into the closed stream is left to its deadline.
//! * Streams, futures and tasks of a guest take memory of the host, which
//!   [`Store::concurrent_resource_table`](wasmtime::Store::concurrent_resource_table) bounds by their number.

#[cfg(feature = "http")]
mod http;
mod names;
mod output;
mod preopens;

use wasmtime::component::{Component, Linker};
use wasmtime_wasi::cli::WasiCli;
use wasmtime_wasi::clocks::WasiClocks;
use wasmtime_wasi::filesystem::WasiFilesystem;
use wasmtime_wasi::p3::bindings::{cli, clocks, filesystem, random, sockets};
use wasmtime_wasi::random::WasiRandom;
use wasmtime_wasi::sockets::WasiSockets;

use self::output::Outputs;
use self::preopens::Preopens;
use crate::network::{Names, names_view};
use crate::p2::{add_wanted, cli_view, clocks_view, filesystem_view, randomness, sockets_view};
use crate::{Grants, HasWasi, StrictError, strict};

/// The interfaces that [`add_to_linker`] adds, in the newest version it serves: what a host can say it offers.
pub const INTERFACES: &[&str] = &[
    "wasi:cli/environment@0.3.0",
    "wasi:cli/exit@0.3.0",
    "wasi:cli/stderr@0.3.0",
    "wasi:cli/stdin@0.3.0",
    "wasi:cli/stdout@0.3.0",
    "wasi:cli/terminal-input@0.3.0",
    "wasi:cli/terminal-output@0.3.0",
    "wasi:cli/terminal-stderr@0.3.0",
    "wasi:cli/terminal-stdin@0.3.0",
    "wasi:cli/terminal-stdout@0.3.0",
    "wasi:clocks/monotonic-clock@0.3.0",
    "wasi:clocks/system-clock@0.3.0",
    "wasi:filesystem/preopens@0.3.0",
    "wasi:filesystem/types@0.3.0",
    #[cfg(feature = "http")]
    "wasi:http/client@0.3.0",
    #[cfg(feature = "http")]
    "wasi:http/types@0.3.0",
    "wasi:random/insecure-seed@0.3.0",
    "wasi:random/insecure@0.3.0",
    "wasi:random/random@0.3.0",
    "wasi:sockets/ip-name-lookup@0.3.0",
    "wasi:sockets/types@0.3.0",
];

/// Adds every interface of the world `wasi:cli/imports` of WASI 0.3 to `linker`, and with the feature `http` those of the world
/// `wasi:http/service`. Those of [0.2](crate::p2) can stand beside them: a guest whose language has its standard library from
/// there imports both.
///
/// There is one form only, for a guest of WASI 0.3 always runs asynchronously, in a Tokio runtime.
///
/// # Errors
///
/// One of the interfaces is defined already, or the linker's engine was made without support for concurrency.
pub fn add_to_linker<T: HasWasi + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    add(linker, |_| true)
}

/// As [`add_to_linker`], but adds only what `component` imports of WASI 0.3, and only if `grants` are for it; see
/// [`p2::add_to_linker_strict_async`](crate::p2::add_to_linker_strict_async), which does the same for what it imports of 0.2.
///
/// # Errors
///
/// [`StrictError::NotGranted`] names every import that is refused, with what to add; nothing was added to the linker then.
/// [`StrictError::Linker`] as [`add_to_linker`].
pub fn add_to_linker_strict<T: HasWasi + 'static>(
    linker: &mut Linker<T>,
    component: &Component,
    grants: &Grants,
) -> Result<(), StrictError> {
    let wanted = strict::wanted(component, "0.3.", grants)?;
    Ok(add(linker, |interface| wanted.contains(interface))?)
}

fn add<T: HasWasi + 'static>(linker: &mut Linker<T>, wanted: impl Fn(&str) -> bool) -> wasmtime::Result<()> {
    #[cfg(feature = "http")]
    http::add(linker, &wanted)?;
    add_wanted! { T, linker, wanted;
        "cli/environment": cli::environment, WasiCli, cli_view;
        "cli/exit": cli::exit, WasiCli, cli_view;
        "cli/stdin": cli::stdin, WasiCli, cli_view;
        "cli/stdout": cli::stdout, Outputs, cli_view;
        "cli/stderr": cli::stderr, Outputs, cli_view;
        "cli/terminal-input": cli::terminal_input, WasiCli, cli_view;
        "cli/terminal-output": cli::terminal_output, WasiCli, cli_view;
        "cli/terminal-stdin": cli::terminal_stdin, WasiCli, cli_view;
        "cli/terminal-stdout": cli::terminal_stdout, WasiCli, cli_view;
        "cli/terminal-stderr": cli::terminal_stderr, WasiCli, cli_view;
        "clocks/monotonic-clock": clocks::monotonic_clock, WasiClocks, clocks_view;
        "clocks/system-clock": clocks::system_clock, WasiClocks, clocks_view;
        "filesystem/types": filesystem::types, WasiFilesystem, filesystem_view;
        "filesystem/preopens": filesystem::preopens, Preopens, HasWasi::wasi;
        "random/random": random::random, WasiRandom, randomness;
        "random/insecure": random::insecure, WasiRandom, randomness;
        "random/insecure-seed": random::insecure_seed, WasiRandom, randomness;
        "sockets/types": sockets::types, WasiSockets, sockets_view;
        "sockets/ip-name-lookup": sockets::ip_name_lookup, Names, names_view;
    }
    Ok(())
}
