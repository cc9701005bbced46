//! Runs the guest `files`, as a WASI 0.1 module and as a 0.2 component, and measures what it leaves on the disk.

use std::collections::HashSet;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::LazyLock;

use host_wasi::{Grants, Output, Quota, Wasi, WasiOptions};
use wasmtime::Module;
use wasmtime::component::Component;

use crate::command::{ENGINE, Ended, Form, run_component, run_module};

static MODULE: LazyLock<Module> =
    LazyLock::new(|| Module::new(&ENGINE, fixtures::bytes("p1-files")).unwrap());

static COMPONENT: LazyLock<Component> =
    LazyLock::new(|| Component::new(&ENGINE, fixtures::bytes("p2-files")).unwrap());

/// Runs the guest with `args` after its name, its output captured.
pub(crate) fn run_files(form: Form, grants: &Grants, args: &[&str]) -> Ended {
    run_files_with(&WasiOptions::new(), form, grants, args)
}

pub(crate) fn run_files_with(options: &WasiOptions, form: Form, grants: &Grants, args: &[&str]) -> Ended {
    run_opened(form, open(options, grants, args))
}

/// The first half of running the guest.
pub(crate) fn open(options: &WasiOptions, grants: &Grants, args: &[&str]) -> Wasi {
    let grants = grants.clone().args(["files"]).args(args.iter().copied()).stdout(Output::Capture(1 << 20));
    options.open(&grants).unwrap()
}

/// And the second.
pub(crate) fn run_opened(form: Form, wasi: Wasi) -> Ended {
    match form {
        Form::P1 => run_module(&MODULE, wasi),
        Form::P2 => run_component(&COMPONENT, wasi),
    }
}

/// Runs the guest with the first half of each pair as its arguments, and checks that it answers with the second.
pub(crate) fn check(form: Form, grants: &Grants, script: &[(&str, &str)]) -> Ended {
    let args: Vec<&str> = script.iter().map(|(argument, _)| *argument).collect();
    let ended = run_files(form, grants, &args);
    ended.result.as_ref().unwrap();
    let said = ended.stdout();
    // The C library in a component says "input/output error" of every stream that fails, and asks no further.
    let said = said.replace("--write 29", "--write 51").replace("--append 29", "--append 51");
    let said: Vec<&str> = said.lines().filter(|line| line.starts_with("--")).collect();
    let expected: Vec<String> = script
        .iter()
        .map(|(argument, answer)| format!("{} {answer}", argument.split('=').next().unwrap_or_default()))
        .collect();
    assert_eq!(said, expected, "{form:?} {args:?}: {}", ended.stdout());
    ended
}

/// What lies in a directory, counted in the plainest way.
pub(crate) fn measure(root: &Path) -> Quota {
    fn visit(directory: &Path, seen: &mut HashSet<u64>, sum: &mut Quota) {
        for entry in fs::read_dir(directory).unwrap() {
            let (path, metadata) = entry.map(|entry| (entry.path(), entry.metadata().unwrap())).unwrap();
            sum.files += 1;
            if metadata.is_dir() {
                visit(&path, seen, sum);
            } else if seen.insert(metadata.ino()) {
                sum.bytes += metadata.len();
            }
        }
    }
    let mut sum = Quota { bytes: 0, files: 0 };
    visit(root, &mut HashSet::new(), &mut sum);
    sum
}
