//! A directory that others may write to: what they put there under the names of ours makes nobody wait, and changes no files of
//! the user.

use std::fs;
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use host_cache::{Cache, HostKey, IntegrityOnly, Lookup, MissReason, OpenError, Put};

use crate::support::{ends, key, make_pipe, only};

fn host_key() -> HostKey {
    HostKey::from_bytes([1; 32])
}

/// A cache with an entry `a` that has a stamp, the stamp, and a file beside the cache with the same name as the stamp.
fn stamped() -> (tempfile::TempDir, Cache, PathBuf, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let cache = Cache::open(directory.path().join("cache"), host_key()).unwrap();
    cache.put(&key("a"), b"x").unwrap();
    cache.get(&key("a")).hit().unwrap();
    let stamp = only(&only(cache.root()).join("stamps"));
    let elsewhere = directory.path().join("elsewhere");
    fs::create_dir(&elsewhere).unwrap();
    let precious = elsewhere.join(stamp.file_name().unwrap());
    fs::write(&precious, "precious").unwrap();
    age(&precious);
    (directory, cache, stamp, precious)
}

/// Long ago, so that a use would be noted.
fn age(path: &Path) {
    let old = std::process::Command::new("touch").args(["-h", "-d", "3 hours ago"]).arg(path).status();
    assert!(old.unwrap().success());
}

fn is_old(path: &Path) -> bool {
    let modified = fs::metadata(path).unwrap().modified().unwrap();
    SystemTime::now().duration_since(modified).is_ok_and(|age| age > Duration::from_secs(7200))
}

#[test]
fn a_pipe_in_place_of_a_stamp_makes_nobody_wait() {
    let (_directory, cache, stamp, _) = stamped();
    fs::remove_file(&stamp).unwrap();
    make_pipe(&stamp);
    age(&stamp);
    assert!(ends(move || assert!(cache.get(&key("a")).hit().is_some())));
    assert!(fs::symlink_metadata(&stamp).unwrap().is_file(), "the use is not noted");
}

#[test]
fn links_in_place_of_a_stamp_lead_to_nobodys_times() {
    let (_directory, cache, stamp, precious) = stamped();
    let links: [fn(&Path, &Path) -> std::io::Result<()>; 2] =
        [|to, at| symlink(to, at), |to, at| fs::hard_link(to, at)];
    for link in links {
        fs::remove_file(&stamp).unwrap();
        link(&precious, &stamp).unwrap();
        age(&stamp);
        assert!(cache.get(&key("a")).hit().is_some());
        assert!(is_old(&precious));
        assert!(!is_old(&stamp) && fs::symlink_metadata(&stamp).unwrap().is_file(), "the use is not noted");
    }
}

/// Nothing is written, touched or removed behind a link in place of a directory of ours.
#[test]
fn links_in_place_of_directories_are_not_followed() {
    let (directory, cache, stamp, precious) = stamped();
    let (stamps, elsewhere) = (stamp.parent().unwrap(), precious.parent().unwrap());
    fs::remove_dir_all(stamps).unwrap();
    symlink(elsewhere, stamps).unwrap();
    assert!(cache.get(&key("a")).hit().is_some());
    assert!(is_old(&precious));
    fs::remove_file(&precious).unwrap();
    assert!(cache.get(&key("a")).hit().is_some());
    assert!(fs::read_dir(elsewhere).unwrap().next().is_none());

    // A bad entry goes, and not there.
    symlink(elsewhere, stamps.with_file_name("quarantine")).unwrap();
    let entry = stamps.with_file_name("entries").join(stamp.file_name().unwrap());
    crate::support::overwrite(&entry, b"rotten");
    assert_eq!(cache.get(&key("a")), Lookup::Miss(MissReason::Truncated));
    assert!(!entry.exists() && fs::read_dir(elsewhere).unwrap().next().is_none());

    // With a link in place of the entries there is no cache, and nothing of the other directory goes.
    fs::remove_dir_all(entry.parent().unwrap()).unwrap();
    symlink(elsewhere, entry.parent().unwrap()).unwrap();
    fs::write(&precious, "precious").unwrap();
    assert!(cache.get(&key("a")).miss().is_some());
    assert!(!cache.remove(&key("a")).unwrap());
    assert_eq!(cache.put(&key("a"), b"x").unwrap_err().step, "create");
    assert_eq!(fs::read_to_string(&precious).unwrap(), "precious");
    assert_eq!(fs::read_dir(elsewhere).unwrap().count(), 1);
    drop(directory);
}

