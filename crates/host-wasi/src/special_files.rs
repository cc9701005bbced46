//! What in a granted directory is no file: pipes, sockets and devices, which are seen and never opened.
//!
//! To open a pipe waits for whoever is at its other end, on a thread of the host that no deadline ends; to open a device
//! can do anything at all. No guest can make either, but a host may have them lying about.
//!
//! A path is looked at before it is opened. In between, whoever else may write to the directory could put a pipe in the
//! place of a file; it would have to be there already.

use wasmtime_wasi::p2::bindings::filesystem::types::DescriptorType;

/// Whether what a guest's path was found to lead to may be opened. A symlink is found where it is not to be followed, and
/// then opening it fails by itself.
pub(crate) fn may_be_opened(found: DescriptorType) -> bool {
    matches!(found, DescriptorType::RegularFile | DescriptorType::Directory | DescriptorType::SymbolicLink)
}

#[cfg(test)]
mod tests {
    use super::{DescriptorType, may_be_opened};

    #[test]
    fn files_directories_and_links_are_opened_and_nothing_else() {
        use DescriptorType::*;
        assert!([RegularFile, Directory, SymbolicLink].into_iter().all(may_be_opened));
        assert!(![Unknown, BlockDevice, CharacterDevice, Fifo, Socket].into_iter().any(may_be_opened));
    }
}
