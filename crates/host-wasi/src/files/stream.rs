//! A stream into a file with a quota.

use std::fs::File;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

use super::quota::{Account, Refusal};
use crate::bounded::no_space_left;

/// How much a guest may offer in one write, in bytes; the host holds that much for a moment.
const LARGEST_WRITE: usize = 64 * 1024;

/// Writes at once, where wasmtime-wasi's stream writes in the background: what two streams into one file take is
/// then known exactly, whatever their order.
pub(crate) struct QuotaStream {
    file: Arc<File>,
    account: Arc<Account>,
    /// Where the next byte goes; at the end of the file if there is no such place.
    position: Option<u64>,
}

impl QuotaStream {
    pub(crate) fn at(file: Arc<File>, account: Arc<Account>, position: u64) -> Self {
        Self { file, account, position: Some(position) }
    }

    pub(crate) fn append(file: Arc<File>, account: Arc<Account>) -> Self {
        Self { file, account, position: None }
    }
}

#[async_trait]
impl Pollable for QuotaStream {
    async fn ready(&mut self) {}
}

#[async_trait]
impl OutputStream for QuotaStream {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        if bytes.len() > LARGEST_WRITE {
            return Err(StreamError::trap("a write that `check-write` did not permit"));
        }
        let failed = |error: io::Error| StreamError::LastOperationFailed(error.into());
        let length = bytes.len() as u64;
        let taken = match self.position {
            Some(position) => self.account.take_length(&self.file, position.saturating_add(length)),
            None => self.account.take_appended(&self.file, length),
        };
        let _taken = taken.map_err(|refusal| match refusal {
            Refusal::NoSpace => failed(no_space_left()),
            Refusal::Stop(refused) => StreamError::Trap(refused.into()),
        })?;
        match &mut self.position {
            Some(position) => {
                write_all_at(&self.file, &bytes, *position).map_err(failed)?;
                *position = position.saturating_add(length);
            }
            None => append_all(&self.file, &bytes).map_err(failed)?,
        }
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(LARGEST_WRITE)
    }
}

#[cfg(unix)]
fn write_all_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(windows)]
fn write_all_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = std::os::windows::fs::FileExt::seek_write(file, bytes, offset)?;
        if written == 0 {
            return Err(io::ErrorKind::WriteZero.into());
        }
        bytes = &bytes[written..];
        offset += written as u64;
    }
    Ok(())
}

/// Writes at the end, wherever another guest has moved it to.
#[cfg(target_os = "linux")]
fn append_all(file: &File, mut bytes: &[u8]) -> io::Result<()> {
    use rustix::io::{Errno, ReadWriteFlags, pwritev2};

    while !bytes.is_empty() {
        match pwritev2(file, &[io::IoSlice::new(bytes)], 0, ReadWriteFlags::APPEND) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => bytes = &bytes[written..],
            Err(Errno::INTR) => {}
            Err(Errno::NOSYS | Errno::NOTSUP) => return append_here(file, bytes),
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

#[cfg(not(target_os = "linux"))]
fn append_all(file: &File, bytes: &[u8]) -> io::Result<()> {
    append_here(file, bytes)
}

/// Writes where the end is now.
fn append_here(file: &File, bytes: &[u8]) -> io::Result<()> {
    write_all_at(file, bytes, file.metadata()?.len())
}