/// Whoever may write to the directory may put this there, with a host key and without.
#[test]
fn something_else_in_place_of_an_entry_makes_nobody_wait() {
    for trust in [host_cache::Trust::from(host_key()), IntegrityOnly.into()] {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(directory.path().join("cache"), trust).unwrap();
        cache.put(&key("a"), b"x").unwrap();
        let entry = only(&only(cache.root()).join("entries"));
        let place: [&dyn Fn(); 3] = [&|| make_pipe(&entry), &|| fs::create_dir(&entry).unwrap(), &|| {
            symlink(directory.path().join("cache"), &entry).unwrap()
        }];
        for (number, place) in place.iter().enumerate() {
            fs::remove_file(&entry).unwrap();
            place();
            let ours = cache.clone();
            assert!(ends(move || {
                assert_eq!(ours.get(&key("a")), Lookup::Miss(MissReason::NotPrivate), "{number}");
                assert_eq!(ours.put(&key("a"), b"x").unwrap(), Put::Written, "{number}");
            }));
            fs::remove_file(&entry).unwrap();
            place();
            let ours = cache.clone();
            assert!(ends(move || {
                assert_eq!(ours.put(&key("a"), b"x").unwrap(), Put::Replaced, "{number}");
                assert!(ours.get(&key("a")).hit().is_some(), "{number}");
            }));
        }
    }
}

#[test]
fn a_root_that_is_a_pipe_is_refused() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("cache");
    make_pipe(&root);
    assert!(ends(move || {
        assert!(matches!(Cache::open(&root, IntegrityOnly), Err(OpenError::NotADirectory { .. })));
    }));
}

#[cfg(feature = "wasmtime")]
mod code {
    use host_cache::{AheadError, AheadFile, CompileError, Digest, ModuleCache};
    use wasmtime::Engine;

    use super::*;
    use crate::support::guest::{ask_module, module};

    /// A cache that has the memo of a file with `module(7)`, the file, and the memo.
    #[cfg(target_os = "linux")]
    fn noted() -> (tempfile::TempDir, ModuleCache, PathBuf, PathBuf) {
        let directory = tempfile::tempdir().unwrap();
        let cache = Cache::open(directory.path().join("cache"), host_key()).unwrap();
        let modules = ModuleCache::new(cache, &Engine::default()).unwrap();
        let file = directory.path().join("guest.wasm");
        fs::write(&file, module(7)).unwrap();
        std::thread::sleep(Duration::from_secs(3));
        modules.module_file(&file).unwrap();
        let memo = only(&only(modules.cache().root()).join("inputs"));
        (directory, modules, file, memo)
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_pipe_in_place_of_a_memo_makes_nobody_wait() {
        let (_directory, modules, file, memo) = noted();
        fs::remove_file(&memo).unwrap();
        make_pipe(&memo);
        assert!(ends(move || assert_eq!(
            ask_module(modules.engine(), &modules.module_file(&file).unwrap()),
            7
        )));
        assert!(fs::symlink_metadata(&memo).unwrap().is_file(), "it is not replaced");
    }

    /// The digest of another module, which is in the cache, under the tag of this one.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_memo_of_somebody_else_is_none() {
        let (_directory, modules, file, memo) = noted();
        modules.module(&module(8)).unwrap();
        let mut bytes = fs::read(&memo).unwrap();
        bytes[..32].copy_from_slice(Digest::of(module(8)).as_bytes());
        fs::write(&memo, bytes).unwrap();
        assert_eq!(ask_module(modules.engine(), &modules.module_file(&file).unwrap()), 7);
    }

    /// Opening it would wait for somebody who writes to it.
    #[test]
    fn pipes_are_neither_inputs_nor_precompiled_files() {
        let directory = tempfile::tempdir().unwrap();
        let pipe = directory.path().join("pipe");
        make_pipe(&pipe);
        let cache = Cache::open(directory.path().join("cache"), host_key()).unwrap();
        assert!(ends(move || {
            assert!(matches!(AheadFile::open_vouched(&pipe), Err(AheadError::NotPrivate { .. })));
            let modules = ModuleCache::new(cache, &Engine::default()).unwrap();
            assert!(matches!(modules.module_file(&pipe), Err(CompileError::Read { .. })));
            let key = HostKey::open(&pipe).unwrap_err();
            assert!(matches!(key, host_cache::HostKeyError::NotAKey { .. }));
        }));
    }
}

/// What is made for this user alone is that, whatever the user's mask is.
#[test]
fn a_stamp_is_a_file_of_its_own() {
    let (_directory, _cache, stamp, _) = stamped();
    assert_eq!(
        (fs::metadata(&stamp).unwrap().mode() & 0o777, fs::metadata(&stamp).unwrap().nlink()),
        (0o600, 1)
    );
}
