//! Runs a program as a process, with an end to patience.

use std::io::{Read, Write as _};
use std::process::{Command, ExitStatus, Stdio};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

/// How long a program may take. The first run compiles as many as 70 MB of WebAssembly, with a compiler that may not be
/// optimised.
pub(super) const PATIENCE: Duration = Duration::from_secs(1800);

/// How often is looked whether a process has ended.
const INTERVAL: Duration = Duration::from_millis(5);

/// A process that has ended.
#[derive(Debug)]
pub(super) struct Ended {
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: String,
    pub(super) elapsed: Duration,
}

/// Runs `command` with `stdin`, and kills it when `patience` ends.
pub(super) fn run(command: &mut Command, stdin: &str, patience: Duration) -> Result<Ended> {
    let started = Instant::now();
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = pipes.spawn().context("it cannot be started")?;
    let stdout = reader(child.stdout.take());
    let stderr = reader(child.stderr.take());
    if let Some(mut pipe) = child.stdin.take() {
        // A program that does not read it has closed it.
        let _ = pipe.write_all(stdin.as_bytes());
    }
    let status = loop {
        match child.try_wait().context("it cannot be waited for")? {
            Some(status) => break status,
            None if started.elapsed() > patience => {
                // It may have ended just now.
                let _ = child.kill();
                child.wait().context("it cannot be waited for")?;
                bail!("it has not ended after {} s", patience.as_secs());
            }
            None => thread::sleep(INTERVAL),
        }
    };
    let elapsed = started.elapsed();
    let all = |reader: JoinHandle<Vec<u8>>| reader.join().unwrap_or_default();
    let stderr = String::from_utf8_lossy(&all(stderr)).into_owned();
    Ok(Ended { status, stdout: all(stdout), stderr, elapsed })
}

/// Reads a pipe to its end, so that it is never full.
fn reader(pipe: Option<impl Read + Send + 'static>) -> JoinHandle<Vec<u8>> {
    thread::spawn(move || {
        let mut bytes = Vec::new();
        if let Some(mut pipe) = pipe {
            // What came before an error is all there is.
            let _ = pipe.read_to_end(&mut bytes);
        }
        bytes
    })
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str, stdin: &str, patience: Duration) -> Result<Ended> {
        run(Command::new("sh").args(["-c", script]), stdin, patience)
    }

    #[test]
    fn streams_and_exit_code_are_those_of_the_process() {
        let ended = shell("cat; echo why >&2; exit 3", "in", PATIENCE).unwrap();
        assert_eq!((ended.status.code(), ended.stdout.as_slice()), (Some(3), &b"in"[..]));
        assert_eq!(ended.stderr, "why\n");
        // Neither pipe blocks the other.
        let flood = shell("yes | head -c 1000000; yes | head -c 1000000 >&2", "", PATIENCE).unwrap();
        assert_eq!((flood.stdout.len(), flood.stderr.len()), (1_000_000, 1_000_000));
    }

    #[test]
    fn what_does_not_end_is_killed() {
        let error = shell("exec sleep 600", "", Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.to_string(), "it has not ended after 0 s");
    }
}
