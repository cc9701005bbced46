//! Directories whose files are written, saved and removed while they are watched.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::time::Instant;

use tempfile::TempDir;

use super::*;
use crate::files::list;

mod directory;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(60);

struct Watched {
    watcher: Watcher,
    changes: Receiver<Change>,
}

fn settings() -> WatchSettings {
    let quiet = Duration::from_millis(150);
    WatchSettings { quiet, poll: Duration::from_millis(300), ..WatchSettings::default() }
}

/// Does not look without a reason while a test runs.
fn by_notices_only() -> WatchSettings {
    WatchSettings { poll: Duration::from_secs(3600), ..settings() }
}

fn watch(directory: &Path, settings: WatchSettings) -> Watched {
    let (sender, changes) = mpsc::channel();
    let known = list(directory, settings.most_entries).unwrap();
    let watcher = Watcher::start(known, settings, move |change| sender.send(change).unwrap()).unwrap();
    Watched { watcher, changes }
}

fn text(change: Change) -> String {
    let name = |path: PathBuf| path.file_name().unwrap().to_str().unwrap().to_owned();
    match change {
        Change::Added(path) => format!("added {}", name(path)),
        Change::Changed(path) => format!("changed {}", name(path)),
        Change::Removed(path) => format!("removed {}", name(path)),
        Change::DirectoryGone(path) => format!("gone {}", name(path)),
        Change::DirectoryBack => "back".to_owned(),
        Change::Trouble(trouble) => format!("trouble: {trouble}"),
    }
}

impl Watched {
    fn next(&self) -> String {
        text(self.changes.recv_timeout(LONG).expect("something is told"))
    }

    /// Writes a file that was not there, and gives what is told until it is.
    fn until(&self, mark: &Path) -> Vec<String> {
        fs::write(mark, "mark").unwrap();
        let end = format!("added {}", mark.file_name().unwrap().to_str().unwrap());
        let mut told = Vec::new();
        loop {
            match self.next() {
                next if next == end => return told,
                next => told.push(next),
            }
        }
    }

    fn stop(self) {
        assert!(self.watcher.stop(LONG));
        assert!(self.changes.recv().is_err(), "something was told at the end");
    }
}

fn scratch() -> (TempDir, PathBuf) {
    let directory = tempfile::tempdir().unwrap();
    let inside = directory.path().join("plugins");
    fs::create_dir(&inside).unwrap();
    (directory, inside)
}

#[test]
fn what_comes_changes_and_goes_is_told() {
    let (_scratch, directory) = scratch();
    let watched = watch(&directory, by_notices_only());
    let path = directory.join("a.wasm");
    fs::write(&path, "one").unwrap();
    assert_eq!(watched.next(), "added a.wasm");
    fs::write(&path, "other").unwrap();
    assert_eq!(watched.next(), "changed a.wasm");
    fs::write(directory.join("text.txt"), "").unwrap();
    fs::remove_file(&path).unwrap();
    assert_eq!(watched.next(), "removed a.wasm");
    watched.stop();
}

#[test]
fn what_happened_between_listing_and_watching_is_told() {
    let (_scratch, directory) = scratch();
    fs::write(directory.join("a.wasm"), "one").unwrap();
    let known = list(&directory, 10).unwrap();
    fs::write(directory.join("a.wasm"), "other").unwrap();
    fs::write(directory.join("b.toml"), "").unwrap();
    let (sender, changes) = mpsc::channel();
    let watcher =
        Watcher::start(known, by_notices_only(), move |change| sender.send(change).unwrap()).unwrap();
    let watched = Watched { watcher, changes };
    assert_eq!(watched.next(), "changed a.wasm");
    assert_eq!(watched.next(), "added b.toml");
    watched.stop();
}

/// Quiet is long here, so that no pause of the machine's within a save counts as its end.
#[test]
fn each_way_to_save_is_one_change() {
    let (_scratch, directory) = scratch();
    let inside = |name: &str| directory.join(name);
    for name in ["cut.wasm", "renamed.wasm", "removed.wasm", "kept.wasm"] {
        fs::write(inside(name), "one").unwrap();
    }
    let watched = watch(&directory, WatchSettings { quiet: Duration::from_secs(1), ..by_notices_only() });
    assert!(watched.until(&inside("mark-1.wasm")).is_empty());

    fs::File::create(inside("cut.wasm")).unwrap().write_all(b"other").unwrap();
    fs::write(inside("renamed.wasm.tmp"), "other").unwrap();
    fs::rename(inside("renamed.wasm.tmp"), inside("renamed.wasm")).unwrap();
    fs::rename(inside("kept.wasm"), inside("kept.wasm~")).unwrap();
    fs::write(inside("kept.wasm"), "other").unwrap();
    fs::remove_file(inside("removed.wasm")).unwrap();
    fs::write(inside("removed.wasm"), "other").unwrap();
    let mut told: Vec<_> = (0..4).map(|_| watched.next()).collect();
    told.sort();
    assert_eq!(
        told,
        ["changed cut.wasm", "changed kept.wasm", "changed removed.wasm", "changed renamed.wasm"]
    );
    assert!(watched.until(&inside("mark-2.wasm")).is_empty());
    watched.stop();
}

