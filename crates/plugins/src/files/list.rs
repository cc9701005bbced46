//! The files of a directory that may be plugins, in order of their names.

use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::Stamp;

/// What a directory held.
#[derive(Clone, Debug, Default)]
pub(crate) struct Listing {
    /// As it was given. The paths begin with it.
    pub(crate) directory: PathBuf,
    /// The files, in order of their names.
    pub(crate) files: BTreeMap<PathBuf, Stamp>,
    /// What has a plugin's name and cannot be one, in order of names.
    pub(crate) skipped: Vec<Skipped>,
}

/// What has a plugin's name and cannot be one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Skipped {
    pub(crate) path: PathBuf,
    pub(crate) why: Skip,
}

/// Why it cannot be one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum Skip {
    /// No plugin can be named by it.
    #[error("its name is not UTF-8")]
    NotUtf8,
    /// It is, or is a link to, a directory, a pipe, a device.
    #[error("it is not a regular file")]
    NotRegular,
    /// It is a link to nothing.
    #[error("it is a link to a file that is not there")]
    Dangling,
    /// The operating system does not say what it is.
    #[error("it cannot be looked at: {0}")]
    Unreadable(io::ErrorKind),
}

/// Why there is no listing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub(crate) enum ListError {
    /// The directory cannot be read.
    #[error("cannot read the directory `{}`", path.display())]
    Io {
        path: PathBuf,
        /// What the operating system says.
        source: io::Error,
    },
    /// It has more entries than are looked at.
    #[error("the directory `{}` has more than {most} entries; move away what is no plugin", path.display())]
    TooMany { path: PathBuf, most: usize },
}

impl ListError {
    /// Whether there is no such directory.
    pub(crate) fn is_gone(&self) -> bool {
        matches!(self, ListError::Io { source, .. } if is_gone(source))
    }
}

/// Whether what was looked for is not there, or is no directory.
pub(crate) fn is_gone(error: &io::Error) -> bool {
    matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory)
}

/// Lists the `*.wasm` and `*.toml` files of a directory, but for hidden ones and those that editors and copying programs keep
/// meanwhile (`.x`, `x~`, `*.tmp`). Links to regular files are followed. Directories within are not looked into.
///
/// What comes and goes meanwhile may be there or not.
///
/// # Errors
///
/// [`ListError`]: the directory cannot be read, or has more than `most_entries` entries of any kind.
pub(crate) fn list(directory: &Path, most_entries: usize) -> Result<Listing, ListError> {
    let unreadable = |source| ListError::Io { path: directory.to_owned(), source };
    let mut listing = Listing { directory: directory.to_owned(), ..Listing::default() };
    for (count, entry) in fs::read_dir(directory).map_err(unreadable)?.enumerate() {
        if count >= most_entries {
            return Err(ListError::TooMany { path: directory.to_owned(), most: most_entries });
        }
        let path = entry.map_err(unreadable)?.path();
        if !may_be_plugin(&path) {
            continue;
        }
        match look_at(&path) {
            Ok(Some(stamp)) => _ = listing.files.insert(path, stamp),
            Ok(None) => {}
            Err(why) => listing.skipped.push(Skipped { path, why }),
        }
    }
    listing.skipped.sort_by(|one, other| one.path.cmp(&other.path));
    Ok(listing)
}

/// By its name alone.
fn may_be_plugin(path: &Path) -> bool {
    let is_hidden = path.file_name().is_none_or(|name| name.as_encoded_bytes().starts_with(b"."));
    // What ends in `~` or `.tmp` has another extension.
    !is_hidden && path.extension().is_some_and(|extension| extension == "wasm" || extension == "toml")
}

