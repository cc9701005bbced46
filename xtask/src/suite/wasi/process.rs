//! Runs one test of the WASI suite as a process, does what it asks for, and says what was not as expected.

use std::io::{Read, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use super::case::Operation;
use super::message::exchange;

/// How long a test may take. None takes more than seconds; a machine that is busy with other things is slow.
const PATIENCE: Duration = Duration::from_secs(120);

/// How often is looked whether a process has ended.
const INTERVAL: Duration = Duration::from_millis(5);

/// Starts `command` and does `operations`. An error says what was not as expected, with what the test printed.
pub(super) fn run(command: &mut Command, operations: &[Operation]) -> Result<(), String> {
    let pipes = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let child = pipes.spawn().map_err(|error| format!("it cannot be started: {error}"))?;
    let mut process = Process::new(child);
    operations.iter().try_for_each(|operation| process.perform(operation)).map_err(|problem| {
        process.kill();
        format!("{problem}{}{}", process.stdout.shown("stdout"), process.stderr.shown("stderr"))
    })
}

struct Process {
    child: Child,
    stdin: Option<ChildStdin>,
    stdout: Output,
    stderr: Output,
    connection: Option<TcpStream>,
    /// Where it takes requests, once it has said so.
    serving: Option<SocketAddr>,
    deadline: Instant,
}

impl Process {
    fn new(mut child: Child) -> Process {
        Process {
            stdin: child.stdin.take(),
            stdout: Output::of(child.stdout.take()),
            stderr: Output::of(child.stderr.take()),
            child,
            connection: None,
            serving: None,
            deadline: Instant::now() + PATIENCE,
        }
    }

    fn perform(&mut self, operation: &Operation) -> Result<(), String> {
        match operation {
            Operation::Write(payload) => {
                let stdin = self.stdin.as_mut().ok_or("its standard input is closed")?;
                let written = stdin.write_all(payload.as_bytes()).and_then(|()| stdin.flush());
                written.map_err(|error| format!("its standard input takes nothing: {error}"))
            }
            Operation::ReadStdout(payload) => self.stdout.expect("stdout", payload, self.deadline),
            Operation::ReadStderr(payload) => self.stderr.expect("stderr", payload, self.deadline),
            Operation::Connect => self.connect(),
            Operation::Send(payload) => {
                let sent = self.connection()?.write_all(payload.as_bytes());
                sent.map_err(|error| format!("the connection takes nothing: {error}"))
            }
            Operation::Receive(payload) => {
                let mut received = vec![0; payload.len()];
                let read = self.connection()?.read_exact(&mut received);
                read.map_err(|error| format!("the connection gives nothing: {error}"))?;
                same("the connection", payload, &received)
            }
            Operation::Request(request) => exchange(self.serving()?, request, PATIENCE),
            Operation::Interrupt => self.interrupt(),
            Operation::Wait(code) => self.wait(*code),
            Operation::Unknown(kind) => Err(format!("the operation `{kind}` is not known here")),
        }
    }

    fn connect(&mut self) -> Result<(), String> {
        let line = self.stdout.line(self.deadline);
        let address = line.trim();
        let connection = address
            .parse()
            .map_err(|_| format!("it prints {address:?} where an address is expected"))
            .and_then(|address| {
                let connection = TcpStream::connect_timeout(&address, PATIENCE);
                connection.map_err(|error| format!("cannot connect to {address}: {error}"))
            })?;
        connection.set_read_timeout(Some(PATIENCE)).map_err(|error| error.to_string())?;
        self.connection = Some(connection);
        Ok(())
    }

    fn connection(&mut self) -> Result<&mut TcpStream, String> {
        self.connection.as_mut().ok_or_else(|| "there is no connection".to_owned())
    }

    /// The address in the line by which a server says that it serves.
    fn serving(&mut self) -> Result<SocketAddr, String> {
        if let Some(address) = self.serving {
            return Ok(address);
        }
        let line = self.stdout.line(self.deadline);
        let address = line.trim().strip_prefix("serving http://").and_then(|rest| rest.strip_suffix('/'));
        let address = address.and_then(|address| address.parse().ok());
        self.serving = address;
        address.ok_or_else(|| format!("it prints {line:?} where the address of a server is expected"))
    }

    fn interrupt(&self) -> Result<(), String> {
        let sent = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        match sent.is_ok_and(|status| status.success()) {
            true => Ok(()),
            false => Err("it cannot be interrupted".to_owned()),
        }
    }

    fn wait(&mut self, expected: i64) -> Result<(), String> {
        self.stdin = None;
        loop {
            match self.child.try_wait() {
                Ok(Some(status)) if status.code().map(i64::from) == Some(expected) => return Ok(()),
                Ok(Some(status)) => return Err(format!("it ends with {status}, expected is {expected}")),
                Ok(None) if Instant::now() >= self.deadline => {
                    return Err(format!("it has not ended after {} s", PATIENCE.as_secs()));
                }
                Ok(None) => thread::sleep(INTERVAL),
                Err(error) => return Err(format!("it cannot be waited for: {error}")),
            }
        }
    }

    fn kill(&mut self) {
        self.stdin = None;
        // It may have ended long since.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

/// What a process prints, read by a thread, so that no pipe is ever full.
struct Output {
    pieces: Option<Receiver<Vec<u8>>>,
    /// What has come and is not yet taken.
    pending: Vec<u8>,
    taken: Vec<u8>,
}

impl Output {
    fn of(pipe: Option<impl Read + Send + 'static>) -> Output {
        let pieces = pipe.map(|mut pipe| {
            let (sender, receiver) = channel();
            thread::spawn(move || {
                let mut buffer = [0; 4096];
                while let Ok(length @ 1..) = pipe.read(&mut buffer) {
                    if sender.send(buffer[..length].to_vec()).is_err() {
                        break;
                    }
                }
            });
            receiver
        });
        Output { pieces, pending: Vec::new(), taken: Vec::new() }
    }

    /// Waits for one more piece; `false` at the end, and when there is no time left.
    fn more(&mut self, deadline: Instant) -> bool {
        let left = deadline.saturating_duration_since(Instant::now());
        match self.pieces.as_ref().and_then(|pieces| pieces.recv_timeout(left).ok()) {
            Some(piece) => {
                self.pending.extend(piece);
                true
            }
            None => false,
        }
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        let taken: Vec<u8> = self.pending.drain(..length.min(self.pending.len())).collect();
        self.taken.extend_from_slice(&taken);
        taken
    }

    fn expect(&mut self, name: &str, payload: &str, deadline: Instant) -> Result<(), String> {
        while self.pending.len() < payload.len() && self.more(deadline) {}
        let found = self.take(payload.len());
        same(name, payload, &found)
    }

    fn line(&mut self, deadline: Instant) -> String {
        let end = |pending: &[u8]| pending.iter().position(|&byte| byte == b'\n');
        while end(&self.pending).is_none() && self.more(deadline) {}
        let length = end(&self.pending).map_or(self.pending.len(), |end| end + 1);
        String::from_utf8_lossy(&self.take(length)).into_owned()
    }

    /// All that was printed, for people. The process has ended.
    fn shown(&mut self, name: &str) -> String {
        while self.more(Instant::now() + Duration::from_secs(1)) {}
        let text = [&self.taken[..], &self.pending[..]].concat();
        let text = String::from_utf8_lossy(&text);
        match text.trim() {
            "" => String::new(),
            text => format!("\n  {name}: {}", text.replace('\n', "\n    ")),
        }
    }
}

fn same(what: &str, expected: &str, found: &[u8]) -> Result<(), String> {
    if found == expected.as_bytes() {
        return Ok(());
    }
    Err(format!("{what} gives {:?}, expected is {expected:?}", String::from_utf8_lossy(found)))
}

#[cfg(all(test, unix))]
mod tests {
    use super::*;

    fn shell(script: &str, operations: &[Operation]) -> Result<(), String> {
        run(Command::new("sh").args(["-c", script]), operations)
    }

    fn text(text: &str) -> String {
        text.to_owned()
    }

    #[test]
    fn what_is_expected_passes() {
        shell("exit 3", &[Operation::Wait(3)]).unwrap();
        let echo = [
            Operation::Write(text("in\n")),
            Operation::ReadStdout(text("got in")),
            Operation::ReadStderr(text("err")),
            Operation::Wait(0),
        ];
        shell("read line; echo got $line; echo err >&2", &echo).unwrap();
        // Standard input is closed before the end is waited for.
        shell("cat", &[Operation::Wait(0)]).unwrap();
    }

    #[test]
    fn what_is_not_expected_is_told_with_what_was_printed() {
        let problem = shell("echo out; echo why >&2; exit 1", &[Operation::Wait(0)]).unwrap_err();
        assert!(problem.contains("expected is 0"), "{problem}");
        assert!(problem.contains("stdout: out") && problem.contains("stderr: why"), "{problem}");
        let problem = shell("echo other", &[Operation::ReadStdout(text("these"))]).unwrap_err();
        assert!(problem.starts_with("stdout gives \"other\", expected is \"these\""), "{problem}");
        let problem = shell("sleep 60", &[Operation::Unknown(text("dance"))]).unwrap_err();
        assert_eq!(problem, "the operation `dance` is not known here");
        assert!(run(&mut Command::new("no-such-program-anywhere"), &[]).is_err());
    }

    #[test]
    fn a_server_is_connected_to_at_the_address_it_prints() {
        let server = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let address = server.local_addr().unwrap();
        let answer = thread::spawn(move || {
            let (mut connection, _) = server.accept().unwrap();
            let mut received = [0; 4];
            connection.read_exact(&mut received).unwrap();
            connection.write_all(b"pong").unwrap();
            received
        });
        let operations = [
            Operation::Connect,
            Operation::Send(text("ping")),
            Operation::Receive(text("pong")),
            Operation::Wait(0),
        ];
        shell(&format!("echo {address}; cat"), &operations).unwrap();
        assert_eq!(&answer.join().unwrap(), b"ping");
        let problem = shell("echo nonsense", &[Operation::Connect]).unwrap_err();
        assert!(problem.starts_with("it prints \"nonsense\""), "{problem}");
    }
}
