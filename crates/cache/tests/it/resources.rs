//! What the system refuses or lacks: no more files, no such call, a mount that takes nothing. The answer is right all
//! the same, and the cache works again when the trouble is over.

use std::fs;
use std::path::Path;
use std::process::Command;

use host_cache::{Cache, HostKey, ModuleCache, OpenError, Source};
use wasmtime::Engine;

use crate::support::guest::{ask_component, ask_module, component, module};
use crate::support::{can_trace, run_in_namespace, said};

/// Tells a child of these tests which directory to use, and that it is one.
const CHILD: &str = "HOST_CACHE_TEST_RESOURCES";

fn child() -> Option<std::path::PathBuf> {
    std::env::var_os(CHILD).map(Into::into)
}

fn sealed(root: &Path) -> Cache {
    Cache::builder(root, HostKey::from_bytes([1; 32])).min_free_bytes(0).open().unwrap()
}

#[expect(unsafe_code, reason = "a mapped cache takes a promise")]
fn mapped(root: &Path) -> Cache {
    // SAFETY: the directory is the test's own, and nothing in it is changed in place.
    unsafe { Cache::builder(root, HostKey::from_bytes([1; 32])).min_free_bytes(0).open_mapped() }.unwrap()
}

/// Loads a module and a component, and says where they came from.
fn load(cache: Cache) -> [Source; 2] {
    let engine = Engine::default();
    let modules = ModuleCache::new(cache, &engine).unwrap();
    let (a_module, a_component) =
        (modules.module(&module(7)).unwrap(), modules.component(&component(8)).unwrap());
    assert_eq!((ask_module(&engine, &a_module), ask_component(&engine, &a_component)), (7, 8));
    assert_eq!(modules.cache().stats().misses.unhealthy(), 0);
    [a_module.outcome.source, a_component.outcome.source]
}

