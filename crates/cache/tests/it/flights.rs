//! One compile for all that ask for the same thing at one time: threads of a process, and processes.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Barrier;
use std::time::Duration;

use host_cache::{Cache, CompileError, IntegrityOnly, ModuleCache, Source};
use wasmtime::Engine;

use crate::support::Fixture;
use crate::support::guest::ask_module;

/// Takes a moment to compile, so that those who ask at one time meet.
pub(crate) fn slow_module() -> Vec<u8> {
    let mut text = String::from("(module");
    for number in 0..2_000 {
        write!(text, "(func (param i32) (result i32) (i32.mul (local.get 0) (i32.const {number})))").unwrap();
    }
    text.push_str(r#"(func (export "answer") (result i32) i32.const 42))"#);
    wat::parse_str(text).unwrap()
}

#[test]
fn threads_compile_once() {
    let fixture = Fixture::new();
    let engine = Engine::default();
    let modules = ModuleCache::new(fixture.reopened(), &engine).unwrap();
    let (wasm, barrier) = (slow_module(), Barrier::new(8));
    std::thread::scope(|scope| {
        for _ in 0..8 {
            scope.spawn(|| {
                // Clones share what is being compiled.
                let modules = modules.clone();
                barrier.wait();
                let loaded = modules.module(&wasm).unwrap();
                assert_eq!(ask_module(&engine, &loaded), 42);
            });
        }
    });
    let stats = modules.cache().stats();
    assert_eq!(stats.published, 1, "{stats:?}");
    assert_eq!(stats.joined + stats.hits, 7, "{stats:?}");
}

#[test]
fn an_error_reaches_all_who_wait_and_is_not_kept() {
    let fixture = Fixture::new();
    let modules = ModuleCache::new(fixture.reopened(), &Engine::default()).unwrap();
    let mut wasm = slow_module();
    // A function body too many.
    let length = wasm.len();
    wasm[length - 1] = 0xff;
    let barrier = Barrier::new(4);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                barrier.wait();
                assert!(matches!(modules.module(&wasm), Err(CompileError::Compile { .. })));
            });
        }
    });
    assert!(matches!(modules.module(&wasm), Err(CompileError::Compile { .. })));
    assert!(fixture.files().is_empty());
}

/// Tells a child of these tests which directory to use, and that it is one.
const CHILD: &str = "HOST_CACHE_TEST_DIRECTORY";

/// Tells it how many threads ask.
const THREADS: &str = "HOST_CACHE_TEST_THREADS";

/// What a child does: loads the module in each of its threads, and says how many times it was compiled here.
#[expect(clippy::print_stdout, reason = "the parent reads it")]
fn child(directory: &Path) {
    let engine = Engine::default();
    let cache = Cache::builder(directory, IntegrityOnly).lock_wait(Duration::from_secs(600)).open().unwrap();
    let modules = ModuleCache::new(cache, &engine).unwrap();
    let (wasm, threads) = (slow_module(), std::env::var(THREADS).unwrap().parse().unwrap());
    println!("asking");
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| assert_eq!(ask_module(&engine, &modules.module(&wasm).unwrap()), 42));
        }
    });
    println!("published: {}", modules.cache().stats().published);
}

