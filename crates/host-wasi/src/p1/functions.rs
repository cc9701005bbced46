//! The functions of WASI 0.1. Those that could break a rule about files have their rule in `files`; wasmtime-wasi does
//! the work of all.

use wasmtime_wasi::p1::types;
use wasmtime_wasi::p1::wasi_snapshot_preview1::WasiSnapshotPreview1;
use wiggle::{GuestMemory, GuestPtr};

use crate::guarded::Guarded;

type Result<T> = std::result::Result<T, types::Error>;

/// Functions that go to wasmtime-wasi as they are.
macro_rules! delegated {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {$(
        fn $name(&mut self, memory: &mut GuestMemory<'_>, $($argument: $type),*) -> $result {
            self.context.$name(memory, $($argument),*)
        }
    )*};
}

macro_rules! delegated_async {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {$(
        async fn $name(&mut self, memory: &mut GuestMemory<'_>, $($argument: $type),*) -> $result {
            self.context.$name(memory, $($argument),*).await
        }
    )*};
}

/// Functions that go by way of a rule.
macro_rules! guarded {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty, $rule:ident;)*) => {$(
        async fn $name(&mut self, memory: &mut GuestMemory<'_>, $($argument: $type),*) -> $result {
            self.$rule(memory, $($argument),*).await
        }
    )*};
}

impl WasiSnapshotPreview1 for Guarded {
    fn set_hostcall_fuel(&mut self, fuel: usize) {
        self.fuel = fuel;
        self.context.set_hostcall_fuel(fuel);
    }

    guarded! {
        fd_close(fd: types::Fd) -> Result<()>, close;
        fd_renumber(from: types::Fd, to: types::Fd) -> Result<()>, renumber;
        fd_filestat_set_size(fd: types::Fd, size: types::Filesize) -> Result<()>, set_size;
        fd_filestat_set_times(
            fd: types::Fd, accessed: types::Timestamp, modified: types::Timestamp, flags: types::Fstflags
        ) -> Result<()>, set_times;
        fd_write(fd: types::Fd, buffers: types::CiovecArray) -> Result<types::Size>, write;
        fd_pwrite(
            fd: types::Fd, buffers: types::CiovecArray, offset: types::Filesize
        ) -> Result<types::Size>, write_at;
        fd_readdir(
            fd: types::Fd, buffer: GuestPtr<u8>, length: types::Size, cookie: types::Dircookie
        ) -> Result<types::Size>, read_directory;
        path_create_directory(fd: types::Fd, path: GuestPtr<str>) -> Result<()>, create_directory;
        path_filestat_set_times(
            fd: types::Fd, flags: types::Lookupflags, path: GuestPtr<str>,
            accessed: types::Timestamp, modified: types::Timestamp, which: types::Fstflags
        ) -> Result<()>, set_times_at;
        path_link(
            old: types::Fd, flags: types::Lookupflags, old_path: GuestPtr<str>, new: types::Fd, new_path: GuestPtr<str>
        ) -> Result<()>, link;
        path_open(
            fd: types::Fd, lookup: types::Lookupflags, path: GuestPtr<str>, how: types::Oflags,
            rights: types::Rights, inheriting: types::Rights, flags: types::Fdflags
        ) -> Result<types::Fd>, open;
        path_remove_directory(fd: types::Fd, path: GuestPtr<str>) -> Result<()>, remove_directory;
        path_rename(
            old: types::Fd, old_path: GuestPtr<str>, new: types::Fd, new_path: GuestPtr<str>
        ) -> Result<()>, rename;
        path_symlink(text: GuestPtr<str>, fd: types::Fd, path: GuestPtr<str>) -> Result<()>, symlink;
        path_unlink_file(fd: types::Fd, path: GuestPtr<str>) -> Result<()>, unlink_file;
    }

    fn fd_fdstat_set_flags(
        &mut self,
        memory: &mut GuestMemory<'_>,
        fd: types::Fd,
        flags: types::Fdflags,
    ) -> Result<()> {
        self.set_flags(memory, fd, flags)
    }

    delegated! {
        args_get(list: GuestPtr<GuestPtr<u8>>, buffer: GuestPtr<u8>) -> Result<()>;
        args_sizes_get() -> Result<(types::Size, types::Size)>;
        environ_get(list: GuestPtr<GuestPtr<u8>>, buffer: GuestPtr<u8>) -> Result<()>;
        environ_sizes_get() -> Result<(types::Size, types::Size)>;
        clock_res_get(clock: types::Clockid) -> Result<types::Timestamp>;
        clock_time_get(clock: types::Clockid, precision: types::Timestamp) -> Result<types::Timestamp>;
        // Makes no file longer: wasmtime-wasi answers that it is not supported.
        fd_allocate(fd: types::Fd, offset: types::Filesize, length: types::Filesize) -> Result<()>;
        fd_fdstat_set_rights(fd: types::Fd, base: types::Rights, inheriting: types::Rights) -> Result<()>;
        fd_prestat_get(fd: types::Fd) -> Result<types::Prestat>;
        fd_prestat_dir_name(fd: types::Fd, buffer: GuestPtr<u8>, length: types::Size) -> Result<()>;
        fd_tell(fd: types::Fd) -> Result<types::Filesize>;
        proc_exit(code: types::Exitcode) -> wasmtime::Error;
        proc_raise(signal: types::Signal) -> Result<()>;
        sched_yield() -> Result<()>;
        random_get(buffer: GuestPtr<u8>, length: types::Size) -> Result<()>;
        sock_accept(fd: types::Fd, flags: types::Fdflags) -> Result<types::Fd>;
        sock_recv(
            fd: types::Fd, buffers: types::IovecArray, flags: types::Riflags
        ) -> Result<(types::Size, types::Roflags)>;
        sock_send(fd: types::Fd, buffers: types::CiovecArray, flags: types::Siflags) -> Result<types::Size>;
        sock_shutdown(fd: types::Fd, how: types::Sdflags) -> Result<()>;
    }

    delegated_async! {
        fd_advise(
            fd: types::Fd, offset: types::Filesize, length: types::Filesize, advice: types::Advice
        ) -> Result<()>;
        fd_datasync(fd: types::Fd) -> Result<()>;
        fd_fdstat_get(fd: types::Fd) -> Result<types::Fdstat>;
        fd_filestat_get(fd: types::Fd) -> Result<types::Filestat>;
        fd_pread(fd: types::Fd, buffers: types::IovecArray, offset: types::Filesize) -> Result<types::Size>;
        fd_read(fd: types::Fd, buffers: types::IovecArray) -> Result<types::Size>;
        fd_seek(fd: types::Fd, offset: types::Filedelta, whence: types::Whence) -> Result<types::Filesize>;
        fd_sync(fd: types::Fd) -> Result<()>;
        path_filestat_get(
            fd: types::Fd, flags: types::Lookupflags, path: GuestPtr<str>
        ) -> Result<types::Filestat>;
        path_readlink(
            fd: types::Fd, path: GuestPtr<str>, buffer: GuestPtr<u8>, length: types::Size
        ) -> Result<types::Size>;
        poll_oneoff(
            subscriptions: GuestPtr<types::Subscription>, events: GuestPtr<types::Event>, count: types::Size
        ) -> Result<types::Size>;
    }
}
