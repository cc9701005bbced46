//! Runs the guest `calls`, which makes the calls it is told to and prints what each answers.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::LazyLock;

use host_wasi::{Grants, Output, Wasi};
use wasmtime::Module;
use wasmtime::component::Component;

use crate::command::{ENGINE, Ended, Form, run_component, run_module};

static MODULE: LazyLock<Module> =
    LazyLock::new(|| Module::new(&ENGINE, fixtures::bytes("p1-calls")).unwrap());

static COMPONENT: LazyLock<Component> =
    LazyLock::new(|| Component::new(&ENGINE, fixtures::bytes("p2-calls")).unwrap());

/// Runs the guest, however it ends.
pub(crate) fn run(form: Form, grants: Grants, calls: &[impl AsRef<str>]) -> Ended {
    let grants =
        grants.args(["calls"]).args(calls.iter().map(AsRef::as_ref)).stdout(Output::Capture(1 << 20));
    let wasi = Wasi::new(&grants).unwrap();
    match form {
        Form::P1 => run_module(&MODULE, wasi),
        Form::P2 => run_component(&COMPONENT, wasi),
    }
}

/// What each call answered.
pub(crate) fn answers(form: Form, grants: Grants, calls: &[impl AsRef<str>]) -> Vec<String> {
    let ended = run(form, grants, calls);
    ended.result.as_ref().unwrap_or_else(|error| panic!("{form:?}: {error:?}"));
    let answers: Vec<String> = ended.stdout().lines().map(str::to_owned).collect();
    assert_eq!(answers.len(), calls.len(), "{form:?}: an answer for each call: {answers:?}");
    answers
}

/// A path of the host as the guest reads it: `:` and `%` would mean something else.
pub(crate) fn quoted(path: &Path) -> String {
    let byte = |byte: &u8| match byte {
        b':' | b'%' | 0x80.. => format!("%{byte:02x}"),
        plain => char::from(*plain).to_string(),
    };
    path.as_os_str().as_bytes().iter().map(byte).collect()
}

/// The bytes that a text of a call stands for.
pub(crate) fn unquoted(text: &str) -> Vec<u8> {
    let mut parts = text.split('%');
    let mut bytes = parts.next().unwrap().as_bytes().to_vec();
    for part in parts {
        bytes.push(u8::from_str_radix(&part[..2], 16).unwrap());
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    bytes
}

pub(crate) fn os(bytes: &[u8]) -> &OsStr {
    OsStr::from_bytes(bytes)
}
