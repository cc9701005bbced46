//! Everything that can be seen of a folder: to find that nothing changed, or that two folders are alike.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

/// What is seen of each path below a folder, the folder itself being the empty path.
pub(crate) type Snapshot = BTreeMap<PathBuf, String>;

/// Kind, mode, number of names and contents.
pub(crate) fn contents(folder: &Path) -> Snapshot {
    let mut seen = Snapshot::new();
    look(folder, Path::new(""), false, &mut seen);
    seen
}

/// All that, and the times of change.
pub(crate) fn everything(folder: &Path) -> Snapshot {
    let mut seen = Snapshot::new();
    look(folder, Path::new(""), true, &mut seen);
    seen
}

fn look(folder: &Path, below: &Path, times: bool, seen: &mut Snapshot) {
    let path = folder.join(below);
    let metadata = fs::symlink_metadata(&path).unwrap();
    let kind = metadata.file_type();
    let contents = if kind.is_symlink() {
        format!("symlink to {:?}", fs::read_link(&path).unwrap())
    } else if kind.is_dir() {
        "directory".to_owned()
    } else if kind.is_file() && metadata.len() < 1 << 20 {
        format!("file {:?}", fs::read(&path).unwrap())
    } else if kind.is_file() {
        format!("file of {} bytes", metadata.len())
    } else {
        format!("fifo {} socket {}", kind.is_fifo(), kind.is_socket())
    };
    let mut line = format!("{contents}, mode {:o}, {} names", metadata.mode(), metadata.nlink());
    if times {
        let (modified, changed) = (metadata.mtime_nsec(), metadata.ctime_nsec());
        line += &format!(", {}.{modified}, {}.{changed}", metadata.mtime(), metadata.ctime());
    }
    seen.insert(below.to_owned(), line);
    if kind.is_dir() {
        for entry in fs::read_dir(&path).unwrap() {
            look(folder, &below.join(entry.unwrap().file_name()), times, seen);
        }
    }
}
