//! WASI 0.2 ("preview 2") for components.
//!
//! Wasmtime-wasi's own functions ask for a store whose data is its `WasiView`. Here each interface is added by
//! itself, so that [`HasWasi`] is enough.

mod errors;
mod files;
mod names;

use wasmtime::component::{Component, HasData, Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliCtxView};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksCtxView};
#[cfg(feature = "p3")]
use wasmtime_wasi::filesystem::WasiFilesystemCtxView;
use wasmtime_wasi::p2::bindings;
use wasmtime_wasi::random::{WasiRandom, WasiRandomCtx};
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsCtxView};

use self::errors::Errors;
use self::files::GuardedFiles;
use crate::network::{Names, names_view};
use crate::{Grants, HasWasi, StrictError, strict};

/// The interfaces that [`add_to_linker_sync`] and [`add_to_linker_async`] add, in the newest version they serve: what a
/// host can say it offers.
pub const INTERFACES: &[&str] = &[
    "wasi:cli/environment@0.2.12",
    "wasi:cli/exit@0.2.12",
    "wasi:cli/stderr@0.2.12",
    "wasi:cli/stdin@0.2.12",
    "wasi:cli/stdout@0.2.12",
    "wasi:cli/terminal-input@0.2.12",
    "wasi:cli/terminal-output@0.2.12",
    "wasi:cli/terminal-stderr@0.2.12",
    "wasi:cli/terminal-stdin@0.2.12",
    "wasi:cli/terminal-stdout@0.2.12",
    "wasi:clocks/monotonic-clock@0.2.12",
    "wasi:clocks/wall-clock@0.2.12",
    "wasi:filesystem/preopens@0.2.12",
    "wasi:filesystem/types@0.2.12",
    "wasi:io/error@0.2.12",
    "wasi:io/poll@0.2.12",
    "wasi:io/streams@0.2.12",
    "wasi:random/insecure-seed@0.2.12",
    "wasi:random/insecure@0.2.12",
    "wasi:random/random@0.2.12",
    "wasi:sockets/instance-network@0.2.12",
    "wasi:sockets/ip-name-lookup@0.2.12",
    "wasi:sockets/network@0.2.12",
    "wasi:sockets/tcp-create-socket@0.2.12",
    "wasi:sockets/tcp@0.2.12",
    "wasi:sockets/udp-create-socket@0.2.12",
    "wasi:sockets/udp@0.2.12",
];

/// Adds every interface of the world `wasi:cli/imports` to `linker`, for stores called with `call`. A component may
/// name any version 0.2.x of them.
///
/// A function that waits (a sleep, a read of inherited standard input) blocks the thread, and no fuel or epoch ends
/// the wait; where that matters take [`add_to_linker_async`] and a timeout around the call.
///
/// # Errors
///
/// One of the interfaces is defined already.
///
/// # Panics
///
/// Not here, but in a guest's call: wasmtime-wasi waits for what is not ready in a Tokio runtime of its own, which
/// panics on a thread that is driving one already. From asynchronous code take [`add_to_linker_async`], or
/// `spawn_blocking`.
pub fn add_to_linker_sync<T: HasWasi + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    add_sync(linker, |_| true)
}

/// Adds every interface of the world `wasi:cli/imports` to `linker`, for stores called with `call_async` in a Tokio
/// runtime. A component may name any version 0.2.x of them.
///
/// # Errors
///
/// One of the interfaces is defined already.
pub fn add_to_linker_async<T: HasWasi + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    add_async(linker, |_| true)
}

/// As [`add_to_linker_sync`], but adds only what `component` imports, and only if `grants` are for it: files if there is a
/// directory, sockets and the looking up of names if there is a rule for them; with the feature `http` also `wasi:http`, of which
/// requests need a rule. What every guest may have (clocks, randomness,
/// exit) and what tells only what was given to it (arguments, variables, streams) needs no grant.
///
/// A component that imports more than it is granted is so refused before it runs, instead of meeting failures. A program in
/// a language with a large standard library imports much that it never calls.
///
/// # Errors
///
/// [`StrictError::NotGranted`] names every import that is refused, with what to add; nothing was added to the linker then.
/// [`StrictError::Linker`] if one of the interfaces is defined already.
///
/// # Panics
///
/// As [`add_to_linker_sync`].
pub fn add_to_linker_strict_sync<T: HasWasi + 'static>(
    linker: &mut Linker<T>,
    component: &Component,
    grants: &Grants,
) -> Result<(), StrictError> {
    let wanted = strict::wanted(component, "0.2.", grants)?;
    let wanted = |interface: &str| wanted.contains(interface);
    #[cfg(feature = "http")]
    crate::http::add_sync(linker, wanted)?;
    Ok(add_sync(linker, wanted)?)
}

/// As [`add_to_linker_strict_sync`], for stores called with `call_async` in a Tokio runtime.
///
/// # Errors
///
/// As [`add_to_linker_strict_sync`].
pub fn add_to_linker_strict_async<T: HasWasi + 'static>(
    linker: &mut Linker<T>,
    component: &Component,
    grants: &Grants,
) -> Result<(), StrictError> {
    let wanted = strict::wanted(component, "0.2.", grants)?;
    let wanted = |interface: &str| wanted.contains(interface);
    #[cfg(feature = "http")]
    crate::http::add_async(linker, wanted)?;
    Ok(add_async(linker, wanted)?)
}

