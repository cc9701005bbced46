//! Runs one program in every way that is listed for it, and says what was not as expected.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow};

use super::list::{Expected, Program, Run};
use super::process::{self, Ended, PATIENCE};
use crate::package::digest;
use crate::test::quiet;

/// What runs the programs.
pub(super) struct Runner {
    /// The command `wasm-host`.
    pub(super) program: PathBuf,
    pub(super) adapt: bool,
    /// Where the programs, the cache and the working folder are.
    pub(super) folder: PathBuf,
}

/// What came of one program.
pub(super) struct Ran {
    /// How long the first run took, and the same run again.
    pub(super) starts: (Duration, Duration),
    pub(super) problems: Vec<String>,
}

/// Does all runs of `program`, and the first one twice.
pub(super) fn all(program: &Program, wasm: &Path, runner: &Runner) -> Ran {
    let mut starts = (Duration::ZERO, Duration::ZERO);
    let mut problems = Vec::new();
    for (index, run) in program.runs.iter().enumerate() {
        let mut result = runner.run(run, program, wasm);
        if index == 0 {
            starts.0 = result.as_ref().copied().unwrap_or_default();
            result = result.and_then(|_| runner.run(run, program, wasm));
            starts.1 = result.as_ref().copied().unwrap_or_default();
        }
        let verdict = if result.is_ok() { "ok" } else { "FAILED" };
        println!("{}: {} ... {verdict}", program.package.name, run.does);
        if let Err(problem) = result {
            problems.push(format!("{}: {}: {problem:#}", program.package.name, run.does));
        }
    }
    Ran { starts, problems }
}

impl Runner {
    /// Empties the cache of compiled code, so that the first start is one.
    pub(super) fn forget(&self) -> Result<()> {
        empty(&self.folder.join("cache"))
    }

    /// Does one run, and gives how long it took.
    fn run(&self, run: &Run, program: &Program, wasm: &Path) -> Result<Duration> {
        let work = self.folder.join("work");
        empty(&work)?;
        for (name, contents) in run.files {
            fs::write(work.join(name), contents)?;
        }
        let mut command = self.command(run, program, wasm);
        let ended = process::run(command.current_dir(&work), run.stdin, PATIENCE)?;
        judge(&run.expected, &ended, &work, self.adapt)
            .map(|()| ended.elapsed)
            .map_err(|problem| anyhow!("{problem}\n  it ended with {}{}", ended.status, said(&ended)))
    }

    fn command(&self, run: &Run, program: &Program, wasm: &Path) -> Command {
        let package = self.folder.join(program.package.name).join("unpacked");
        let mut command = Command::new(&self.program);
        command.arg("run").arg("--cache-dir").arg(self.folder.join("cache"));
        if self.adapt {
            command.arg("--adapt");
        }
        let options = program.limits.iter().chain(run.grants);
        command.args(options.map(|option| option.replace("{package}", &package.to_string_lossy())));
        command.arg("--").arg(wasm).args(run.args);
        // The key of the cache is one of its own, too.
        command.env("XDG_STATE_HOME", self.folder.join("state"));
        quiet(&mut command);
        command
    }
}

/// Whether a run ended as expected; the error says how it did not. A component can only say that it failed, by 1.
fn judge(expected: &Expected, ended: &Ended, work: &Path, is_component: bool) -> Result<(), String> {
    let code = ended.status.code();
    let of_program = |code: i32| if is_component { code.min(1) } else { code };
    let stdout = || String::from_utf8_lossy(&ended.stdout);
    match expected {
        Expected::Prints(text) if code == Some(0) && ended.stdout == text.as_bytes() => Ok(()),
        Expected::Prints(text) => Err(format!("it prints {:?}, expected is {text:?}", stdout())),
        Expected::PrintsPart(text) if code == Some(0) && stdout().contains(text) => Ok(()),
        Expected::PrintsPart(text) => {
            Err(format!("it prints {:?}, expected is that {text:?} is in it", stdout()))
        }
        Expected::Writes { file, sha256 } => {
            let written = fs::read(work.join(file));
            let written = written.map_err(|error| format!("it has not written {file:?}: {error}"))?;
            match digest(&written) {
                found if found == *sha256 => Ok(()),
                found => Err(format!(
                    "what it wrote to {file:?} has the SHA-256 digest {found}, expected is {sha256}"
                )),
            }
        }
        Expected::Fails { code: failed, says }
            if code == Some(of_program(*failed)) && ended.stderr.contains(says) =>
        {
            Ok(())
        }
        Expected::Fails { code: failed, says } => {
            Err(format!("expected is that it ends with {} and says {says:?}", of_program(*failed)))
        }
    }
}

/// What it said, for people.
fn said(ended: &Ended) -> String {
    match ended.stderr.trim() {
        "" => String::new(),
        text => format!("; it says\n    {}", text.replace('\n', "\n    ")),
    }
}

/// Makes `folder` an empty one.
fn empty(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => fs::create_dir_all(folder),
    }
    .with_context(|| format!("cannot empty {}", folder.display()))
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    use super::*;

    fn ended(code: i32, stdout: &str, stderr: &str) -> Ended {
        Ended {
            status: ExitStatus::from_raw(code << 8),
            stdout: stdout.into(),
            stderr: stderr.to_owned(),
            elapsed: Duration::ZERO,
        }
    }

    #[test]
    fn what_was_expected_is_told_apart_from_what_was_not() {
        let folder = Path::new("no-such-folder");
        let judge = |expected, ended| super::judge(&expected, &ended, folder, false);
        assert_eq!(judge(Expected::Prints("42\n"), ended(0, "42\n", "")), Ok(()));
        assert!(judge(Expected::Prints("42\n"), ended(1, "42\n", "")).is_err());
        assert!(judge(Expected::Prints("42\n"), ended(0, "42", "")).is_err());
        assert_eq!(judge(Expected::PrintsPart("2"), ended(0, "42", "")), Ok(()));
        assert!(judge(Expected::PrintsPart("3"), ended(0, "42", "")).is_err());
        let fails = || Expected::Fails { code: 1, says: "no such file" };
        assert_eq!(judge(fails(), ended(1, "", "x: no such file\n")), Ok(()));
        assert!(judge(fails(), ended(0, "", "x: no such file\n")).is_err());
        assert!(judge(fails(), ended(1, "", "other")).is_err());
        let two = Expected::Fails { code: 2, says: "" };
        assert!(judge(two, ended(1, "", "")).is_err());
        let two = Expected::Fails { code: 2, says: "" };
        assert_eq!(super::judge(&two, &ended(1, "", ""), folder, true), Ok(()));
        let writes = Expected::Writes { file: "out", sha256: "" };
        assert!(judge(writes, ended(0, "", "")).unwrap_err().starts_with("it has not written \"out\""));
    }
}
