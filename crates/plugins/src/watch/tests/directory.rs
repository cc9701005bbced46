//! Directories that vanish, come back, and cannot be listed while they are watched.

use super::*;

#[test]
fn a_directory_that_vanishes_is_told_once_and_watched_again_when_it_is_back() {
    let (scratch, directory) = scratch();
    for name in ["a.wasm", "b.wasm"] {
        fs::write(directory.join(name), "one").unwrap();
    }
    let watched = watch(&directory, settings());
    assert!(watched.until(&directory.join("mark-1.wasm")).is_empty());

    let away = scratch.path().join("away");
    fs::rename(&directory, &away).unwrap();
    assert_eq!(watched.next(), "gone plugins");
    // What happens elsewhere is not told, nor is it told again that it is gone.
    fs::write(away.join("a.wasm"), "other").unwrap();
    fs::remove_dir_all(&away).unwrap();
    assert!(watched.changes.recv_timeout(Duration::from_secs(1)).is_err());

    let new = scratch.path().join("new");
    fs::create_dir(&new).unwrap();
    fs::write(new.join("a.wasm"), "another").unwrap();
    fs::rename(&new, &directory).unwrap();
    assert_eq!(watched.next(), "back");
    let told = [watched.next(), watched.next(), watched.next()];
    assert_eq!(told, ["changed a.wasm", "removed b.wasm", "removed mark-1.wasm"]);
    assert!(watched.until(&directory.join("mark-2.wasm")).is_empty());
    watched.stop();
}

#[test]
fn another_directory_in_its_place_is_watched() {
    let (scratch, directory) = scratch();
    fs::write(directory.join("a.wasm"), "one").unwrap();
    let new = scratch.path().join("new");
    fs::create_dir(&new).unwrap();
    fs::write(new.join("a.wasm"), "other").unwrap();
    let watched = watch(&directory, by_notices_only());
    assert!(watched.until(&directory.join("mark-1.wasm")).is_empty());

    fs::rename(&directory, scratch.path().join("old")).unwrap();
    fs::rename(&new, &directory).unwrap();
    assert_eq!(watched.next(), "changed a.wasm");
    assert_eq!(watched.next(), "removed mark-1.wasm");
    assert!(watched.until(&directory.join("mark-2.wasm")).is_empty());
    watched.stop();
}

#[test]
fn a_directory_that_cannot_be_listed_is_told_once() {
    let (_scratch, directory) = scratch();
    let watched = watch(&directory, WatchSettings { most_entries: 1, ..settings() });
    fs::write(directory.join("a.wasm"), "").unwrap();
    assert_eq!(watched.next(), "added a.wasm");
    fs::write(directory.join("b.wasm"), "").unwrap();
    let told = watched.next();
    assert!(told.contains("more than 1 entries"), "{told}");
    assert!(watched.changes.recv_timeout(Duration::from_secs(1)).is_err());
    fs::remove_file(directory.join("a.wasm")).unwrap();
    assert_eq!(watched.next(), "added b.wasm");
    assert_eq!(watched.next(), "removed a.wasm");
    watched.stop();
}

#[test]
fn what_is_no_directory_is_not_watched() {
    let (_scratch, directory) = scratch();
    let known = Listing { directory: directory.join("none"), ..Listing::default() };
    let error = Watcher::start(known, settings(), |_| {}).unwrap_err();
    assert!(
        matches!(error, WatchError::Directory { ref source, .. } if source.kind() == io::ErrorKind::NotFound)
    );
}

#[cfg(target_os = "linux")]
#[test]
fn a_directory_that_is_made_anew_at_once_is_watched_whatever_its_number() {
    let (_scratch, directory) = scratch();
    let watched = watch(&directory, settings());
    fs::write(directory.join("a.wasm"), "").unwrap();
    assert_eq!(watched.next(), "added a.wasm");
    fs::remove_dir_all(&directory).unwrap();
    fs::create_dir(&directory).unwrap();
    fs::write(directory.join("b.wasm"), "").unwrap();
    // If it was looked at in between, that it was gone is told as well.
    while watched.next() != "removed a.wasm" {}
    assert_eq!(descriptors(&directory), 1);
    watched.stop();
}
