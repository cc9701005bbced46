//! The rules for the files of a WASI 0.1 guest, which `files` applies.

use std::sync::Arc;

use wasmtime::component::Resource;
use wasmtime_wasi::WasiView as _;
use wasmtime_wasi::filesystem::WasiFilesystemCtxView;
use wasmtime_wasi::p1::types::{self, Errno};
use wasmtime_wasi::p2::bindings::filesystem::types::{DescriptorType, HostDescriptor as _};
use wiggle::{GuestMemory, GuestPtr};

use crate::files::guard::{Open, are_two_disks};
use crate::files::ledger::Taken;
use crate::files::quota::{Account, Refusal};
use crate::guarded::Guarded;

type Result<T> = std::result::Result<T, types::Error>;

impl Guarded {
    pub(super) fn number(&self, fd: types::Fd) -> Option<Open> {
        self.guard.numbers.get(&fd.into()).cloned()
    }

    /// What `path` leads to. wasmtime-wasi's function for WASI 0.1 asks twice, and fails for times that have no number
    /// there.
    pub(super) async fn look(
        &mut self,
        memory: &GuestMemory<'_>,
        directory: &Open,
        lookup: types::Lookupflags,
        path: GuestPtr<str>,
    ) -> Result<DescriptorType> {
        if path.len() as usize > self.fuel {
            return Err(Errno::Nomem.into());
        }
        let path = memory.as_cow_str(path)?.into_owned();
        let view = self.context.ctx();
        let mut files = WasiFilesystemCtxView { ctx: view.ctx.filesystem(), table: view.table };
        let directory = files.table.push(directory.descriptor.clone())?;
        let found = files.stat_at(Resource::new_borrow(directory.rep()), lookup.into(), path).await;
        files.table.delete(directory)?;
        Ok(found?.type_)
    }

    /// What is open under `fd`, if there is a quota on it.
    pub(super) fn limited(&self, fd: types::Fd) -> Option<(Open, Arc<Account>)> {
        let open = self.number(fd)?;
        let account = open.place.account.clone()?;
        Some((open, account))
    }

    pub(super) fn take_entry(&self, fd: types::Fd, bytes: u64) -> Result<Option<Taken>> {
        let limited = self.limited(fd);
        limited.map(|(_, account)| account.take_entry(bytes).map_err(refused)).transpose()
    }

    /// Takes room for what wasmtime-wasi will write at once: the first buffer that is not empty.
    pub(super) fn take_written(
        &self,
        memory: &GuestMemory<'_>,
        buffers: types::CiovecArray,
        open: &Open,
        account: &Account,
        position: u64,
    ) -> Result<Option<Taken>> {
        // Another thread could make the buffers longer once they were looked at.
        if memory.is_shared_memory() {
            return Err(Errno::Notsup.into());
        }
        // It refuses as many buffers, too.
        if buffers.len() as usize > self.fuel / size_of::<types::Ciovec>() {
            return Err(Errno::Nomem.into());
        }
        for buffer in buffers.iter() {
            let length = u64::from(memory.read(buffer?)?.buf_len);
            if length == 0 {
                continue;
            }
            let taken = if open.append {
                account.take_appended(open.file(), length)
            } else {
                account.take_length(open.file(), position.saturating_add(length))
            };
            return taken.map(Some).map_err(refused);
        }
        Ok(None)
    }

    pub(super) fn same_disk(&self, old: types::Fd, new: types::Fd) -> Result<()> {
        match (self.number(old), self.number(new)) {
            (Some(old), Some(new)) if are_two_disks(Some(&old.place), Some(&new.place)) => {
                Err(Errno::Xdev.into())
            }
            _ => Ok(()),
        }
    }

    /// Notes a denial, if that is why it failed.
    pub(super) fn note<T>(
        &self,
        memory: &GuestMemory<'_>,
        done: &Result<T>,
        fd: types::Fd,
        asked: &str,
        path: Option<GuestPtr<str>>,
    ) {
        if let Err(error) = done
            && let Some(Errno::Perm) = error.downcast_ref()
            && let Some(open) = self.number(fd)
        {
            let path = path.and_then(|path| memory.as_cow_str(path).ok()).unwrap_or_default();
            self.guard.denied(Some(&open.place), asked, &path);
        }
    }
}

/// What the guest is told when there is no room.
pub(super) fn refused(refusal: Refusal) -> types::Error {
    match refusal {
        Refusal::NoSpace => Errno::Nospc.into(),
        Refusal::Stop(refused) => types::Error::trap(refused.into()),
    }
}
