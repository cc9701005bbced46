//! `Known`: what this process has of one kind of code.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::flight::Flights;
use crate::memory::Memory;
use crate::{Digest, module_cache::Made};

/// What this process has of one kind: what is being compiled now, and what is kept.
#[derive(Debug)]
pub(crate) struct Known<T> {
    pub(crate) flights: Flights<Made<T>>,
    memory: Option<Mutex<Memory<T>>>,
}

impl<T: Clone> Known<T> {
    /// Keeps so many bytes at most, or nothing.
    pub(crate) fn new(memory: Option<u64>) -> Arc<Self> {
        Arc::new(Self {
            flights: Flights::default(),
            memory: memory.map(|most| Mutex::new(Memory::new(most))),
        })
    }

    /// Keeps what is in memory for an input, or comes there.
    pub(crate) fn pin(&self, input: Digest) {
        if let Some(mut memory) = self.memory() {
            memory.pin(input);
        }
    }

    /// Undoes one [`pin`](Self::pin).
    pub(crate) fn unpin(&self, input: &Digest) {
        if let Some(mut memory) = self.memory() {
            memory.unpin(input);
        }
    }

    /// How many bytes may be kept, if anything is.
    pub(crate) fn most(&self) -> Option<u64> {
        self.memory().map(|memory| memory.most())
    }

    /// What is kept. `None` if nothing ever is.
    pub(crate) fn memory(&self) -> Option<MutexGuard<'_, Memory<T>>> {
        // Nothing panics while it is half changed.
        self.memory.as_ref().map(|memory| memory.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