/// Calls that this kernel or its rules do not have are done without: the cache is a cache all the same.
#[test]
fn calls_that_are_not_there_are_done_without() {
    const TEST: &str = "resources::calls_that_are_not_there_are_done_without";
    if let Some(root) = child() {
        assert_eq!(load(sealed(&root)), [Source::Compiled; 2]);
        assert_eq!(load(sealed(&root)), [Source::Disk; 2]);
        assert_eq!(load(mapped(&root)), [Source::Disk; 2]);
        return;
    }
    if !can_trace() {
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    for injection in [
        "memfd_create:error=ENOSYS",
        "memfd_create:error=EPERM",
        "fallocate:error=EOPNOTSUPP",
        "renameat2:error=ENOSYS",
        "renameat2:error=EINVAL",
        "flock:error=ENOLCK",
        "flock:error=EOPNOTSUPP",
        "statx:error=ENOSYS",
        "statfs:error=ENOSYS",
        "utimensat:error=EPERM",
        "getrandom:error=ENOSYS:when=1",
        // Interrupted now and then.
        "read,pread64,write,pwrite64:error=EINTR:when=3+5",
        "openat:error=EINTR:when=3+5",
    ] {
        let root = directory.path().join(injection.replace([':', ',', '='], "-"));
        let traced = Command::new("strace")
            .args(["-f", "-qq", "-o", "/dev/null", "-e", &format!("inject={injection}")])
            .arg(std::env::current_exe().unwrap())
            .args(["--exact", TEST, "--test-threads=1"])
            .env(CHILD, &root)
            .output()
            .unwrap();
        assert!(traced.status.success(), "{injection}: {}", said(&traced));
    }
}

/// With every number of files that may still be opened, from none to enough.
#[test]
fn a_process_that_may_open_no_more_files_gets_its_code() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

    const TEST: &str = "resources::a_process_that_may_open_no_more_files_gets_its_code";
    let Some(root) = child() else {
        let directory = tempfile::tempdir().unwrap();
        let output = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", TEST, "--test-threads=1"])
            .env(CHILD, directory.path().join("cache"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{}", said(&output));
        return;
    };
    let before = getrlimit(Resource::Nofile);
    let allow = |files: Option<u64>| {
        let current = files.or(before.current);
        setrlimit(Resource::Nofile, Rlimit { current, maximum: before.maximum }).unwrap();
    };
    let engine = Engine::default();
    for (number, cache) in [sealed(&root), mapped(&root)].into_iter().enumerate() {
        let modules = ModuleCache::new(cache, &engine).unwrap();
        let open = fs::read_dir("/proc/self/fd").unwrap().count() as u64 - 1;
        for more in 0..8 {
            let answer = (number * 100) as i32 + more;
            for is_there in [false, true] {
                if is_there {
                    modules.module(&module(answer)).unwrap();
                }
                allow(Some(open + more as u64));
                let loaded = modules.module(&module(answer));
                allow(None);
                assert_eq!(ask_module(&engine, &loaded.unwrap()), answer);
            }
            let healed = modules.module(&module(answer)).unwrap();
            assert_eq!((healed.outcome.source, ask_module(&engine, &healed)), (Source::Disk, answer));
        }
        assert_eq!(modules.cache().verify().unwrap().bad.total(), 0);
    }
}

/// Permissions do not hold for the administrator, whose tests see nothing of this.
#[test]
fn what_may_not_be_read_or_written_costs_time_and_nothing_else() {
    use std::os::unix::fs::PermissionsExt;

    let directory = tempfile::tempdir().unwrap();
    let root = directory.path().join("cache");
    let set = |path: &Path, mode| fs::set_permissions(path, PermissionsExt::from_mode(mode)).unwrap();
    let cache = sealed(&root);
    set(&root, 0o555);
    let refused = Cache::open(&root, HostKey::from_bytes([1; 32]));
    set(&root, 0o700);
    if refused.is_ok() {
        #[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
        return eprintln!("skipped: this is the administrator");
    }
    assert!(matches!(refused, Err(OpenError::NotWritable { .. })), "{refused:?}");

    let engine = Engine::default();
    let modules = ModuleCache::new(cache, &engine).unwrap();
    modules.module(&module(7)).unwrap();
    let entries = fs::read_dir(&root).unwrap().next().unwrap().unwrap().path().join("entries");
    let entry = fs::read_dir(&entries).unwrap().next().unwrap().unwrap().path();
    set(&entry, 0o000);
    let loaded = modules.module(&module(7)).unwrap();
    assert_eq!((loaded.outcome.source, ask_module(&engine, &loaded)), (Source::Compiled, 7));
    assert_eq!(modules.module(&module(7)).unwrap().outcome.source, Source::Disk);

    set(&entries, 0o555);
    let loaded = modules.module(&module(8)).unwrap();
    assert!(loaded.outcome.publish_failure.is_some());
    assert_eq!(ask_module(&engine, &loaded), 8);
    set(&entries, 0o000);
    let loaded = modules.module(&module(7)).unwrap();
    assert_eq!((loaded.outcome.source, ask_module(&engine, &loaded)), (Source::Compiled, 7));
    set(&entries, 0o700);
    assert_eq!(modules.module(&module(7)).unwrap().outcome.source, Source::Disk);
}

/// A mount that takes no files: no cache can be opened there, and the error says why.
#[test]
fn a_read_only_mount_takes_no_cache() {
    const TEST: &str = "resources::a_read_only_mount_takes_no_cache";
    if let Some(directory) = child() {
        for (name, is_there) in [("cache", true), ("none", false)] {
            let refused = Cache::open(directory.join(name), HostKey::from_bytes([1; 32]));
            let is_typed = match &refused {
                Err(OpenError::NotWritable { .. }) => is_there,
                Err(OpenError::Create { .. }) => !is_there,
                _ => false,
            };
            assert!(is_typed, "{refused:?}");
        }
        return;
    }
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join("cache")).unwrap();
    let set_up = format!("mount --bind ${CHILD} ${CHILD} && mount -o remount,ro,bind ${CHILD}");
    let Some(output) = run_in_namespace(&set_up, TEST, CHILD, directory.path()) else { return };
    assert!(output.status.success(), "{}", said(&output));
}