/// Adds those of the interfaces that are wanted.
macro_rules! add_wanted {
    ($T:ident, $linker:ident, $wanted:ident; $($name:literal: $package:ident::$interface:ident, $data:ty, $view:expr;)*) => {
        $(
            if $wanted($name) {
                $package::$interface::add_to_linker::<$T, $data>($linker, $view)?;
            }
        )*
    };
}

#[cfg(feature = "p3")]
pub(crate) use add_wanted;

fn add_sync<T: HasWasi + 'static>(
    linker: &mut Linker<T>,
    wanted: impl Fn(&str) -> bool,
) -> wasmtime::Result<()> {
    use bindings::sync::{filesystem, io, sockets};
    add_wanted! { T, linker, wanted;
        "io/poll": io::poll, Table, table;
        "io/streams": io::streams, Table, table;
        "filesystem/types": filesystem::types, GuardedFiles, files::view;
        "sockets/tcp": sockets::tcp, WasiSockets, sockets_view;
        "sockets/udp": sockets::udp, WasiSockets, sockets_view;
        "sockets/udp-create-socket": sockets::udp_create_socket, WasiSockets, sockets_view;
    }
    add_what_never_waits(linker, wanted)
}

fn add_async<T: HasWasi + 'static>(
    linker: &mut Linker<T>,
    wanted: impl Fn(&str) -> bool,
) -> wasmtime::Result<()> {
    use bindings::{filesystem, io, sockets};
    add_wanted! { T, linker, wanted;
        "io/poll": io::poll, Table, table;
        "io/streams": io::streams, Table, table;
        "filesystem/types": filesystem::types, GuardedFiles, files::view;
        "sockets/tcp": sockets::tcp, WasiSockets, sockets_view;
        "sockets/udp": sockets::udp, WasiSockets, sockets_view;
        "sockets/udp-create-socket": sockets::udp_create_socket, WasiSockets, sockets_view;
    }
    add_what_never_waits(linker, wanted)
}

/// The interfaces whose functions all return at once, and which are therefore the same in both forms.
fn add_what_never_waits<T: HasWasi + 'static>(
    linker: &mut Linker<T>,
    wanted: impl Fn(&str) -> bool,
) -> wasmtime::Result<()> {
    use bindings::{cli, clocks, filesystem, io, random, sockets};
    add_wanted! { T, linker, wanted;
        "io/error": io::error, Errors, errors::view;
        "cli/environment": cli::environment, WasiCli, cli_view;
        "cli/exit": cli::exit, WasiCli, cli_view;
        "cli/stdin": cli::stdin, WasiCli, cli_view;
        "cli/stdout": cli::stdout, WasiCli, cli_view;
        "cli/stderr": cli::stderr, WasiCli, cli_view;
        "cli/terminal-input": cli::terminal_input, WasiCli, cli_view;
        "cli/terminal-output": cli::terminal_output, WasiCli, cli_view;
        "cli/terminal-stdin": cli::terminal_stdin, WasiCli, cli_view;
        "cli/terminal-stdout": cli::terminal_stdout, WasiCli, cli_view;
        "cli/terminal-stderr": cli::terminal_stderr, WasiCli, cli_view;
        "clocks/wall-clock": clocks::wall_clock, WasiClocks, clocks_view;
        "clocks/monotonic-clock": clocks::monotonic_clock, WasiClocks, clocks_view;
        "filesystem/preopens": filesystem::preopens, GuardedFiles, files::view;
        "random/random": random::random, WasiRandom, randomness;
        "random/insecure": random::insecure, WasiRandom, randomness;
        "random/insecure-seed": random::insecure_seed, WasiRandom, randomness;
        "sockets/instance-network": sockets::instance_network, WasiSockets, sockets_view;
        "sockets/tcp-create-socket": sockets::tcp_create_socket, WasiSockets, sockets_view;
        "sockets/ip-name-lookup": sockets::ip_name_lookup, Names, names_view;
    }
    if wanted("sockets/network") {
        let options = sockets::network::LinkOptions::default();
        sockets::network::add_to_linker::<T, WasiSockets>(linker, &options, sockets_view)?;
    }
    Ok(())
}

/// Says that `wasi:io` works on the table alone.
struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}

fn table<T: HasWasi>(data: &mut T) -> &mut ResourceTable {
    data.wasi().view().table
}

pub(crate) fn cli_view<T: HasWasi>(data: &mut T) -> WasiCliCtxView<'_> {
    let view = data.wasi().view();
    WasiCliCtxView { ctx: view.ctx.cli(), table: view.table }
}

pub(crate) fn clocks_view<T: HasWasi>(data: &mut T) -> WasiClocksCtxView<'_> {
    let view = data.wasi().view();
    WasiClocksCtxView { ctx: view.ctx.clocks(), table: view.table }
}

/// For WASI 0.3. A component that imports both can say that their descriptors are of one type.
#[cfg(feature = "p3")]
pub(crate) fn filesystem_view<T: HasWasi>(data: &mut T) -> WasiFilesystemCtxView<'_> {
    use wasmtime_wasi::WasiView as _;
    let guarded = &mut data.wasi().guarded;
    let view = guarded.context.ctx();
    guarded.guard.forget(view.table);
    WasiFilesystemCtxView { ctx: view.ctx.filesystem(), table: view.table }
}

pub(crate) fn randomness<T: HasWasi>(data: &mut T) -> &mut WasiRandomCtx {
    data.wasi().view().ctx.random()
}

pub(crate) fn sockets_view<T: HasWasi>(data: &mut T) -> WasiSocketsCtxView<'_> {
    let view = data.wasi().view();
    WasiSocketsCtxView { ctx: view.ctx.sockets(), table: view.table }
}
