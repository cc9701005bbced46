//! A directory with a cache in it, and its files.

use std::fs;
use std::path::{Path, PathBuf};

use host_cache::{Cache, IntegrityOnly, Key};

/// A temporary directory with an open cache in it.
pub(crate) struct Fixture {
    pub(crate) cache: Cache,
    directory: tempfile::TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        Self { cache: Cache::open(directory.path().join("cache"), IntegrityOnly).unwrap(), directory }
    }

    /// The same directory, opened anew as another process would.
    pub(crate) fn reopened(&self) -> Cache {
        Cache::open(self.cache.root(), IntegrityOnly).unwrap()
    }

    /// A path beside the cache.
    #[cfg(feature = "wasmtime")]
    pub(crate) fn beside(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// All entries in the cache, temporary files too; not what is in quarantine.
    pub(crate) fn files(&self) -> Vec<PathBuf> {
        assert!(self.directory.path().exists());
        let mut files = files_below(self.cache.root());
        files.retain(|path| path.parent().unwrap().ends_with("entries"));
        files
    }

    /// The only file in the cache.
    pub(crate) fn file(&self) -> PathBuf {
        let mut files = self.files();
        assert_eq!(files.len(), 1, "{files:?}");
        files.remove(0)
    }
}

/// A key of its own for each name.
pub(crate) fn key(name: &str) -> Key {
    Key::builder("test").field("name", name).finish()
}

/// Whether processes can be traced here: there is `strace`, and it is not forbidden.
#[cfg(all(feature = "wasmtime", target_os = "linux"))]
pub(crate) fn can_trace() -> bool {
    use std::process::{Command, Stdio};
    let quiet = |command: &mut Command| command.stdout(Stdio::null()).stderr(Stdio::null()).status();
    quiet(Command::new("strace").args(["-o", "/dev/null", "true"])).is_ok_and(|status| status.success())
}

/// Runs a test of this binary again, as a child that finds `directory` in the variable `child`, with mounts of its own, which
/// the shell line `set_up` makes as the administrator of a namespace. `None`, with the reason printed, where there can be none.
#[cfg(target_os = "linux")]
pub(crate) fn run_in_namespace(
    set_up: &str,
    test: &str,
    child: &str,
    directory: &Path,
) -> Option<std::process::Output> {
    let run = |line: &str| {
        std::process::Command::new("unshare")
            .args(["--user", "--map-root-user", "--mount", "sh", "-c", line])
            .arg("sh")
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", test, "--test-threads=1", "--nocapture"])
            .env(child, directory)
            .output()
    };
    match run(set_up) {
        Ok(output) if output.status.success() => {}
        #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
        refused => {
            eprintln!("skipped: mounts are not allowed here: {refused:?}");
            return None;
        }
    }
    Some(run(&format!(r#"{set_up} && exec "$@""#)).unwrap())
}

/// What a child said.
#[cfg(target_os = "linux")]
pub(crate) fn said(output: &std::process::Output) -> String {
    [&output.stdout[..], &output.stderr].map(String::from_utf8_lossy).concat()
}

/// Puts other bytes in place of a file that may not be written to.
pub(crate) fn overwrite(file: &Path, bytes: &[u8]) {
    fs::remove_file(file).unwrap();
    fs::write(file, bytes).unwrap();
    #[cfg(unix)]
    fs::set_permissions(file, std::os::unix::fs::PermissionsExt::from_mode(0o400)).unwrap();
}

fn files_below(directory: &Path) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { files.extend(files_below(&path)) } else { files.push(path) }
    }
    files
}

#[cfg(feature = "wasmtime")]
pub(crate) mod guest {
    //! Small guests, and how to run them.

    use host_cache::ModuleCache;
    use wasmtime::component::{Component, Linker};
    use wasmtime::{Engine, Instance, Module, Store};

    use super::Fixture;

    pub(crate) fn modules(fixture: &Fixture, engine: &Engine) -> ModuleCache {
        ModuleCache::new(fixture.reopened(), engine).unwrap()
    }

    /// A module whose export `answer` gives `answer`.
    pub(crate) fn module(answer: i32) -> Vec<u8> {
        wat::parse_str(format!(r#"(module (func (export "answer") (result i32) i32.const {answer}))"#))
            .unwrap()
    }

    /// A component whose export `answer` gives `answer`.
    pub(crate) fn component(answer: u32) -> Vec<u8> {
        wat::parse_str(format!(
            r#"(component
                (core module $m (func (export "answer") (result i32) i32.const {answer}))
                (core instance $i (instantiate $m))
                (func (export "answer") (result u32) (canon lift (core func $i "answer"))))"#
        ))
        .unwrap()
    }

    pub(crate) fn ask_module(engine: &Engine, module: &Module) -> i32 {
        let mut store = Store::new(engine, ());
        let instance = Instance::new(&mut store, module, &[]).unwrap();
        let answer = instance.get_typed_func::<(), i32>(&mut store, "answer").unwrap();
        answer.call(&mut store, ()).unwrap()
    }

    pub(crate) fn ask_component(engine: &Engine, component: &Component) -> u32 {
        let mut store = Store::new(engine, ());
        let instance = Linker::new(engine).instantiate(&mut store, component).unwrap();
        let answer = instance.get_typed_func::<(), (u32,)>(&mut store, "answer").unwrap();
        answer.call(&mut store, ()).unwrap().0
    }
}
