//! `wasi:filesystem` of WASI 0.2. wasmtime-wasi does the work; room is taken before a file grows, and a denial is noted
//! after it.

mod blocking;
mod rules;

use wasmtime::component::{HasData, Resource};
use wasmtime_wasi::filesystem::{Descriptor, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::filesystem::preopens;
use wasmtime_wasi::p2::bindings::filesystem::types::{
    self, ErrorCode, HostDescriptor, HostDirectoryEntryStream,
};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult, ReaddirIterator};

use self::rules::refused;
use crate::HasWasi;
use crate::files::guard::{Guard, ListingTooLong, file_of};
use crate::files::slashes;
use crate::files::stream::QuotaStream;
use crate::special_files::may_be_opened;

/// Says that `wasi:filesystem` works on a [`FilesView`].
pub(super) struct GuardedFiles;

impl HasData for GuardedFiles {
    type Data<'a> = FilesView<'a>;
}

/// wasmtime-wasi's files, and the guard before them.
pub(super) struct FilesView<'a> {
    guard: &'a mut Guard,
    inner: WasiFilesystemCtxView<'a>,
}

pub(super) fn view<T: HasWasi>(data: &mut T) -> FilesView<'_> {
    use wasmtime_wasi::WasiView as _;
    let guarded = &mut data.wasi().guarded;
    let view = guarded.context.ctx();
    let inner = WasiFilesystemCtxView { ctx: view.ctx.filesystem(), table: view.table };
    FilesView { guard: &mut guarded.guard, inner }
}

impl preopens::Host for FilesView<'_> {
    fn get_directories(&mut self) -> wasmtime::Result<Vec<(Resource<Descriptor>, String)>> {
        let directories = preopens::Host::get_directories(&mut self.inner)?;
        for ((descriptor, _), place) in directories.iter().zip(self.guard.places().to_vec()) {
            self.guard.descriptors.insert(descriptor.rep(), place);
        }
        Ok(directories)
    }
}

impl types::Host for FilesView<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<ErrorCode> {
        types::Host::convert_error_code(&mut self.inner, error)
    }

    fn filesystem_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        types::Host::filesystem_error_code(&mut self.inner, error)
    }
}

/// Methods that go to wasmtime-wasi as they are.
macro_rules! delegated {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {$(
        async fn $name(&mut self, descriptor: Resource<Descriptor>, $($argument: $type),*) -> FsResult<$result> {
            self.inner.$name(descriptor, $($argument),*).await
        }
    )*};
}

