//! What does a guest have open, in which of its directories, and what holds there?

use std::collections::HashMap;
use std::fs::File;
use std::io;
use std::sync::Arc;

#[cfg(feature = "p3")]
use wasmtime_wasi::FsPerms;
use wasmtime_wasi::ResourceTable;
use wasmtime_wasi::filesystem::Descriptor;

use super::quota::{Account, QuotaRefused};
use crate::denial::Denials;

/// Stands between a guest and wasmtime-wasi's files. What it does not know, of a context that was built elsewhere,
/// has neither a quota nor a grant to speak of.
pub(crate) struct Guard {
    places: Vec<Arc<Place>>,
    denials: Denials,
    max_listing: usize,
    /// Of WASI 0.1: what each number stands for.
    pub(crate) numbers: HashMap<u32, Open>,
    /// Of WASI 0.2: the directory that each descriptor in the table was opened in.
    pub(crate) descriptors: HashMap<u32, Arc<Place>>,
    /// Of WASI 0.2: how many entries each listing in the table holds.
    pub(crate) listings: HashMap<u32, usize>,
}

/// One directory that a guest sees.
pub(crate) struct Place {
    pub(crate) guest: String,
    /// The grant that would let the guest write, if it may not.
    pub(crate) missing: Option<String>,
    /// What may lie there, if that is limited.
    pub(crate) account: Option<Arc<Account>>,
}

/// A file or directory that a guest of WASI 0.1 has open.
#[derive(Clone)]
pub(crate) struct Open {
    pub(crate) place: Arc<Place>,
    pub(crate) descriptor: Descriptor,
    /// Whether every write goes to the end.
    pub(crate) append: bool,
}

/// The number of the first directory in WASI 0.1; before it come the three streams.
const FIRST_DIRECTORY: u32 = 3;

/// Listing would take more entries than a guest may hold.
pub(crate) struct ListingTooLong;

impl Guard {
    /// A guard of the directories `shown`, in the order in which the guest sees them.
    pub(crate) fn new(shown: Vec<(Descriptor, Place)>, denials: Denials, max_listing: usize) -> Self {
        let mut guard = Self {
            places: Vec::new(),
            denials,
            max_listing,
            numbers: HashMap::new(),
            descriptors: HashMap::new(),
            listings: HashMap::new(),
        };
        for ((descriptor, place), number) in shown.into_iter().zip(FIRST_DIRECTORY..) {
            let place = Arc::new(place);
            guard.places.push(place.clone());
            guard.numbers.insert(number, Open { place, descriptor, append: false });
        }
        guard
    }

    /// The directories, in the order in which the guest sees them.
    pub(crate) fn places(&self) -> &[Arc<Place>] {
        &self.places
    }

    /// What was refused for want of room. If so in several directories, the first is told.
    pub(crate) fn refused(&self) -> Option<QuotaRefused> {
        self.places.iter().filter_map(|place| place.account.as_ref()).find_map(|account| account.refused())
    }

    /// What was refused for want of room, told as by [`refused`](Guard::refused); from now on nothing was, anywhere.
    pub(crate) fn take_refused(&self) -> Option<QuotaRefused> {
        let accounts = self.places.iter().filter_map(|place| place.account.as_ref());
        accounts.fold(None, |first, account| {
            let refused = account.take_refused();
            first.or(refused)
        })
    }

    /// Notes that the guest asked to do something in `place` that changes it, if that is why it failed.
    pub(crate) fn denied(&self, place: Option<&Place>, asked: &str, path: &str) {
        let Some((place, missing)) = place.and_then(|place| Some((place, place.missing.as_ref()?))) else {
            return;
        };
        let separator = if path.is_empty() || place.guest.ends_with('/') { "" } else { "/" };
        self.denials.record(format!("{asked} `{}{separator}{path}`", place.guest), missing);
    }

    /// Forgets what a guest of WASI 0.2 has open, before functions of 0.3 can get at it: they have no guard, and may close what
    /// it stands for. What lies in a directory with a quota can only be read from then on.
    #[cfg(feature = "p3")]
    pub(crate) fn forget(&mut self, table: &mut ResourceTable) {
        for (index, place) in self.descriptors.drain() {
            let descriptor = table.get_any_mut(index).ok().and_then(|entry| entry.downcast_mut());
            if let (Some(_), Some(descriptor)) = (&place.account, descriptor) {
                let permissions = match descriptor {
                    Descriptor::File(file) => &mut file.perms,
                    Descriptor::Dir(directory) => &mut directory.perms,
                };
                *permissions = FsPerms::ReadOnly;
            }
        }
    }

    /// How many entries `directory` has, if a guest may list so many beside what it has listed already.
    pub(crate) fn listing(&self, directory: &File) -> io::Result<Result<usize, ListingTooLong>> {
        let held: usize = self.listings.values().sum();
        let room = self.max_listing.saturating_sub(held);
        let entries = entries(directory, room)?;
        Ok(if entries > room { Err(ListingTooLong) } else { Ok(entries) })
    }
}

impl Open {
    pub(crate) fn file(&self) -> &Arc<File> {
        file_behind(&self.descriptor)
    }
}

/// Whether what lies in `one` may not be moved or linked into `other`. Where one of the two has a quota, it would be
/// evaded; where one is read-only, wasmtime-wasi says so. A place that is not known may be any without a quota.
pub(crate) fn are_two_disks(one: Option<&Place>, other: Option<&Place>) -> bool {
    let account = |place: Option<&Place>| place.and_then(|place| place.account.as_ref().map(Arc::as_ptr));
    let writable = |place: Option<&Place>| place.is_none_or(|place| place.missing.is_none());
    account(one) != account(other) && writable(one) && writable(other)
}

/// Where in `table` the next thing will be, if there is room.
pub(crate) fn next_entry(table: &mut ResourceTable) -> Option<u32> {
    let entry = table.push(()).ok()?;
    let index = entry.rep();
    // What was freed last is used first.
    table.delete(entry).ok()?;
    Some(index)
}

/// A descriptor in `table`.
pub(crate) fn descriptor_of(table: &mut ResourceTable, index: u32) -> Option<Descriptor> {
    table.get_any_mut(index).ok()?.downcast_ref::<Descriptor>().cloned()
}

/// The file or directory behind a descriptor in `table`.
pub(crate) fn file_of(table: &mut ResourceTable, index: u32) -> Option<Arc<File>> {
    descriptor_of(table, index).map(|descriptor| file_behind(&descriptor).clone())
}

fn file_behind(descriptor: &Descriptor) -> &Arc<File> {
    match descriptor {
        Descriptor::File(file) => &file.file,
        Descriptor::Dir(directory) => &directory.dir,
    }
}

/// How many entries `directory` has. Stops one beyond `most`.
#[cfg(unix)]
fn entries(directory: &File, most: usize) -> io::Result<usize> {
    // `.` and `..` are among them.
    Ok(rustix::fs::Dir::read_from(directory)?.take(most.saturating_add(3)).count().saturating_sub(2))
}

/// How many entries there are cannot be asked of an open directory here, so that listings are not bounded.
#[cfg(not(unix))]
fn entries(_: &File, _: usize) -> io::Result<usize> {
    Ok(0)
}
