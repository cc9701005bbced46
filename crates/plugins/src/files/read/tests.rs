//! Files that are replaced, cut, grown and removed while they are read.

use std::io::Write as _;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc;
use std::time::Instant;

use tempfile::TempDir;

use super::*;

const MOST: u64 = 1 << 20;

fn scratch() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("a.wasm");
    (directory, path)
}

/// Long before now for all that reads it.
fn settle() {
    thread::sleep(2 * SETTLED);
}

#[test]
fn a_file_that_is_left_alone_is_read_at_once() {
    let (_directory, path) = scratch();
    fs::write(&path, "whole").unwrap();
    settle();
    let contents = read_with(&path, 5, |_| panic!("nothing to wait for"), || {}).unwrap();
    assert_eq!(contents.bytes, b"whole");
    assert_eq!(contents.stamp, Stamp::of(&path).unwrap());
}

#[test]
fn a_new_file_is_read_when_it_was_left_alone() {
    let (_directory, path) = scratch();
    fs::write(&path, "who").unwrap();
    let mut pauses = 0;
    let write_the_rest = |duration| {
        pauses += 1;
        if pauses == 1 {
            File::options().append(true).open(&path).unwrap().write_all(b"le").unwrap();
        }
        thread::sleep(duration);
    };
    assert_eq!(read_with(&path, MOST, write_the_rest, || {}).unwrap().bytes, b"whole");
}

/// Changes the file when it was read the first time, and gives what is returned.
fn changed_while_it_is_read(change: impl Fn(&Path)) -> Result<Vec<u8>, ReadError> {
    let (_directory, path) = scratch();
    fs::write(&path, "first").unwrap();
    settle();
    let mut reads = 0;
    let contents = read_with(&path, 10, thread::sleep, || {
        reads += 1;
        if reads == 1 {
            change(&path);
        }
    });
    contents.map(|contents| contents.bytes)
}

#[test]
fn what_is_replaced_while_it_is_read_is_read_anew() {
    let rename = |path: &Path| {
        let new = path.with_extension("new");
        fs::write(&new, "other").unwrap();
        fs::rename(new, path).unwrap();
    };
    assert_eq!(changed_while_it_is_read(rename).unwrap(), b"other");
    assert_eq!(changed_while_it_is_read(|path| fs::write(path, "other").unwrap()).unwrap(), b"other");
    assert_eq!(changed_while_it_is_read(|path| fs::write(path, "").unwrap()).unwrap(), b"");
}

#[cfg(unix)]
#[test]
fn a_link_that_leads_elsewhere_while_it_is_read_is_read_anew() {
    let leads_elsewhere = |path: &Path| {
        fs::write(path.with_extension("new"), "other").unwrap();
        std::os::unix::fs::symlink("a.new", path.with_extension("link")).unwrap();
        fs::rename(path.with_extension("link"), path).unwrap();
    };
    let (_directory, path) = scratch();
    fs::write(path.with_extension("old"), "first").unwrap();
    std::os::unix::fs::symlink("a.old", &path).unwrap();
    settle();
    let mut reads = 0;
    let contents = read_with(&path, 10, thread::sleep, || {
        reads += 1;
        if reads == 1 {
            leads_elsewhere(&path);
        }
    });
    assert_eq!(contents.unwrap().bytes, b"other");
}

#[test]
fn what_vanishes_or_grows_too_large_while_it_is_read_is_told_as_such() {
    let vanished = changed_while_it_is_read(|path| fs::remove_file(path).unwrap()).unwrap_err();
    assert!(matches!(vanished, ReadError::Io { ref source, .. } if source.kind() == io::ErrorKind::NotFound));
    let grown = changed_while_it_is_read(|path| fs::write(path, "eleven char").unwrap()).unwrap_err();
    assert!(matches!(grown, ReadError::TooLarge { length: 11, most: 10, .. }), "{grown:?}");
}

#[test]
fn a_file_that_grows_all_the_time_keeps_changing() {
    let (_directory, path) = scratch();
    fs::write(&path, "").unwrap();
    let grow = |_| File::options().append(true).open(&path).unwrap().write_all(b"more").unwrap();
    let error = read_with(&path, MOST, grow, || {}).unwrap_err();
    assert!(matches!(error, ReadError::Changing { .. }), "{error:?}");
    assert!(error.to_string().contains("rename it"));
}

/// A writer that writes whole versions in place, one after the other: whatever is read is one of them.
#[test]
fn a_version_that_is_being_written_is_never_read() {
    const LENGTH: usize = 200_000;
    let (_directory, path) = scratch();
    fs::write(&path, vec![0; LENGTH]).unwrap();
    // A writer that was kept from the processor for long has left a half version for long, which is nobody's fault.
    let (over, slow) = (AtomicBool::new(false), AtomicBool::new(false));
    let read = thread::scope(|scope| {
        scope.spawn(|| {
            for version in (1..=u8::MAX).cycle() {
                if over.load(Ordering::Relaxed) {
                    break;
                }
                let start = Instant::now();
                let mut file = File::create(&path).unwrap();
                for chunk in vec![version; LENGTH].chunks(20_000) {
                    file.write_all(chunk).unwrap();
                    thread::sleep(Duration::from_micros(300));
                }
                slow.fetch_or(start.elapsed() > SETTLED / 2, Ordering::SeqCst);
                // Now and then long enough to be read.
                thread::sleep(Duration::from_millis(if version % 8 == 0 { 250 } else { 3 }));
            }
        });
        let end = Instant::now() + Duration::from_secs(30);
        let mut read = Vec::new();
        while read.len() < 5 && Instant::now() < end {
            if let Ok(contents) = read_stable(&path, MOST) {
                read.push(contents.bytes);
                thread::sleep(SETTLED);
            }
        }
        over.store(true, Ordering::Relaxed);
        read
    });
    let is_whole = |bytes: &Vec<u8>| bytes.len() == LENGTH && bytes.iter().all(|byte| *byte == bytes[0]);
    assert!(read.len() == 5 && read.iter().all(is_whole) || slow.load(Ordering::SeqCst));
}

#[test]
fn what_is_no_regular_file_is_not_opened() {
    let (directory, path) = scratch();
    let error = read_stable(directory.path(), MOST).unwrap_err();
    assert!(matches!(error, ReadError::NotRegular { .. }), "{error:?}");
    let error = read_stable(&path, MOST).unwrap_err();
    assert!(matches!(error, ReadError::Io { ref source, .. } if source.kind() == io::ErrorKind::NotFound));
}

#[cfg(unix)]
#[test]
fn a_pipe_is_not_waited_for() {
    let (_directory, path) = scratch();
    assert!(std::process::Command::new("mkfifo").arg(&path).status().unwrap().success());
    let (told, hears) = mpsc::channel();
    thread::spawn(move || {
        let error = read_stable(&path, MOST).unwrap_err();
        assert!(matches!(error, ReadError::NotRegular { .. }), "{error:?}");
        // As if it had become one after it was looked at.
        told.send(open_at_once(&path).unwrap().metadata().unwrap().is_file()).unwrap();
    });
    assert!(!hears.recv_timeout(Duration::from_secs(30)).unwrap());
}

#[test]
fn a_file_that_is_too_large_is_not_read() {
    let (_directory, path) = scratch();
    File::create(&path).unwrap().set_len(MOST + 1).unwrap();
    let error = read_with(&path, MOST, |_| panic!("nothing to wait for"), || {}).unwrap_err();
    assert!(matches!(error, ReadError::TooLarge { length, most: MOST, .. } if length == MOST + 1));
}
