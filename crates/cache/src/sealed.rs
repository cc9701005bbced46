//! A copy of an artefact that nobody can change any more: a sealed memory file.

use std::fs::File;

use crate::entry::{CopyError, ReadAt, copy_artifact};
use crate::{MissReason, Trailer};

/// Copies the artefact into memory and seals it, and hands it out only if it is the one that the trailer tells of. `None`
/// where there are no such files.
pub(crate) fn seal(entry: &(impl ReadAt + ?Sized), trailer: &Trailer) -> Result<Option<File>, MissReason> {
    let Some(mut memory) = create() else { return Ok(None) };
    match copy_artifact(entry, trailer, &mut memory) {
        Ok(()) => Ok(close(&memory).then_some(memory)),
        Err(CopyError::Miss(reason)) => Err(reason),
        Err(CopyError::Sink) => Ok(None),
    }
}

#[cfg(target_os = "linux")]
fn create() -> Option<File> {
    use rustix::fs::{MemfdFlags, memfd_create};
    let flags = MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING;
    memfd_create("host-cache", flags).ok().map(File::from)
}

/// Whether the file can no longer be written to, made longer or shorter, or unsealed.
#[cfg(target_os = "linux")]
fn close(memory: &File) -> bool {
    use rustix::fs::{SealFlags, fcntl_add_seals};
    let seals = SealFlags::WRITE | SealFlags::GROW | SealFlags::SHRINK | SealFlags::SEAL;
    fcntl_add_seals(memory, seals).is_ok()
}

#[cfg(not(target_os = "linux"))]
fn create() -> Option<File> {
    None
}

#[cfg(not(target_os = "linux"))]
fn close(_memory: &File) -> bool {
    false
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use std::io::Write;

    use super::*;
    use crate::{Digest, Key};

    fn trailer(artefact: &[u8]) -> Trailer {
        Trailer::of_bytes(&Key::builder("test").finish(), artefact)
    }

    #[test]
    fn what_is_sealed_is_what_was_verified_and_stays_so() {
        let mut sealed = seal(b"artefact".as_slice(), &trailer(b"artefact")).unwrap().unwrap();
        let mut bytes = [0; 8];
        ReadAt::read_exact_at(&sealed, &mut bytes, 0).unwrap();
        assert_eq!(&bytes, b"artefact");
        assert!(sealed.write(b"x").is_err());
        assert!(sealed.set_len(0).is_err() && sealed.set_len(100).is_err());
        assert_eq!(sealed.metadata().unwrap().len(), 8);
    }

    #[test]
    fn what_is_not_right_is_not_handed_out() {
        let wrong = Trailer { digest: Digest::of(b"other"), ..trailer(b"artefact") };
        assert!(matches!(seal(b"artefact".as_slice(), &wrong), Err(MissReason::BadDigest)));
    }
}
