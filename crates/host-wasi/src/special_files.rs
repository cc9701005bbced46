//! What in a granted directory is no file: pipes, sockets and devices, which are seen and never opened.
//!
//! To open a pipe waits for whoever is at its other end, on a thread of the host that no deadline ends; to open a device
//! can do anything at all. No guest can make either, but a host may have them lying about.
//!
//! A path is looked at before it is opened. In between, whoever else may write to the directory could put a pipe in the
//! place of a file; it would have to be there already.

use wasmtime_wasi::p1::types::{Errno, Filetype};
use wasmtime_wasi::p2::bindings::filesystem::types::{DescriptorType, ErrorCode};

/// Refuses what must not be opened, of what a WASI 0.1 guest's path was found to lead to.
pub(crate) fn check_p1(found: Filetype) -> Result<(), Errno> {
    match found {
        // A symlink is found where it is not to be followed, and then opening it fails by itself.
        Filetype::RegularFile | Filetype::Directory | Filetype::SymbolicLink => Ok(()),
        _ => Err(Errno::Perm),
    }
}

/// The same for WASI 0.2.
pub(crate) fn check_p2(found: DescriptorType) -> Result<(), ErrorCode> {
    match found {
        DescriptorType::RegularFile | DescriptorType::Directory | DescriptorType::SymbolicLink => Ok(()),
        _ => Err(ErrorCode::NotPermitted),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_directories_and_links_are_opened_and_nothing_else() {
        use {DescriptorType as P2, Filetype as P1};
        for (p1, p2) in [
            (P1::RegularFile, P2::RegularFile),
            (P1::Directory, P2::Directory),
            (P1::SymbolicLink, P2::SymbolicLink),
        ] {
            assert!(check_p1(p1).is_ok() && check_p2(p2).is_ok(), "{p1:?}");
        }
        for p1 in [P1::Unknown, P1::BlockDevice, P1::CharacterDevice, P1::SocketDgram, P1::SocketStream] {
            assert!(matches!(check_p1(p1), Err(Errno::Perm)), "{p1:?}");
        }
        for p2 in [P2::Unknown, P2::BlockDevice, P2::CharacterDevice, P2::Fifo, P2::Socket] {
            assert!(matches!(check_p2(p2), Err(ErrorCode::NotPermitted)), "{p2:?}");
        }
    }
}
