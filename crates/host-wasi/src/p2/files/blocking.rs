//! The same for stores called with `call`: each method waits for the one of the same name.

use wasmtime::component::Resource;
use wasmtime_wasi::filesystem::Descriptor;
use wasmtime_wasi::p2::bindings::filesystem::types as waiting;
use wasmtime_wasi::p2::bindings::sync::filesystem::types::{self, HostDescriptor, HostDirectoryEntryStream};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, FsError, FsResult, ReaddirIterator};
use wasmtime_wasi::runtime::in_tokio;

use super::FilesView;

impl types::Host for FilesView<'_> {
    fn convert_error_code(&mut self, error: FsError) -> wasmtime::Result<types::ErrorCode> {
        Ok(waiting::Host::convert_error_code(self, error)?.into())
    }

    fn filesystem_error_code(
        &mut self,
        error: Resource<wasmtime::Error>,
    ) -> wasmtime::Result<Option<types::ErrorCode>> {
        Ok(waiting::Host::filesystem_error_code(self, error)?.map(Into::into))
    }
}

/// The types of the two forms differ in name only.
macro_rules! blocking {
    ($($name:ident($($argument:ident: $type:ty),*) -> $result:ty;)*) => {$(
        fn $name(&mut self, descriptor: Resource<Descriptor>, $($argument: $type),*) -> FsResult<$result> {
            let done = in_tokio(waiting::HostDescriptor::$name(self, descriptor, $($argument.into()),*))?;
            Ok(done.into())
        }
    )*};
}

impl HostDescriptor for FilesView<'_> {
    blocking! {
        advise(offset: u64, length: u64, advice: types::Advice) -> ();
        sync_data() -> ();
        get_flags() -> types::DescriptorFlags;
        get_type() -> types::DescriptorType;
        set_size(size: u64) -> ();
        set_times(accessed: types::NewTimestamp, modified: types::NewTimestamp) -> ();
        read(length: u64, offset: u64) -> (Vec<u8>, bool);
        write(bytes: Vec<u8>, offset: u64) -> u64;
        read_directory() -> Resource<ReaddirIterator>;
        sync() -> ();
        create_directory_at(path: String) -> ();
        stat() -> types::DescriptorStat;
        stat_at(flags: types::PathFlags, path: String) -> types::DescriptorStat;
        set_times_at(
            flags: types::PathFlags, path: String, accessed: types::NewTimestamp, modified: types::NewTimestamp
        ) -> ();
        link_at(
            flags: types::PathFlags, old_path: String, new: Resource<Descriptor>, new_path: String
        ) -> ();
        open_at(
            lookup: types::PathFlags, path: String, how: types::OpenFlags, flags: types::DescriptorFlags
        ) -> Resource<Descriptor>;
        readlink_at(path: String) -> String;
        remove_directory_at(path: String) -> ();
        rename_at(old_path: String, new: Resource<Descriptor>, new_path: String) -> ();
        symlink_at(text: String, path: String) -> ();
        unlink_file_at(path: String) -> ();
        metadata_hash() -> types::MetadataHashValue;
        metadata_hash_at(flags: types::PathFlags, path: String) -> types::MetadataHashValue;
    }

    fn drop(&mut self, descriptor: Resource<Descriptor>) -> wasmtime::Result<()> {
        waiting::HostDescriptor::drop(self, descriptor)
    }

    fn read_via_stream(
        &mut self,
        descriptor: Resource<Descriptor>,
        offset: u64,
    ) -> FsResult<Resource<DynInputStream>> {
        waiting::HostDescriptor::read_via_stream(self, descriptor, offset)
    }

    fn write_via_stream(
        &mut self,
        descriptor: Resource<Descriptor>,
        offset: u64,
    ) -> FsResult<Resource<DynOutputStream>> {
        waiting::HostDescriptor::write_via_stream(self, descriptor, offset)
    }

    fn append_via_stream(&mut self, descriptor: Resource<Descriptor>) -> FsResult<Resource<DynOutputStream>> {
        waiting::HostDescriptor::append_via_stream(self, descriptor)
    }

    fn is_same_object(
        &mut self,
        one: Resource<Descriptor>,
        other: Resource<Descriptor>,
    ) -> wasmtime::Result<bool> {
        in_tokio(waiting::HostDescriptor::is_same_object(self, one, other))
    }
}

impl HostDirectoryEntryStream for FilesView<'_> {
    fn read_directory_entry(
        &mut self,
        listing: Resource<ReaddirIterator>,
    ) -> FsResult<Option<types::DirectoryEntry>> {
        let entry = in_tokio(waiting::HostDirectoryEntryStream::read_directory_entry(self, listing))?;
        Ok(entry.map(Into::into))
    }

    fn drop(&mut self, listing: Resource<ReaddirIterator>) -> wasmtime::Result<()> {
        waiting::HostDirectoryEntryStream::drop(self, listing)
    }
}
