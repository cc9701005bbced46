//! `cargo xtask test`: every test and every example, and the counts on the last line.

pub(crate) mod counts;

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, ExitCode, ExitStatus, Stdio};
use std::time::Instant;

use anyhow::{Context as _, Result};

use crate::cargo::{CommandError, WORKSPACE, cargo, line};
use crate::{examples, guests, table};

use counts::{Counts, Reader, Target};

/// Variables of a developer's shell that change what a guest's error looks like, and the key of compiled code with it.
const UNSET: &[&str] = &["RUST_BACKTRACE", "RUST_LIB_BACKTRACE", "WASMTIME_BACKTRACE_DETAILS"];

/// Builds the guests, runs `cargo test` with `arguments`, then the examples; arguments choose tests, so with any the
/// examples are left out. Fails on any failure, and when nothing ran at all.
pub(crate) fn run(arguments: &[&str]) -> Result<ExitCode> {
    guests::build()?;
    let mut targets = tests(&WORKSPACE, arguments)?;
    // The one crate with a feature that can be switched off. The rest of it is quick to build.
    targets.extend(tests(&["--package", "host-cache", "--no-default-features"], arguments)?);
    if arguments.is_empty() {
        targets.push(run_examples()?);
    } else {
        println!("\nexamples: not run, because `cargo test` was given arguments");
    }
    let sum = targets.iter().fold(Counts::default(), |sum, target| sum + target.counts);
    let rows: Vec<_> =
        targets.iter().filter(|target| target.counts != Counts::default()).map(Target::row).collect();
    if !rows.is_empty() {
        println!("\n{}", table::render(&["target", "passed", "failed", "ignored"], &rows));
    }
    let nothing = sum.passed + sum.failed == 0;
    if nothing {
        println!("no test ran, and that is a failure");
    }
    println!("{} passed, {} failed, {} skipped", sum.passed, sum.failed, sum.ignored);
    Ok(if nothing || sum.failed > 0 { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

/// Runs `cargo test` for `what`, shows its output as it comes, and reads the results out of it.
fn tests(what: &[&str], arguments: &[&str]) -> Result<Vec<Target>> {
    let mut command = cargo(["test", "--locked", "--no-fail-fast"]);
    // The names of the targets are read out of the lines, where colours would stand in the way.
    command.args(what).args(arguments).env("CARGO_TERM_COLOR", "never");
    let mut reader = Reader::default();
    let status = stream(quiet(&mut command), |line| reader.line(line))?;
    Ok(reader.finish(status.success()))
}

fn run_examples() -> Result<Target> {
    let mut counts = Counts::default();
    println!();
    match examples::all().and_then(|all| examples::build().map(|()| all)) {
        Ok(all) => {
            for example in all {
                print!("example {} {} ... ", example.package, example.name);
                if run_example(example.command())? { counts.passed += 1 } else { counts.failed += 1 }
            }
        }
        // The tests have run, and their counts are still to be told.
        Err(error) => {
            println!("examples: {error:#}");
            counts.failed += 1;
        }
    }
    Ok(Target { name: "examples".to_owned(), counts })
}

/// Runs one example and ends its line; what it said follows only if it failed.
fn run_example(command: Result<Command>) -> Result<bool> {
    std::io::stdout().flush().context("standard output is closed")?;
    let start = Instant::now();
    let done = command.and_then(|mut command| {
        let start = quiet(&mut command).stdin(Stdio::null()).output();
        start.with_context(|| format!("could not start {}", command.get_program().display()))
    });
    let done = match done {
        Ok(done) => done,
        // A failure like another, for instance where a build for another target put the example elsewhere.
        Err(error) => {
            println!("FAILED: {error:#}");
            return Ok(false);
        }
    };
    let seconds = start.elapsed().as_secs_f64();
    if done.status.success() {
        println!("ok ({seconds:.1} s)");
    } else {
        println!("FAILED with {} ({seconds:.1} s)", done.status);
        println!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    }
    Ok(done.status.success())
}

/// The command without the variables of [`UNSET`].
pub(crate) fn quiet(command: &mut Command) -> &mut Command {
    for name in UNSET {
        command.env_remove(name);
    }
    command
}

/// Runs a command, prints every line of both its outputs in the order it came, and hands each to `each`.
pub(crate) fn stream(command: &mut Command, mut each: impl FnMut(&str)) -> Result<ExitStatus> {
    eprintln!("$ {}", line(command));
    let (reader, writer) = std::io::pipe().context("no pipe for the output of `cargo test`")?;
    // One pipe for both: the names of the targets come on one output, their results on the other.
    command.stdin(Stdio::null()).stdout(writer.try_clone()?).stderr(writer);
    let mut child =
        command.spawn().map_err(|source| CommandError::NotStarted { line: line(command), source })?;
    // The command still holds our ends of the pipe, which would never end while they are open.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut reader = BufReader::new(reader);
    let mut raw = Vec::new();
    while reader.read_until(b'\n', &mut raw)? > 0 {
        let text = String::from_utf8_lossy(&raw);
        print!("{text}");
        each(text.trim_end());
        raw.clear();
    }
    child.wait().with_context(|| format!("`{}` was lost", line(command)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_outputs_are_read_and_the_status_kept() {
        let mut lines = Vec::new();
        let status = stream(&mut cargo(["no-such-subcommand"]), |line| lines.push(line.to_owned())).unwrap();
        assert!(!status.success());
        assert!(lines.iter().any(|line| line.contains("no-such-subcommand")), "{lines:?}");
    }

    #[test]
    fn an_example_that_is_not_there_has_failed() {
        assert!(!run_example(Ok(Command::new("no-such-program-anywhere"))).unwrap());
    }

    #[test]
    fn variables_that_change_errors_do_not_reach_a_test() {
        let mut command = cargo(["--version"]);
        let removed: Vec<_> = quiet(&mut command)
            .get_envs()
            .filter(|(_, value)| value.is_none())
            .map(|(name, _)| name)
            .collect();
        assert_eq!(removed, UNSET);
    }
}
