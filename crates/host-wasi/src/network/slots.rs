//! How many things of a kind are under way at once?

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// So many places, shared by all clones.
#[derive(Clone, Debug)]
pub(crate) struct Slots {
    free: Arc<AtomicUsize>,
}

/// One place, free again when this is dropped.
#[derive(Debug)]
pub(crate) struct Slot {
    free: Arc<AtomicUsize>,
}

impl Slots {
    pub(crate) fn new(most: usize) -> Self {
        Self { free: Arc::new(AtomicUsize::new(most)) }
    }

    /// A place, if one is free.
    pub(crate) fn take(&self) -> Option<Slot> {
        let less = |free: usize| free.checked_sub(1);
        self.free.fetch_update(Ordering::Relaxed, Ordering::Relaxed, less).ok()?;
        Some(Slot { free: self.free.clone() })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.free.fetch_add(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::Slots;

    #[test]
    fn a_place_is_free_again_when_it_is_left() {
        let slots = Slots::new(2);
        let (first, second) = (slots.take(), slots.clone().take());
        assert!(first.is_some() && second.is_some() && slots.take().is_none());
        drop(first);
        assert!(slots.take().is_some());
    }
}
