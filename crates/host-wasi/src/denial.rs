//! What did a guest ask for and not get? Kept while it runs, for whoever wonders why it failed.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

/// How many different denials one [`Wasi`](crate::Wasi) keeps. A guest that tries all addresses makes as many.
const MOST_KEPT: usize = 64;

/// How much of a text that a guest chose is kept, in bytes.
const LONGEST: usize = 256;

/// Something a guest asked for while it ran, and was refused because no grant covers it.
///
/// To the guest it is an ordinary failure, such as "permission denied", which it may hide. See
/// [`Wasi::denials`](crate::Wasi::denials).
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Denial {
    /// What it asked for, such as "to connect to 10.0.0.1:80 by TCP". The guest chose parts of it; at most some
    /// hundred bytes are kept.
    pub asked: String,
    /// The line of the grants that would have covered it, such as `network = ["tcp://10.0.0.1:80"]`.
    pub grant: String,
}

impl fmt::Display for Denial {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "the guest asked {}, which is not granted: {}", self.asked, self.grant)
    }
}

/// Where denials are kept. Clones share one list: the parts of a `Wasi` that deny are many.
#[derive(Clone, Default)]
pub(crate) struct Denials(Arc<Mutex<Kept>>);

#[derive(Default)]
struct Kept {
    list: Vec<Denial>,
    dropped: u64,
}

impl Denials {
    /// Keeps a denial, once however often it comes.
    pub(crate) fn record(&self, asked: impl Into<String>, grant: impl Into<String>) {
        let denial = Denial { asked: shortened(asked.into()), grant: shortened(grant.into()) };
        let mut kept = self.kept();
        if kept.list.contains(&denial) {
            return;
        }
        if kept.list.len() < MOST_KEPT {
            kept.list.push(denial);
        } else {
            kept.dropped = kept.dropped.saturating_add(1);
        }
    }

    pub(crate) fn list(&self) -> Vec<Denial> {
        self.kept().list.clone()
    }

    pub(crate) fn dropped(&self) -> u64 {
        self.kept().dropped
    }

    /// The list and how many are missing from it; from now on both are empty.
    pub(crate) fn take(&self) -> (Vec<Denial>, u64) {
        let kept = std::mem::take(&mut *self.kept());
        (kept.list, kept.dropped)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        // Nothing here panics with the lock held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shortened(mut text: String) -> String {
    if text.len() > LONGEST {
        text.truncate(text.floor_char_boundary(LONGEST));
        text.push('…');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::{Denials, LONGEST, MOST_KEPT};

    #[test]
    fn a_denial_is_kept_once_and_only_so_many() {
        let denials = Denials::default();
        for _ in 0..3 {
            denials.record("for one thing", "a");
        }
        assert_eq!(denials.list().len(), 1);
        for number in 0..MOST_KEPT + 9 {
            denials.record(format!("for {number}"), "a");
        }
        assert_eq!(denials.list().len(), MOST_KEPT);
        assert_eq!(denials.dropped(), 10);
    }

    #[test]
    fn what_a_guest_wrote_is_shortened() {
        let denials = Denials::default();
        denials.record("é".repeat(LONGEST), "a");
        let asked = &denials.list()[0].asked;
        assert!(asked.len() <= LONGEST + '…'.len_utf8() && asked.ends_with('…'), "{asked}");
    }
}
