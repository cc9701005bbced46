//! Which directories can hold a cache.

use std::fs;
use std::path::{Path, PathBuf};

use host_cache::{Cache, HostKey, IntegrityOnly, OpenError};

use crate::support::key;

/// Runs `case` in a directory of its own.
fn inside(case: impl FnOnce(&Path)) {
    case(tempfile::tempdir().unwrap().path());
}

#[test]
fn missing_parents_are_made() {
    inside(|directory| {
        let root = directory.join("not/there/yet with space");
        let cache = Cache::open(&root, IntegrityOnly).unwrap();
        cache.put(&key("a"), b"bytes").unwrap();
        assert_eq!(
            Cache::open(&root, IntegrityOnly).unwrap().get(&key("a")).hit().unwrap().bytes(),
            b"bytes"
        );
    });
}

#[test]
fn a_file_is_refused() {
    inside(|directory| {
        let root = directory.join("file");
        fs::write(&root, "precious").unwrap();
        assert!(matches!(Cache::open(&root, IntegrityOnly), Err(OpenError::NotADirectory { .. })));
        assert!(matches!(Cache::open(root.join("below"), IntegrityOnly), Err(OpenError::Inspect { .. })));
        assert_eq!(fs::read_to_string(&root).unwrap(), "precious");
    });
}

#[test]
fn an_empty_path_is_refused() {
    assert!(matches!(Cache::open("", IntegrityOnly), Err(OpenError::Inspect { .. })));
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{PermissionsExt, chown, symlink};

    use super::*;

    #[test]
    fn a_symbolic_link_is_refused() {
        inside(|directory| {
            fs::create_dir(directory.join("target")).unwrap();
            symlink(directory.join("target"), directory.join("link")).unwrap();
            symlink(directory.join("nowhere"), directory.join("dangling")).unwrap();
            for link in ["link", "link/", "link/.", "dangling", "dangling/"] {
                let opened = Cache::open(directory.join(link), IntegrityOnly);
                assert!(matches!(opened, Err(OpenError::Symlink { .. })), "{link}: {opened:?}");
            }
            assert!(!directory.join("nowhere").exists());
            assert!(fs::read_dir(directory.join("target")).unwrap().next().is_none());
        });
    }

    #[test]
    fn a_directory_that_others_may_write_is_refused() {
        for (mode, fine) in
            [(0o777, false), (0o1777, false), (0o770, false), (0o702, false), (0o755, true), (0o700, true)]
        {
            inside(|directory| {
                let root = directory.join("cache");
                fs::create_dir(&root).unwrap();
                fs::set_permissions(&root, PermissionsExt::from_mode(mode)).unwrap();
                match Cache::open(&root, IntegrityOnly) {
                    Ok(_) => assert!(fine, "{mode:o}"),
                    Err(OpenError::WritableByOthers { mode: found, .. }) => {
                        assert!(!fine, "{mode:o}");
                        assert_eq!(found, mode);
                    }
                    Err(error) => panic!("{mode:o}: {error}"),
                }
            });
        }
    }

    /// Also the one below it, which an old backup may have brought.
    #[test]
    fn a_directory_of_entries_that_others_may_write_is_refused() {
        inside(|directory| {
            let root = directory.join("cache");
            Cache::open(&root, IntegrityOnly).unwrap();
            fs::set_permissions(format_directory(&root), PermissionsExt::from_mode(0o777)).unwrap();
            assert!(matches!(Cache::open(&root, IntegrityOnly), Err(OpenError::WritableByOthers { .. })));
        });
    }

    /// The only directory in the root: the one of this format and this key.
    fn format_directory(root: &Path) -> PathBuf {
        fs::read_dir(root).unwrap().next().unwrap().unwrap().path()
    }

    /// Whoever can write there cannot forge entries then.
    #[test]
    fn with_a_host_key_the_directory_need_not_be_private() {
        inside(|directory| {
            let root = directory.join("cache");
            fs::create_dir(&root).unwrap();
            fs::set_permissions(&root, PermissionsExt::from_mode(0o777)).unwrap();
            let cache = Cache::open(&root, HostKey::from_bytes([1; 32])).unwrap();
            cache.put(&key("a"), b"bytes").unwrap();
            assert_eq!(cache.get(&key("a")).hit().unwrap().bytes(), b"bytes");
            assert!(matches!(Cache::open(&root, IntegrityOnly), Err(OpenError::WritableByOthers { .. })));
        });
    }

    #[test]
    fn the_host_key_is_not_kept_with_what_it_protects() {
        inside(|directory| {
            let root = directory.join("cache");
            for file in ["cache/host.key", "cache/deep/er/host.key"] {
                let key = HostKey::open(directory.join(file)).unwrap();
                assert!(matches!(Cache::open(&root, key), Err(OpenError::KeyInside { .. })), "{file}");
            }
            Cache::open(&root, HostKey::open(directory.join("host.key")).unwrap()).unwrap();
        });
    }

    #[test]
    fn a_directory_of_another_user_is_refused() {
        inside(|directory| {
            let root = directory.join("cache");
            fs::create_dir(&root).unwrap();
            // Only the administrator can give directories away. Anybody else meets those of others, such as the root.
            let opened = if chown(&root, Some(12_345), None).is_ok() {
                Cache::open(&root, IntegrityOnly)
            } else {
                Cache::open("/", IntegrityOnly)
            };
            assert!(
                matches!(opened, Err(OpenError::ForeignOwner { .. } | OpenError::NotWritable { .. })),
                "{opened:?}"
            );
        });
    }

    /// The kernel's own files take no new ones, not even from the administrator.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_place_that_takes_no_files_is_refused() {
        assert!(matches!(Cache::open("/proc/sys", IntegrityOnly), Err(OpenError::NotWritable { .. })));
        assert!(matches!(Cache::open("/proc/sys/cache", IntegrityOnly), Err(OpenError::Create { .. })));
    }

    /// Stands for a full or broken disk: what cannot be written is said, and nothing is left behind.
    #[test]
    fn a_failed_put_leaves_nothing() {
        inside(|directory| {
            let cache = Cache::open(directory.join("cache"), IntegrityOnly).unwrap();
            // A file where a directory is needed.
            let format = format_directory(cache.root());
            fs::write(format.join("entries"), "").unwrap();
            let error = cache.put(&key("a"), b"bytes").unwrap_err();
            assert_eq!(error.step, "create");
            assert!(cache.get(&key("a")).miss().is_some());
            assert_eq!(cache.stats().publish_failures, 1);
            assert_eq!(fs::read_dir(format).unwrap().count(), 1);
        });
    }

    /// The directory goes away while the cache is open.
    #[test]
    fn a_lost_directory_is_made_again() {
        inside(|directory| {
            let cache = Cache::open(directory.join("cache"), IntegrityOnly).unwrap();
            cache.put(&key("a"), b"bytes").unwrap();
            fs::remove_dir_all(cache.root()).unwrap();
            assert!(cache.get(&key("a")).miss().is_some());
            cache.put(&key("a"), b"bytes").unwrap();
            assert_eq!(cache.get(&key("a")).hit().unwrap().bytes(), b"bytes");
        });
    }
}

#[test]
fn messages_name_the_directory_and_what_to_do() {
    inside(|directory| {
        let root = directory.join("file");
        fs::write(&root, "").unwrap();
        let message = Cache::open(&root, IntegrityOnly).unwrap_err().to_string();
        assert!(message.contains(root.to_str().unwrap()) && message.contains("name another"), "{message}");
    });
}