fn start_child(directory: &Path, threads: usize) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "flights::processes_compile_once", "--nocapture"])
        .env(CHILD, directory)
        .env(THREADS, threads.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// A child that is stopped, and ends with the test, also if that fails.
#[cfg(unix)]
struct Stopped(Child);

#[cfg(unix)]
impl Drop for Stopped {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn published(child: Child) -> u64 {
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    let published = said.split("published: ").nth(1).unwrap_or_else(|| panic!("{said}"));
    published.split_whitespace().next().unwrap().parse().unwrap()
}

#[test]
fn processes_compile_once() {
    if let Some(directory) = std::env::var_os(CHILD) {
        return child(Path::new(&directory));
    }
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("cache");
    let children: Vec<_> = (0..4).map(|_| start_child(&root, 2)).collect();
    assert_eq!(children.into_iter().map(published).sum::<u64>(), 1);
    // No lock is left behind.
    let format = std::fs::read_dir(&root).unwrap().next().unwrap().unwrap().path();
    assert_eq!(std::fs::read_dir(format.join("locks")).unwrap().count(), 0);
}

/// A child that is stopped in the middle of its compile, on a cache below `directory` that is made for it.
#[cfg(unix)]
fn start_stopped(directory: &Path) -> (Stopped, PathBuf) {
    use rustix::process::{Pid, Signal, WaitOptions, kill_process, waitpid};

    for attempt in 0..100 {
        let root = directory.join(format!("cache-{attempt}"));
        let count = |name: &str| {
            let format = std::fs::read_dir(&root).ok()?.next()?.ok()?.path();
            Some(std::fs::read_dir(format.join(name)).ok()?.count())
        };
        let mut child = Stopped(start_child(&root, 1));
        let pid = Pid::from_child(&child.0);
        // Once its lock is there, it compiles.
        let patience = std::time::Instant::now() + Duration::from_secs(60);
        while count("locks").is_none_or(|locks| locks == 0) && child.0.try_wait().unwrap().is_none() {
            assert!(std::time::Instant::now() < patience);
            std::thread::yield_now();
        }
        if kill_process(pid, Signal::STOP).is_ok() && child.0.try_wait().unwrap().is_none() {
            let (_, status) = waitpid(Some(pid), WaitOptions::UNTRACED).unwrap().unwrap();
            if status.stopped() && count("locks") == Some(1) && count("entries").is_none() {
                return (child, root);
            }
        }
        // It was done before it could be stopped.
    }
    panic!("no child is slow enough")
}

/// Killed in the middle of its compile: of the eight that wait in four processes, one makes it, for all.
#[test]
#[cfg(unix)]
fn a_killed_process_makes_way() {
    use std::io::{BufRead, BufReader, Read};

    let directory = tempfile::tempdir().unwrap();
    let (first, root) = start_stopped(directory.path());
    let mut others: Vec<_> = (0..4).map(|_| start_child(&root, 2)).collect();
    let said: Vec<_> = others
        .iter_mut()
        .map(|child| {
            let mut said = BufReader::new(child.stdout.take().unwrap());
            let mut line = String::new();
            while !line.contains("asking") {
                line.clear();
                assert_ne!(said.read_line(&mut line).unwrap(), 0, "it ended before it asked");
            }
            said
        })
        .collect();
    // Until they have come to wait.
    std::thread::sleep(Duration::from_millis(300));
    assert!(others.iter_mut().all(|child| child.try_wait().unwrap().is_none()), "somebody did not wait");
    drop(first);
    let mut compiled = 0;
    for (mut child, mut said) in others.into_iter().zip(said) {
        let mut text = String::new();
        said.read_to_string(&mut text).unwrap();
        assert!(child.wait().unwrap().success(), "{text}");
        compiled += u32::from(text.contains("published: 1"));
        assert!(text.contains("published: "), "{text}");
    }
    assert_eq!(compiled, 1);
}

/// Neither dead nor at work: the others wait as long as they were told, and go on without it.
#[test]
#[cfg(unix)]
fn a_stopped_process_holds_nobody_for_ever() {
    let directory = tempfile::tempdir().unwrap();
    let (first, root) = start_stopped(directory.path());
    let engine = Engine::default();
    let cache = Cache::builder(&root, IntegrityOnly).lock_wait(Duration::from_millis(50)).open().unwrap();
    let loaded = ModuleCache::new(cache, &engine).unwrap().module(&slow_module()).unwrap();
    assert_eq!(loaded.outcome.source, Source::Compiled);
    assert_eq!(ask_module(&engine, &loaded), 42);
    drop(first);
}
