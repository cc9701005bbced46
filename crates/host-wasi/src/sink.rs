//! Where does bounded output go? Into memory, a file, or line by line to a callback.

use std::fs::File;
use std::io::{self, Write as _};

use crate::lines::{Lines, OnLinePanicked};

/// Takes bytes. How many it may take is not its concern.
pub(crate) enum Sink {
    Memory(Vec<u8>),
    File(File),
    Lines(Lines),
}

pub(crate) enum SinkError {
    Io(io::Error),
    Panicked(OnLinePanicked),
}

impl Sink {
    /// Takes `bytes`, and says how many it took; fewer than all only with an error.
    pub(crate) fn take(&mut self, bytes: &[u8]) -> (usize, Result<(), SinkError>) {
        match self {
            Sink::Memory(kept) => {
                kept.extend_from_slice(bytes);
                (bytes.len(), Ok(()))
            }
            Sink::File(file) => write(file, bytes),
            Sink::Lines(lines) => (bytes.len(), lines.take(bytes).map_err(SinkError::Panicked)),
        }
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        match self {
            Sink::Memory(kept) => kept,
            Sink::File(_) | Sink::Lines(_) => &[],
        }
    }

    /// Hands out what is kept in memory, and ends the line that has begun.
    pub(crate) fn begin_again(&mut self) -> Vec<u8> {
        self.finish();
        match self {
            Sink::Memory(kept) => std::mem::take(kept),
            Sink::File(_) | Sink::Lines(_) => Vec::new(),
        }
    }

    pub(crate) fn is_file(&self) -> bool {
        matches!(self, Sink::File(_))
    }

    pub(crate) fn finish(&mut self) {
        if let Sink::Lines(lines) = self {
            lines.finish();
        }
    }
}

/// As `write_all`, which does not say how far it came.
fn write(file: &mut File, bytes: &[u8]) -> (usize, Result<(), SinkError>) {
    let mut written = 0;
    while written < bytes.len() {
        match file.write(&bytes[written..]) {
            Ok(0) => return (written, Err(SinkError::Io(io::ErrorKind::WriteZero.into()))),
            Ok(more) => written += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return (written, Err(SinkError::Io(error))),
        }
    }
    (written, Ok(()))
}
