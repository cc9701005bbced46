//! What is known of a directory, and what is different now.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use super::Change;
use crate::files::{Listing, Skip, Stamp};

/// The files that were told.
pub(super) struct Known {
    files: BTreeMap<PathBuf, Stamp>,
    /// Those of them that are not there, and since when.
    missing: BTreeMap<PathBuf, Instant>,
}

impl Known {
    pub(super) fn new(files: BTreeMap<PathBuf, Stamp>) -> Known {
        Known { files, missing: BTreeMap::new() }
    }

    /// Whether a listing holds anything else.
    pub(super) fn differs(&self, now: &Listing) -> bool {
        self.files != now.files
    }

    /// What is different in a listing of `now`: it is known from now on. With it, whether to look once more after `quiet`.
    ///
    /// Who saves a file may remove it before writing it anew. So a file counts as removed only when it has not been there
    /// for `quiet`.
    pub(super) fn update(&mut self, listing: Listing, now: Instant, quiet: Duration) -> (Vec<Change>, bool) {
        let mut changes = Vec::new();
        // Of these nothing is known at the moment.
        let unclear = |path: &PathBuf| {
            let found = listing.skipped.binary_search_by(|skipped| skipped.path.cmp(path));
            found.is_ok_and(|found| matches!(listing.skipped[found].why, Skip::Unreadable(_)))
        };
        let mut missing = BTreeMap::new();
        let mut removed = Vec::new();
        for path in self.files.keys().filter(|path| !listing.files.contains_key(*path) && !unclear(path)) {
            let since = self.missing.get(path).copied().unwrap_or(now);
            if self.missing.contains_key(path) && now.saturating_duration_since(since) >= quiet {
                removed.push(path.clone());
            } else {
                missing.insert(path.clone(), since);
            }
        }
        self.missing = missing;
        for path in removed {
            self.files.remove(&path);
            changes.push(Change::Removed(path));
        }
        for (path, stamp) in listing.files {
            match self.files.insert(path.clone(), stamp) {
                None => changes.push(Change::Added(path)),
                Some(known) if known != stamp => changes.push(Change::Changed(path)),
                Some(_) => {}
            }
        }
        (changes, !self.missing.is_empty())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;
    use crate::files::{Skipped, list};

    const QUIET: Duration = Duration::from_millis(200);

    fn tell(changes: &[Change]) -> String {
        let name = |path: &Path| path.file_name().unwrap().to_str().unwrap().to_owned();
        let tell = |change: &Change| match change {
            Change::Added(path) => format!("+{}", name(path)),
            Change::Changed(path) => format!("~{}", name(path)),
            Change::Removed(path) => format!("-{}", name(path)),
            other => panic!("{other:?}"),
        };
        changes.iter().map(tell).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn differences_are_told_once_and_removals_when_they_last() {
        let directory = tempfile::tempdir().unwrap();
        let inside = |name: &str| directory.path().join(name);
        for name in ["a.wasm", "b.wasm", "c.wasm"] {
            fs::write(inside(name), name).unwrap();
        }
        let look = || list(directory.path(), 10).unwrap();
        let mut known = Known::new(look().files);
        assert!(!known.differs(&look()));
        let now = Instant::now();

        fs::write(inside("a.wasm"), "longer").unwrap();
        fs::remove_file(inside("b.wasm")).unwrap();
        fs::remove_file(inside("c.wasm")).unwrap();
        fs::write(inside("d.wasm"), "").unwrap();
        assert!(known.differs(&look()));
        let (changes, again) = known.update(look(), now, QUIET);
        assert_eq!(tell(&changes), "~a.wasm +d.wasm");
        assert!(again);

        // One was only saved, and it is too early for the other.
        fs::write(inside("b.wasm"), "another").unwrap();
        let (changes, again) = known.update(look(), now + QUIET / 2, QUIET);
        assert_eq!((tell(&changes).as_str(), again), ("~b.wasm", true));
        let (changes, again) = known.update(look(), now + QUIET, QUIET);
        assert_eq!((tell(&changes).as_str(), again), ("-c.wasm", false));
        let (changes, again) = known.update(look(), now + 2 * QUIET, QUIET);
        assert_eq!((tell(&changes).as_str(), again), ("", false));
    }

    #[test]
    fn a_file_that_cannot_be_looked_at_is_not_removed() {
        let path = PathBuf::from("/d/a.wasm");
        let directory = tempfile::tempdir().unwrap();
        let stamp = Stamp::of(directory.path()).unwrap();
        let mut known = Known::new(BTreeMap::from([(path.clone(), stamp)]));
        let now = Instant::now();
        let mut look = |why, after| {
            let skipped = vec![Skipped { path: path.clone(), why }];
            let listing = Listing { skipped, ..Listing::default() };
            known.update(listing, now + after, QUIET)
        };
        for after in [0, 1, 2] {
            let (changes, again) = look(Skip::Unreadable(std::io::ErrorKind::Other), after * QUIET);
            assert!(changes.is_empty() && !again);
        }
        assert!(look(Skip::NotRegular, 3 * QUIET).1);
        assert_eq!(tell(&look(Skip::NotRegular, 4 * QUIET).0), "-a.wasm");
    }
}
