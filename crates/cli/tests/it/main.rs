//! The command `wasm-host` from outside: what it prints, and with which code it ends.

mod adapt;
mod bad_input;
mod cache;
mod call;
mod doctor;
mod doctor_directory;
mod explain;
mod faults;
mod inspect;
mod p3;
mod run;
#[cfg(unix)]
mod serve;

use std::ffi::OsStr;
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};

/// How a call of the command ended.
#[derive(Debug)]
struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
}

/// Calls the command with a cache that the tests share, and an empty standard input.
fn wasm_host(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Ran {
    finish(command(args), "")
}

/// The command, for a test that needs more of its surroundings.
fn command(args: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_wasm-host"));
    command
        .args(args)
        .env("XDG_CACHE_HOME", env!("CARGO_TARGET_TMPDIR"))
        .env("XDG_STATE_HOME", env!("CARGO_TARGET_TMPDIR"))
        .env_remove("RUST_BACKTRACE");
    command
}

fn finish(mut command: Command, stdin: &str) -> Ran {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().expect("the command starts");
    // A command that fails early does not read it.
    let _ = child.stdin.take().expect("it is piped").write_all(stdin.as_bytes());
    let output = child.wait_with_output().expect("the command ends");
    let text = |bytes| String::from_utf8(bytes).expect("the output is text");
    Ran {
        code: output.status.code().expect("the command ends by itself"),
        stdout: text(output.stdout),
        stderr: text(output.stderr),
    }
}

impl Ran {
    /// It went well, and printed exactly this.
    #[track_caller]
    fn prints(&self, stdout: &str) {
        assert_eq!((self.code, self.stdout.as_str()), (0, stdout), "{}", self.stderr);
    }

    /// It ended with `code`, and standard error has all of these.
    #[track_caller]
    fn fails(&self, code: i32, stderr: &[&str]) {
        assert_eq!(self.code, code, "{self:#?}");
        for part in stderr {
            assert!(self.stderr.contains(part), "{part} is missing in {:#?}", self);
        }
    }
}

/// The path of a built guest, as text.
fn guest(name: &str) -> String {
    fixtures::path(name).to_str().expect("the repository's path is text").to_owned()
}

/// A directory of one test's own.
struct Scratch(tempfile::TempDir);

impl Scratch {
    fn new() -> Scratch {
        Scratch(tempfile::tempdir().expect("there is room for a directory"))
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    /// The path of a file in it, as text.
    fn text(&self, name: &str) -> String {
        self.path(name).to_str().expect("the path is text").to_owned()
    }

    /// Writes a file, and gives its path.
    fn file(&self, name: &str, contents: impl AsRef<[u8]>) -> String {
        std::fs::write(self.path(name), contents).expect("the file can be written");
        self.text(name)
    }
}
