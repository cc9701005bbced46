//! Under which paths does a guest see its directories?

use crate::{GrantError, Grants};

/// Checks the guest paths of all directories, of whatever kind: each well formed, and none granted twice.
pub(crate) fn check(grants: &Grants) -> Result<(), GrantError> {
    let directories = grants.directories.iter().map(|directory| &directory.guest).enumerate();
    let scratch = grants.scratch.iter().map(|scratch| &scratch.guest).enumerate();
    let files = grants.files.iter().map(|files| &files.guest).enumerate();
    let all = (directories.map(|(index, guest)| ("directories", index, guest)))
        .chain(scratch.map(|(index, guest)| ("scratch", index, guest)))
        .chain(files.map(|(index, guest)| ("files", index, guest)));
    let mut earlier: Vec<&str> = Vec::new();
    for (list, index, guest) in all {
        let problem = |problem| GrantError::GuestPath { list, index, guest: guest.clone(), problem };
        if guest.is_empty() {
            return Err(problem("is empty; write `.` for the guest's own current directory"));
        }
        if guest.contains('\0') {
            return Err(problem("must not contain a NUL character"));
        }
        if components(guest).any(|component| component == "..") {
            return Err(problem("must not contain `..`"));
        }
        if earlier.iter().any(|other| components(other).eq(components(guest))) {
            return Err(problem("is granted twice; give each directory a path of its own"));
        }
        earlier.push(guest);
    }
    Ok(())
}

/// The parts of a guest path that tell it from another. A C library in the guest drops a leading `/` or `./`
/// before it looks for the directory to use, so they do not count.
pub(crate) fn components(guest: &str) -> impl Iterator<Item = &str> {
    guest.split('/').filter(|component| !matches!(*component, "" | "."))
}
