//! Opens what the grants say of files, for one store.

use std::io;
use std::path::Path;
use std::sync::Arc;

use wasmtime_wasi::{FsPerms, WasiCtxBuilder};

use super::contents::{self, Files};
use super::directory::{self, Access, Directory};
use super::guard::Place;
use super::quota::{Account, Quota};
use super::scratch::{Scratch, Temporary};
use crate::{GrantError, Grants};

/// What is open, in the order in which the guest sees it, and what goes away with the store.
#[derive(Default)]
pub(crate) struct Opened {
    pub(crate) places: Vec<Place>,
    pub(crate) temporary: Vec<Temporary>,
}

/// Opens every directory and hands it to the context that is being built.
pub(crate) fn open(grants: &Grants, builder: &mut WasiCtxBuilder) -> Result<Opened, GrantError> {
    directory::check_overlap(&grants.directories)?;
    let mut opened = Opened::default();
    for (index, directory) in grants.directories.iter().enumerate() {
        opened.places.push(open_directory(index, directory, builder)?);
    }
    for (index, scratch) in grants.scratch.iter().enumerate() {
        let Scratch { guest, .. } = scratch;
        let failed = |source| GrantError::Scratch { index, guest: guest.clone(), source };
        let temporary = Temporary::new().map_err(failed)?;
        show(&temporary.path(), guest, FsPerms::ReadWrite, builder).map_err(failed)?;
        let (account, _) = account(guest, &temporary.path(), scratch.quota()).map_err(failed)?;
        opened.places.push(Place { guest: guest.clone(), missing: None, account: Some(account) });
        opened.temporary.push(temporary);
    }
    for (index, Files { guest, contents }) in grants.files.iter().enumerate() {
        let failed = |source| GrantError::Files { index, guest: guest.clone(), source };
        let temporary = Temporary::new().map_err(failed)?;
        contents::write(contents, &temporary.path()).map_err(failed)?;
        show(&temporary.path(), guest, FsPerms::ReadOnly, builder).map_err(failed)?;
        let missing = Some("[[scratch]]: a directory made from `files` cannot be written".to_owned());
        opened.places.push(Place { guest: guest.clone(), missing, account: None });
        opened.temporary.push(temporary);
    }
    Ok(opened)
}

fn open_directory(
    index: usize,
    directory: &Directory,
    builder: &mut WasiCtxBuilder,
) -> Result<Place, GrantError> {
    let root = directory::canonical(index, directory)?;
    let (permissions, missing) = match directory.access {
        Access::ReadOnly => {
            (FsPerms::ReadOnly, Some(format!("directories[{index}].access = \"read-write\"")))
        }
        Access::ReadWrite => (FsPerms::ReadWrite, None),
    };
    let failed = |source| GrantError::Directory {
        index,
        host: directory.host.clone(),
        guest: directory.guest.clone(),
        source,
    };
    show(&root, &directory.guest, permissions, builder).map_err(failed)?;
    let account = match directory.quota {
        Some(quota) => {
            let (account, used) = account(&directory.guest, &root, quota).map_err(failed)?;
            for (key, used, most) in [("bytes", used.bytes, quota.bytes), ("files", used.files, quota.files)]
            {
                if used > most {
                    return Err(GrantError::QuotaFull {
                        index,
                        key,
                        host: directory.host.clone(),
                        quota: most,
                    });
                }
            }
            Some(account)
        }
        None => None,
    };
    Ok(Place { guest: directory.guest.clone(), missing, account })
}

fn account(guest: &str, root: &Path, quota: Quota) -> io::Result<(Arc<Account>, Quota)> {
    let (account, used) = Account::open(guest.to_owned(), root, quota)?;
    Ok((Arc::new(account), used))
}

fn show(host: &Path, guest: &str, permissions: FsPerms, builder: &mut WasiCtxBuilder) -> io::Result<()> {
    builder.preopened_dir(host, guest, permissions).map(|_| ()).map_err(|error| {
        error.downcast::<io::Error>().unwrap_or_else(|error| io::Error::other(error.to_string()))
    })
}