impl HostDescriptor for FilesView<'_> {
    delegated! {
        advise(offset: u64, length: u64, advice: types::Advice) -> ();
        sync_data() -> ();
        get_flags() -> types::DescriptorFlags;
        get_type() -> types::DescriptorType;
        read(length: u64, offset: u64) -> (Vec<u8>, bool);
        sync() -> ();
        stat() -> types::DescriptorStat;
        stat_at(flags: types::PathFlags, path: String) -> types::DescriptorStat;
        readlink_at(path: String) -> String;
        metadata_hash() -> types::MetadataHashValue;
        metadata_hash_at(flags: types::PathFlags, path: String) -> types::MetadataHashValue;
    }

    async fn is_same_object(
        &mut self,
        one: Resource<Descriptor>,
        other: Resource<Descriptor>,
    ) -> wasmtime::Result<bool> {
        self.inner.is_same_object(one, other).await
    }

    fn read_via_stream(
        &mut self,
        descriptor: Resource<Descriptor>,
        offset: u64,
    ) -> FsResult<Resource<DynInputStream>> {
        self.inner.read_via_stream(descriptor, offset)
    }

    fn write_via_stream(
        &mut self,
        descriptor: Resource<Descriptor>,
        offset: u64,
    ) -> FsResult<Resource<DynOutputStream>> {
        let index = descriptor.rep();
        // wasmtime-wasi checks that there may be one.
        let stream = self.inner.write_via_stream(descriptor, offset)?;
        self.limit(index, stream, |file, account| QuotaStream::at(file, account, offset))
    }

    fn append_via_stream(&mut self, descriptor: Resource<Descriptor>) -> FsResult<Resource<DynOutputStream>> {
        let index = descriptor.rep();
        let stream = self.inner.append_via_stream(descriptor)?;
        self.limit(index, stream, QuotaStream::append)
    }

    async fn write(
        &mut self,
        descriptor: Resource<Descriptor>,
        bytes: Vec<u8>,
        offset: u64,
    ) -> FsResult<u64> {
        let _taken = self.take_length(&descriptor, offset.saturating_add(bytes.len() as u64))?;
        self.inner.write(descriptor, bytes, offset).await
    }

    async fn set_size(&mut self, descriptor: Resource<Descriptor>, size: u64) -> FsResult<()> {
        let _taken = self.take_length(&descriptor, size)?;
        let place = self.place(&descriptor);
        let done = self.inner.set_size(descriptor, size).await;
        self.note(done, place, "to resize a file in", "")
    }

    async fn set_times(
        &mut self,
        descriptor: Resource<Descriptor>,
        accessed: types::NewTimestamp,
        modified: types::NewTimestamp,
    ) -> FsResult<()> {
        let place = self.place(&descriptor);
        let done = self.inner.set_times(descriptor, accessed, modified).await;
        self.note(done, place, "to set the times of a file in", "")
    }

    async fn set_times_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        flags: types::PathFlags,
        path: String,
        accessed: types::NewTimestamp,
        modified: types::NewTimestamp,
    ) -> FsResult<()> {
        let place = self.place(&descriptor);
        let done = self.inner.set_times_at(descriptor, flags, path.clone(), accessed, modified).await;
        self.note(done, place, "to set the times of", &path)
    }

    async fn read_directory(
        &mut self,
        descriptor: Resource<Descriptor>,
    ) -> FsResult<Resource<ReaddirIterator>> {
        let entries = match file_of(self.inner.table, descriptor.rep()).map(|file| self.guard.listing(&file))
        {
            Some(Ok(Err(ListingTooLong))) => return Err(ErrorCode::InsufficientMemory.into()),
            Some(Ok(Ok(entries))) => entries,
            // What cannot be listed at all, wasmtime-wasi says better.
            Some(Err(_)) | None => 0,
        };
        let listing = self.inner.read_directory(descriptor).await?;
        self.guard.listings.insert(listing.rep(), entries);
        Ok(listing)
    }

    async fn create_directory_at(&mut self, descriptor: Resource<Descriptor>, path: String) -> FsResult<()> {
        let _taken = self.take_entry(&descriptor, 0)?;
        let place = self.place(&descriptor);
        let done = self.inner.create_directory_at(descriptor, path.clone()).await;
        self.note(done, place, "to make the directory", &path)
    }

    async fn symlink_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        text: String,
        path: String,
    ) -> FsResult<()> {
        let _taken = self.take_entry(&descriptor, text.len() as u64)?;
        let place = self.place(&descriptor);
        let done = self.inner.symlink_at(descriptor, text, path.clone()).await;
        self.note(done, place, "to make the link", &path)
    }

    async fn link_at(
        &mut self,
        old: Resource<Descriptor>,
        flags: types::PathFlags,
        old_path: String,
        new: Resource<Descriptor>,
        new_path: String,
    ) -> FsResult<()> {
        self.same_disk(&old, &new)?;
        let _taken = self.take_entry(&new, 0)?;
        let (old_place, new_place) = (self.place(&old), self.place(&new));
        let done = self.inner.link_at(old, flags, old_path.clone(), new, new_path.clone()).await;
        let done = self.note(done, old_place, "to link", &old_path);
        self.note(done, new_place, "to make the link", &new_path)
    }

    async fn rename_at(
        &mut self,
        old: Resource<Descriptor>,
        old_path: String,
        new: Resource<Descriptor>,
        new_path: String,
    ) -> FsResult<()> {
        self.same_disk(&old, &new)?;
        let (old_place, new_place) = (self.place(&old), self.place(&new));
        let done = self.inner.rename_at(old, old_path.clone(), new, new_path.clone()).await;
        let done = self.note(done, old_place, "to move away", &old_path);
        self.note(done, new_place, "to move to", &new_path)
    }

    async fn remove_directory_at(&mut self, descriptor: Resource<Descriptor>, path: String) -> FsResult<()> {
        let place = self.place(&descriptor);
        // wasmtime-wasi takes `name/` for `name/.`, by which nothing can be removed.
        let removed = slashes::without(&path).to_owned();
        let done = self.inner.remove_directory_at(descriptor, removed).await;
        self.note(done, place, "to remove the directory", &path)
    }

    async fn unlink_file_at(&mut self, descriptor: Resource<Descriptor>, path: String) -> FsResult<()> {
        let place = self.place(&descriptor);
        let done = self.inner.unlink_file_at(descriptor, path.clone()).await;
        self.note(done, place, "to remove", &path)
    }

    async fn open_at(
        &mut self,
        descriptor: Resource<Descriptor>,
        lookup: types::PathFlags,
        path: String,
        how: types::OpenFlags,
        flags: types::DescriptorFlags,
    ) -> FsResult<Resource<Descriptor>> {
        let found = self.inner.stat_at(Resource::new_borrow(descriptor.rep()), lookup, path.clone()).await;
        if found.as_ref().is_ok_and(|found| !may_be_opened(found.type_)) {
            return Err(ErrorCode::NotPermitted.into());
        }
        let place = self.place(&descriptor);
        let mut _taken = None;
        if let Some(account) = place.as_ref().and_then(|place| place.account.as_ref())
            && how.contains(types::OpenFlags::CREATE)
            && found.is_err()
        {
            _taken = Some(account.take_entry(0).map_err(refused)?);
        }
        let writes = how.intersects(types::OpenFlags::CREATE | types::OpenFlags::TRUNCATE)
            || flags.contains(types::DescriptorFlags::WRITE);
        let opened = self.inner.open_at(descriptor, lookup, path.clone(), how, flags).await;
        let asked = if writes { place.clone() } else { None };
        let opened = self.note(opened, asked, "to write", &path)?;
        if let Some(place) = place {
            if let Some(account) = &place.account
                && let Some(file) = file_of(self.inner.table, opened.rep())
            {
                account.opened(&file);
            }
            self.guard.descriptors.insert(opened.rep(), place);
        }
        Ok(opened)
    }

    fn drop(&mut self, descriptor: Resource<Descriptor>) -> wasmtime::Result<()> {
        self.guard.descriptors.remove(&descriptor.rep());
        HostDescriptor::drop(&mut self.inner, descriptor)
    }
}

impl HostDirectoryEntryStream for FilesView<'_> {
    async fn read_directory_entry(
        &mut self,
        listing: Resource<ReaddirIterator>,
    ) -> FsResult<Option<types::DirectoryEntry>> {
        self.inner.read_directory_entry(listing).await
    }

    fn drop(&mut self, listing: Resource<ReaddirIterator>) -> wasmtime::Result<()> {
        self.guard.listings.remove(&listing.rep());
        HostDirectoryEntryStream::drop(&mut self.inner, listing)
    }
}
