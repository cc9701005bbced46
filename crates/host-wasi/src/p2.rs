//! WASI 0.2 ("preview 2") for components.
//!
//! Wasmtime-wasi's own functions ask for a store whose data is its `WasiView`. Here each interface is added by
//! itself, so that [`HasWasi`] is enough.

mod files;

use wasmtime::component::{HasData, Linker, ResourceTable};
use wasmtime_wasi::cli::{WasiCli, WasiCliCtxView};
use wasmtime_wasi::clocks::{WasiClocks, WasiClocksCtxView};
use wasmtime_wasi::p2::bindings;
use wasmtime_wasi::random::{WasiRandom, WasiRandomCtx};
use wasmtime_wasi::sockets::{WasiSockets, WasiSocketsCtxView};

use self::files::GuardedFiles;
use crate::HasWasi;

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
    add_what_never_waits(linker)?;
    use bindings::sync::{filesystem, io, sockets};
    io::poll::add_to_linker::<T, Table>(linker, table)?;
    io::streams::add_to_linker::<T, Table>(linker, table)?;
    filesystem::types::add_to_linker::<T, GuardedFiles>(linker, files::view)?;
    sockets::tcp::add_to_linker::<T, WasiSockets>(linker, sockets_view)?;
    sockets::udp::add_to_linker::<T, WasiSockets>(linker, sockets_view)?;
    sockets::udp_create_socket::add_to_linker::<T, WasiSockets>(linker, sockets_view)
}

/// Adds every interface of the world `wasi:cli/imports` to `linker`, for stores called with `call_async` in a Tokio
/// runtime. A component may name any version 0.2.x of them.
///
/// # Errors
///
/// One of the interfaces is defined already.
pub fn add_to_linker_async<T: HasWasi + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    add_what_never_waits(linker)?;
    use bindings::{filesystem, io, sockets};
    io::poll::add_to_linker::<T, Table>(linker, table)?;
    io::streams::add_to_linker::<T, Table>(linker, table)?;
    filesystem::types::add_to_linker::<T, GuardedFiles>(linker, files::view)?;
    sockets::tcp::add_to_linker::<T, WasiSockets>(linker, sockets_view)?;
    sockets::udp::add_to_linker::<T, WasiSockets>(linker, sockets_view)?;
    sockets::udp_create_socket::add_to_linker::<T, WasiSockets>(linker, sockets_view)
}

/// The interfaces whose functions all return at once, and which are therefore the same in both forms.
fn add_what_never_waits<T: HasWasi + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    use bindings::{cli, clocks, filesystem, io, random, sockets};
    io::error::add_to_linker::<T, Table>(linker, table)?;
    cli::environment::add_to_linker::<T, WasiCli>(linker, cli_view)?;
    cli::exit::add_to_linker::<T, WasiCli>(linker, cli_view)?;
    cli::stdin::add_to_linker::<T, WasiCli>(linker, cli_view)?;
    cli::stdout::add_to_linker::<T, WasiCli>(linker, cli_view)?;
    cli::stderr::add_to_linker::<T, WasiCli>(linker, cli_view)?;
    cli::terminal_input::add_to_linker::<T, WasiCli>(linker, cli_view)?;
    cli::terminal_output::add_to_linker::<T, WasiCli>(linker, cli_view)?;
    cli::terminal_stdin::add_to_linker::<T, WasiCli>(linker, cli_view)?;
    cli::terminal_stdout::add_to_linker::<T, WasiCli>(linker, cli_view)?;
    cli::terminal_stderr::add_to_linker::<T, WasiCli>(linker, cli_view)?;
    clocks::wall_clock::add_to_linker::<T, WasiClocks>(linker, clocks_view)?;
    clocks::monotonic_clock::add_to_linker::<T, WasiClocks>(linker, clocks_view)?;
    filesystem::preopens::add_to_linker::<T, GuardedFiles>(linker, files::view)?;
    random::random::add_to_linker::<T, WasiRandom>(linker, randomness)?;
    random::insecure::add_to_linker::<T, WasiRandom>(linker, randomness)?;
    random::insecure_seed::add_to_linker::<T, WasiRandom>(linker, randomness)?;
    sockets::instance_network::add_to_linker::<T, WasiSockets>(linker, sockets_view)?;
    let options = sockets::network::LinkOptions::default();
    sockets::network::add_to_linker::<T, WasiSockets>(linker, &options, sockets_view)?;
    sockets::tcp_create_socket::add_to_linker::<T, WasiSockets>(linker, sockets_view)?;
    sockets::ip_name_lookup::add_to_linker::<T, WasiSockets>(linker, sockets_view)
}

/// Says that `wasi:io` works on the table alone.
struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}

fn table<T: HasWasi>(data: &mut T) -> &mut ResourceTable {
    data.wasi().view().table
}

fn cli_view<T: HasWasi>(data: &mut T) -> WasiCliCtxView<'_> {
    let view = data.wasi().view();
    WasiCliCtxView { ctx: view.ctx.cli(), table: view.table }
}

fn clocks_view<T: HasWasi>(data: &mut T) -> WasiClocksCtxView<'_> {
    let view = data.wasi().view();
    WasiClocksCtxView { ctx: view.ctx.clocks(), table: view.table }
}

fn randomness<T: HasWasi>(data: &mut T) -> &mut WasiRandomCtx {
    data.wasi().view().ctx.random()
}

fn sockets_view<T: HasWasi>(data: &mut T) -> WasiSocketsCtxView<'_> {
    let view = data.wasi().view();
    WasiSocketsCtxView { ctx: view.ctx.sockets(), table: view.table }
}
