//! The functions of WASI 0.1 for stores called with `call`. wasmtime-wasi has the same list, but only for its own
//! implementation of them.

use wasmtime::{AsContextMut as _, Caller, Extern, Linker, bail};
use wasmtime_wasi::p1::wasi_snapshot_preview1::{self, WasiSnapshotPreview1 as _};
use wasmtime_wasi::runtime::in_tokio;
use wiggle::GuestMemory;

use crate::HasWasi;
use crate::guarded::Guarded;

const MODULE: &str = "wasi_snapshot_preview1";

/// Defines each function by its name and the types it has in WebAssembly. `waits` are those that wasmtime-wasi has as
/// asynchronous ones.
macro_rules! functions {
    ($linker:ident; $($name:ident($($argument:ident: $type:ty),*) -> $result:ty $(, $waits:ident)?;)*) => {$(
        $linker.func_wrap(
            MODULE,
            stringify!($name),
            |mut caller: Caller<'_, T>, $($argument: $type),*| -> wasmtime::Result<$result> {
                let memory = caller.get_export("memory");
                let (mut memory, guarded) = parts(&memory, &mut caller)?;
                Ok(called!($($waits)? wasi_snapshot_preview1::$name(guarded, &mut memory, $($argument),*)).into())
            },
        )?;
    )*};
}

macro_rules! called {
    (waits $call:expr) => {
        in_tokio($call)?
    };
    ($call:expr) => {
        $call?
    };
}

pub(super) fn add_to_linker_sync<T: HasWasi + 'static>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    functions! { linker;
        args_get(a: i32, b: i32) -> i32;
        args_sizes_get(a: i32, b: i32) -> i32;
        environ_get(a: i32, b: i32) -> i32;
        environ_sizes_get(a: i32, b: i32) -> i32;
        clock_res_get(a: i32, b: i32) -> i32;
        clock_time_get(a: i32, b: i64, c: i32) -> i32;
        fd_advise(a: i32, b: i64, c: i64, d: i32) -> i32, waits;
        fd_allocate(a: i32, b: i64, c: i64) -> i32;
        fd_close(a: i32) -> i32, waits;
        fd_datasync(a: i32) -> i32, waits;
        fd_fdstat_get(a: i32, b: i32) -> i32, waits;
        fd_fdstat_set_flags(a: i32, b: i32) -> i32;
        fd_fdstat_set_rights(a: i32, b: i64, c: i64) -> i32;
        fd_filestat_get(a: i32, b: i32) -> i32, waits;
        fd_filestat_set_size(a: i32, b: i64) -> i32, waits;
        fd_filestat_set_times(a: i32, b: i64, c: i64, d: i32) -> i32, waits;
        fd_pread(a: i32, b: i32, c: i32, d: i64, e: i32) -> i32, waits;
        fd_prestat_get(a: i32, b: i32) -> i32;
        fd_prestat_dir_name(a: i32, b: i32, c: i32) -> i32;
        fd_pwrite(a: i32, b: i32, c: i32, d: i64, e: i32) -> i32, waits;
        fd_read(a: i32, b: i32, c: i32, d: i32) -> i32, waits;
        fd_readdir(a: i32, b: i32, c: i32, d: i64, e: i32) -> i32, waits;
        fd_renumber(a: i32, b: i32) -> i32, waits;
        fd_seek(a: i32, b: i64, c: i32, d: i32) -> i32, waits;
        fd_sync(a: i32) -> i32, waits;
        fd_tell(a: i32, b: i32) -> i32;
        fd_write(a: i32, b: i32, c: i32, d: i32) -> i32, waits;
        path_create_directory(a: i32, b: i32, c: i32) -> i32, waits;
        path_filestat_get(a: i32, b: i32, c: i32, d: i32, e: i32) -> i32, waits;
        path_filestat_set_times(a: i32, b: i32, c: i32, d: i32, e: i64, f: i64, g: i32) -> i32, waits;
        path_link(a: i32, b: i32, c: i32, d: i32, e: i32, f: i32, g: i32) -> i32, waits;
        path_open(a: i32, b: i32, c: i32, d: i32, e: i32, f: i64, g: i64, h: i32, i: i32) -> i32, waits;
        path_readlink(a: i32, b: i32, c: i32, d: i32, e: i32, f: i32) -> i32, waits;
        path_remove_directory(a: i32, b: i32, c: i32) -> i32, waits;
        path_rename(a: i32, b: i32, c: i32, d: i32, e: i32, f: i32) -> i32, waits;
        path_symlink(a: i32, b: i32, c: i32, d: i32, e: i32) -> i32, waits;
        path_unlink_file(a: i32, b: i32, c: i32) -> i32, waits;
        poll_oneoff(a: i32, b: i32, c: i32, d: i32) -> i32, waits;
        proc_exit(a: i32) -> ();
        proc_raise(a: i32) -> i32;
        sched_yield() -> i32;
        random_get(a: i32, b: i32) -> i32;
        sock_accept(a: i32, b: i32, c: i32) -> i32;
        sock_recv(a: i32, b: i32, c: i32, d: i32, e: i32, f: i32) -> i32;
        sock_send(a: i32, b: i32, c: i32, d: i32, e: i32) -> i32;
        sock_shutdown(a: i32, b: i32) -> i32;
    }
    Ok(())
}

/// The guest's memory, and what stands behind its calls.
fn parts<'a, T: HasWasi + 'static>(
    memory: &'a Option<Extern>,
    caller: &'a mut Caller<'_, T>,
) -> wasmtime::Result<(GuestMemory<'a>, &'a mut Guarded)> {
    let fuel = caller.as_context_mut().hostcall_fuel();
    let (memory, guarded) = match memory {
        Some(Extern::Memory(memory)) => {
            let (memory, data) = memory.data_and_store_mut(caller);
            (GuestMemory::Unshared(memory), &mut data.wasi().guarded)
        }
        Some(Extern::SharedMemory(memory)) => {
            (GuestMemory::Shared(memory.data()), &mut caller.data_mut().wasi().guarded)
        }
        _ => bail!("missing required memory export"),
    };
    guarded.set_hostcall_fuel(fuel);
    Ok((memory, guarded))
}
