//! One compile for all that ask for the same thing at one time: threads of a process, and processes.

use std::fmt::Write as _;
use std::path::Path;
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

/// Tells a child of this test which directory to use, and that it is one.
const CHILD: &str = "HOST_CACHE_TEST_DIRECTORY";

/// What a child does: loads the module, and says where it came from.
#[expect(clippy::print_stdout, reason = "the parent reads it")]
fn child(directory: &Path) {
    let engine = Engine::default();
    let cache = Cache::builder(directory, IntegrityOnly).lock_wait(Duration::from_secs(600)).open().unwrap();
    let loaded = ModuleCache::new(cache, &engine).unwrap().module(&slow_module()).unwrap();
    assert_eq!(ask_module(&engine, &loaded), 42);
    println!("source: {}", loaded.outcome.source);
}

fn start_child(directory: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "flights::processes_compile_once", "--nocapture"])
        .env(CHILD, directory)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

fn source_of(child: Child) -> String {
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{said}");
    let source = said.split("source: ").nth(1).unwrap_or_else(|| panic!("{said}"));
    source.split_whitespace().next().unwrap().to_owned()
}

#[test]
fn processes_compile_once() {
    if let Some(directory) = std::env::var_os(CHILD) {
        return child(Path::new(&directory));
    }
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("cache");
    let children: Vec<_> = (0..4).map(|_| start_child(&root)).collect();
    let mut sources: Vec<_> = children.into_iter().map(source_of).collect();
    sources.sort();
    assert_eq!(
        sources,
        [Source::Compiled.name(), Source::Disk.name(), Source::Disk.name(), Source::Disk.name()]
    );
    // No lock is left behind.
    let format = std::fs::read_dir(&root).unwrap().next().unwrap().unwrap().path();
    assert_eq!(std::fs::read_dir(format.join("locks")).unwrap().count(), 0);
}

/// Killed in the middle of its compile: the others go on at once, and one of them makes it.
#[test]
#[cfg(unix)]
fn a_killed_process_makes_way() {
    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("cache");
    let mut first = start_child(&root);
    // Once its lock is there, it compiles.
    let patience = std::time::Instant::now() + Duration::from_secs(60);
    let locked = || {
        let format = std::fs::read_dir(&root).ok()?.next()?.ok()?.path();
        std::fs::read_dir(format.join("locks")).ok()?.next()?.ok()
    };
    while locked().is_none() && first.try_wait().unwrap().is_none() {
        assert!(std::time::Instant::now() < patience);
        std::thread::sleep(Duration::from_millis(1));
    }
    let others: Vec<_> = (0..2).map(|_| start_child(&root)).collect();
    first.kill().unwrap();
    first.wait().unwrap();
    let sources: Vec<_> = others.into_iter().map(source_of).collect();
    let compiled = sources.iter().filter(|source| *source == Source::Compiled.name()).count();
    // None only if the first was done before it could be killed.
    assert!(compiled <= 1, "{sources:?}");
}
