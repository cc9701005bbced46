//! The rules for the files of a WASI 0.2 guest.

use std::fs::File;
use std::sync::Arc;

use wasmtime::component::Resource;
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::p2::bindings::filesystem::types::ErrorCode;
use wasmtime_wasi::p2::{DynOutputStream, FsError, FsResult};

use super::FilesView;
use crate::files::guard::{Place, are_two_disks, file_of};
use crate::files::ledger::Taken;
use crate::files::quota::{Account, Refusal};
use crate::files::stream::QuotaStream;

impl FilesView<'_> {
    pub(super) fn place(&self, descriptor: &Resource<Descriptor>) -> Option<Arc<Place>> {
        self.guard.descriptors.get(&descriptor.rep()).cloned()
    }

    pub(super) fn account(&self, descriptor: &Resource<Descriptor>) -> Option<Arc<Account>> {
        self.guard.descriptors.get(&descriptor.rep())?.account.clone()
    }

    pub(super) fn take_entry(
        &self,
        descriptor: &Resource<Descriptor>,
        bytes: u64,
    ) -> FsResult<Option<Taken>> {
        let account = self.account(descriptor);
        account.map(|account| account.take_entry(bytes).map_err(refused)).transpose()
    }

    pub(super) fn take_length(
        &mut self,
        descriptor: &Resource<Descriptor>,
        length: u64,
    ) -> FsResult<Option<Taken>> {
        match (self.account(descriptor), file_of(self.inner.table, descriptor.rep())) {
            (Some(account), Some(file)) => account.take_length(&file, length).map(Some).map_err(refused),
            _ => Ok(None),
        }
    }

    /// Puts a stream that keeps the quota in the place of wasmtime-wasi's `stream`, if there is a quota on the file.
    pub(super) fn limit(
        &mut self,
        index: u32,
        stream: Resource<DynOutputStream>,
        limited: impl FnOnce(Arc<File>, Arc<Account>) -> QuotaStream,
    ) -> FsResult<Resource<DynOutputStream>> {
        if let Some(account) = self.account(&Resource::new_borrow(index))
            && let Some(file) = file_of(self.inner.table, index)
        {
            *self.inner.table.get_mut(&stream)? = Box::new(limited(file, account));
        }
        Ok(stream)
    }

    pub(super) fn same_disk(&self, old: &Resource<Descriptor>, new: &Resource<Descriptor>) -> FsResult<()> {
        let two = are_two_disks(self.place(old).as_deref(), self.place(new).as_deref());
        if two { Err(ErrorCode::CrossDevice.into()) } else { Ok(()) }
    }

    /// Notes a denial, if that is why it failed.
    pub(super) fn note<T>(
        &self,
        done: FsResult<T>,
        place: Option<Arc<Place>>,
        asked: &str,
        path: &str,
    ) -> FsResult<T> {
        if let Err(error) = &done
            && let Some(ErrorCode::NotPermitted) = error.downcast_ref()
        {
            self.guard.denied(place.as_deref(), asked, path);
        }
        done
    }
}

/// What the guest is told when there is no room.
pub(super) fn refused(refusal: Refusal) -> FsError {
    match refusal {
        Refusal::NoSpace => ErrorCode::InsufficientSpace.into(),
        Refusal::Stop(refused) => FsError::trap(refused),
    }
}
