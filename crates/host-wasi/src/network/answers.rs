//! Which name gave which address? Kept so that a rule for a name covers what a look-up of it has found.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// How many answers are kept for one guest; the oldest goes first. Whoever misses it asks again.
const MOST_KEPT: usize = 512;

#[derive(Debug, Default)]
pub(crate) struct Answers(Mutex<VecDeque<(IpAddr, Arc<str>)>>);

impl Answers {
    /// Keeps what a look-up of `name` gave.
    pub(crate) fn add(&self, name: &str, addresses: &[IpAddr]) {
        let name: Arc<str> = name.into();
        let mut kept = self.kept();
        for address in addresses {
            let answer = (address.to_canonical(), name.clone());
            if let Some(old) = kept.iter().position(|old| *old == answer) {
                kept.remove(old);
            } else if kept.len() >= MOST_KEPT {
                kept.pop_front();
            }
            kept.push_back(answer);
        }
    }

    /// The names whose look-up gave this address.
    pub(crate) fn names(&self, address: IpAddr) -> Vec<Arc<str>> {
        let address = address.to_canonical();
        let kept = self.kept();
        kept.iter().filter(|(of, _)| *of == address).map(|(_, name)| name.clone()).collect()
    }

    fn kept(&self) -> MutexGuard<'_, VecDeque<(IpAddr, Arc<str>)>> {
        // Nothing here panics with the lock held.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use super::{Answers, MOST_KEPT};

    #[test]
    fn the_newest_answers_are_kept() {
        let answers = Answers::default();
        let address = |number: usize| IpAddr::V4(Ipv4Addr::from_bits(u32::try_from(number).unwrap()));
        answers.add("first.org", &[address(0), address(1)]);
        answers.add("first.org", &[address(1)]);
        assert_eq!(answers.names(address(1)).len(), 1);
        answers.add("second.org", &[address(1)]);
        assert_eq!(answers.names(address(1)).len(), 2);
        for number in 2..MOST_KEPT + 2 {
            answers.add("first.org", &[address(number)]);
        }
        assert!(answers.names(address(0)).is_empty());
        assert!(answers.names(address(1)).is_empty());
        assert_eq!(answers.kept().len(), MOST_KEPT);
    }
}
