//! A stream into a file with a quota.

use std::fs::File;
use std::io;
use std::sync::Arc;

use bytes::Bytes;
use wasmtime_wasi::async_trait;
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamError, StreamResult};

use super::quota::{Account, Refusal};
use crate::capture::no_space_left;

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
        let start = match self.position {
            Some(position) => position,
            None => self.file.metadata().map_err(failed)?.len(),
        };
        let end = start.saturating_add(bytes.len() as u64);
        let _taken = self.account.take_length(&self.file, end).map_err(|refusal| match refusal {
            Refusal::NoSpace => failed(no_space_left()),
            Refusal::Stop(refused) => StreamError::Trap(refused.into()),
        })?;
        write_all_at(&self.file, &bytes, start).map_err(failed)?;
        if let Some(position) = &mut self.position {
            *position = end;
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
