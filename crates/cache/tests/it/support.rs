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

/// The only thing in a directory.
pub(crate) fn only(directory: &Path) -> PathBuf {
    let mut found: Vec<_> = fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(found.len(), 1, "{found:?}");
    found.remove(0)
}

/// Whether `work` comes to its end, in a time after which nobody would call it slow any more.
#[cfg(unix)]
pub(crate) fn ends(work: impl FnOnce() + Send + 'static) -> bool {
    let (done, ended) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        work();
        done.send(()).unwrap();
    });
    match ended.recv_timeout(std::time::Duration::from_secs(60)) {
        Err(std::sync::mpsc::RecvTimeoutError::Timeout) => false,
        _ => thread.join().is_ok(),
    }
}

/// Makes a pipe with a name, on which whoever opens it waits.
#[cfg(unix)]
pub(crate) fn make_pipe(path: &Path) {
    assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
}

/// Whether processes can be traced here: there is `strace`, and it is not forbidden. Says so if not.
#[cfg(all(feature = "wasmtime", target_os = "linux"))]
pub(crate) fn can_trace() -> bool {
    can_run("strace", &["-o", "/dev/null", "true"])
}

/// Whether processes can have mounts of their own here. Says so if not.
#[cfg(all(feature = "wasmtime", target_os = "linux"))]
pub(crate) fn can_mount() -> bool {
    can_run("unshare", &["-rm", "mount", "-t", "tmpfs", "none", "/proc"])
}

#[cfg(all(feature = "wasmtime", target_os = "linux"))]
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn can_run(program: &str, arguments: &[&str]) -> bool {
    let run = std::process::Command::new(program).args(arguments).output();
    let why = match run {
        Ok(output) if output.status.success() => return true,
        Ok(output) => String::from_utf8_lossy(&output.stderr).into_owned(),
        Err(error) => error.to_string(),
    };
    eprintln!("skipped: `{program} {}` does not work here: {why}", arguments.join(" "));
    false
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