#[cfg(unix)]
#[test]
fn what_nobody_tells_of_is_found_all_the_same() {
    let (scratch, directory) = scratch();
    let target = scratch.path().join("target");
    fs::write(&target, "one").unwrap();
    std::os::unix::fs::symlink(&target, directory.join("a.wasm")).unwrap();
    let watched = watch(&directory, settings());
    assert!(watched.until(&directory.join("mark.wasm")).is_empty());
    fs::write(&target, "other").unwrap();
    assert_eq!(watched.next(), "changed a.wasm");
    watched.stop();
}

#[test]
fn ten_thousand_files_are_told_once_each() {
    let (_scratch, directory) = scratch();
    let watched = watch(&directory, by_notices_only());
    for number in 0..10_000 {
        fs::write(directory.join(format!("{number:05}.wasm")), "").unwrap();
    }
    let mut told: Vec<_> = (0..10_000).map(|_| watched.next()).collect();
    told.sort();
    told.dedup();
    assert_eq!(told.len(), 10_000);
    assert!(told.iter().all(|told| told.starts_with("added ")));
    watched.stop();
}

#[test]
fn events_that_never_end_do_not_put_it_off_for_ever() {
    let (_scratch, directory) = scratch();
    let watched = watch(&directory, by_notices_only());
    let (stop, stopped) = mpsc::channel::<()>();
    let noise = directory.join("noise.txt");
    let writer = thread::spawn(move || {
        while stopped
            .recv_timeout(Duration::from_millis(5))
            .is_err_and(|why| why == mpsc::RecvTimeoutError::Timeout)
        {
            fs::write(&noise, "noise").unwrap();
        }
    });
    fs::write(directory.join("a.wasm"), "").unwrap();
    assert_eq!(watched.next(), "added a.wasm");
    fs::remove_file(directory.join("a.wasm")).unwrap();
    assert_eq!(watched.next(), "removed a.wasm");
    drop(stop);
    writer.join().unwrap();
    watched.stop();
}

#[test]
fn a_panic_is_told_and_watching_goes_on() {
    let (_scratch, directory) = scratch();
    let (sender, changes) = mpsc::channel();
    let on_change = move |change| match &change {
        Change::Added(path) if path.ends_with("bad.wasm") => panic!("on purpose"),
        _ => sender.send(change).unwrap(),
    };
    let watcher = Watcher::start(list(&directory, 10).unwrap(), by_notices_only(), on_change).unwrap();
    let watched = Watched { watcher, changes };
    fs::write(directory.join("bad.wasm"), "").unwrap();
    assert_eq!(watched.next(), "trouble: what was to be done about a change panicked: on purpose");
    fs::write(directory.join("good.wasm"), "").unwrap();
    assert_eq!(watched.next(), "added good.wasm");
    watched.stop();
}

#[test]
fn stopping_waits_for_what_is_being_told_and_no_longer_than_it_may() {
    let (_scratch, directory) = scratch();
    let (begin, began) = mpsc::channel();
    let (go_on, waits) = mpsc::channel::<()>();
    let on_change = move |_| {
        begin.send(()).unwrap();
        let _ = waits.recv();
    };
    let mut watcher = Watcher::start(list(&directory, 10).unwrap(), by_notices_only(), on_change).unwrap();
    fs::write(directory.join("a.wasm"), "").unwrap();
    began.recv_timeout(LONG).unwrap();
    let start = Instant::now();
    assert!(!watcher.signals.wait_for_end(Duration::ZERO));
    let thread = watcher.thread.take();
    watcher.signals.stop();
    assert!(!watcher.signals.wait_for_end(Duration::from_millis(50)));
    assert!(start.elapsed() < LONG);
    watcher.thread = thread;
    drop(go_on);
    assert!(watcher.stop(LONG));
}

#[test]
fn a_watcher_may_be_dropped_by_what_it_calls() {
    let (_scratch, directory) = scratch();
    let (give, takes) = mpsc::channel::<Watcher>();
    let (done, is_done) = mpsc::channel();
    let on_change = move |_| {
        let start = Instant::now();
        drop(takes.recv().unwrap());
        done.send(start.elapsed()).unwrap();
    };
    let watcher = Watcher::start(list(&directory, 10).unwrap(), by_notices_only(), on_change).unwrap();
    let signals = Arc::clone(&watcher.signals);
    give.send(watcher).unwrap();
    fs::write(directory.join("a.wasm"), "").unwrap();
    assert!(is_done.recv_timeout(LONG).unwrap() < LONGEST_STOP);
    assert!(signals.wait_for_end(LONG));
}

/// How many descriptors of this process watch a directory.
#[cfg(target_os = "linux")]
fn descriptors(directory: &Path) -> usize {
    use std::os::unix::fs::MetadataExt as _;
    let mark = format!(" ino:{:x} ", fs::metadata(directory).unwrap().ino());
    let told = fs::read_dir("/proc/self/fdinfo").unwrap().filter_map(Result::ok);
    // Other tests open and close others meanwhile.
    let told = told.filter_map(|entry| fs::read_to_string(entry.path()).ok());
    told.filter(|told| told.lines().any(|line| line.starts_with("inotify") && line.contains(&mark))).count()
}

#[cfg(target_os = "linux")]
#[test]
fn no_descriptor_is_left() {
    let (_scratch, directory) = scratch();
    let watched = watch(&directory, by_notices_only());
    assert!(watched.until(&directory.join("mark.wasm")).is_empty());
    assert_eq!(descriptors(&directory), 1);
    watched.stop();
    assert_eq!(descriptors(&directory), 0);
}