/// `None` if it vanished meanwhile.
fn look_at(path: &Path) -> Result<Option<Stamp>, Skip> {
    if path.file_name().and_then(OsStr::to_str).is_none() {
        return Err(Skip::NotUtf8);
    }
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(Some(Stamp::new(&metadata))),
        Ok(_) => Err(Skip::NotRegular),
        Err(error) if is_gone(&error) => match fs::symlink_metadata(path) {
            Ok(_) => Err(Skip::Dangling),
            Err(_) => Ok(None),
        },
        Err(error) => Err(Skip::Unreadable(error.kind())),
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    fn names(listing: &Listing) -> Vec<&str> {
        listing.files.keys().map(|path| path.file_name().unwrap().to_str().unwrap()).collect()
    }

    #[test]
    fn plugins_and_manifests_are_listed_in_order_of_names() {
        let directory = tempfile::tempdir().unwrap();
        for name in ["b.wasm", "a.toml", "a.wasm", ".c.wasm", "d.wasm~", "e.wasm.tmp", ".wasm", "f.WASM", "g"]
        {
            fs::write(directory.path().join(name), name).unwrap();
        }
        fs::create_dir(directory.path().join("h.wasm")).unwrap();
        let listing = list(directory.path(), 100).unwrap();
        assert_eq!(names(&listing), ["a.toml", "a.wasm", "b.wasm"]);
        let path = directory.path().join("a.wasm");
        assert_eq!(listing.files[&path], Stamp::of(&path).unwrap());
        let skipped = Skipped { path: directory.path().join("h.wasm"), why: Skip::NotRegular };
        assert_eq!(listing.skipped, [skipped]);
    }

    #[cfg(unix)]
    #[test]
    fn links_to_files_are_followed_and_others_are_told() {
        use std::os::unix::fs::symlink;
        let directory = tempfile::tempdir().unwrap();
        let inside = |name: &str| directory.path().join(name);
        fs::write(inside("target"), "wasm").unwrap();
        symlink("target", inside("a.wasm")).unwrap();
        symlink("nothing", inside("b.wasm")).unwrap();
        symlink("c.wasm", inside("c.wasm")).unwrap();
        symlink(".", inside("d.wasm")).unwrap();
        assert!(std::process::Command::new("mkfifo").arg(inside("e.wasm")).status().unwrap().success());
        let listing = list(directory.path(), 100).unwrap();
        assert_eq!(names(&listing), ["a.wasm"]);
        assert_eq!(listing.files[&inside("a.wasm")], Stamp::of(&inside("target")).unwrap());
        let told: Vec<_> = listing.skipped.iter().map(|skipped| skipped.why).collect();
        assert!(matches!(
            told[..],
            [Skip::Dangling, Skip::Unreadable(_), Skip::NotRegular, Skip::NotRegular]
        ));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_name_that_is_no_text_is_told() {
        use std::os::unix::ffi::OsStrExt as _;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join(OsStr::from_bytes(b"\xff.wasm"));
        fs::write(&path, "wasm").unwrap();
        let listing = list(directory.path(), 100).unwrap();
        assert_eq!(listing.skipped, [Skipped { path, why: Skip::NotUtf8 }]);
        assert!(listing.files.is_empty());
    }

    #[test]
    fn a_directory_that_is_not_there_is_told_apart() {
        let directory = tempfile::tempdir().unwrap();
        fs::write(directory.path().join("file"), "").unwrap();
        assert!(list(&directory.path().join("none"), 1).unwrap_err().is_gone());
        assert!(list(&directory.path().join("file"), 1).unwrap_err().is_gone());
        let error = list(directory.path(), 0).unwrap_err();
        assert!(matches!(error, ListError::TooMany { most: 0, .. }) && !error.is_gone());
    }

    #[test]
    fn ten_thousand_files_are_listed_quickly() {
        let directory = tempfile::tempdir().unwrap();
        for number in 0..10_000 {
            fs::write(directory.path().join(format!("{number:05}.wasm")), "").unwrap();
        }
        let start = Instant::now();
        let listing = list(directory.path(), 10_000).unwrap();
        assert!(start.elapsed() < Duration::from_secs(10), "{:?}", start.elapsed());
        assert_eq!(listing.files.len(), 10_000);
        assert!(list(directory.path(), 9_999).is_err());
    }
}
