//! Which directories can hold a cache.

use std::fs;
use std::path::Path;

use host_cache::{Cache, IntegrityOnly, OpenError};

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
        assert_eq!(Cache::open(&root, IntegrityOnly).unwrap().get(&key("a")).hit().unwrap().bytes(), b"bytes");
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
            fs::set_permissions(root.join("v1"), PermissionsExt::from_mode(0o777)).unwrap();
            assert!(matches!(Cache::open(&root, IntegrityOnly), Err(OpenError::WritableByOthers { .. })));
        });
    }

    #[test]
    fn a_directory_of_another_user_is_refused() {
        inside(|directory| {
            let root = directory.join("cache");
            fs::create_dir(&root).unwrap();
            // Only the administrator can give directories away. Anybody else meets those of others, such as the root.
            let opened =
                if chown(&root, Some(12_345), None).is_ok() { Cache::open(&root, IntegrityOnly) } else { Cache::open("/", IntegrityOnly) };
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
            // Files where directories are needed.
            for prefix in 0..=255 {
                fs::write(directory.join(format!("cache/v1/{prefix:02x}")), "").unwrap();
            }
            let error = cache.put(&key("a"), b"bytes").unwrap_err();
            assert_eq!(error.step, "create");
            assert!(cache.get(&key("a")).miss().is_some());
            assert_eq!(cache.stats().publish_failures, 1);
            assert_eq!(fs::read_dir(directory.join("cache/v1")).unwrap().count(), 256);
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
