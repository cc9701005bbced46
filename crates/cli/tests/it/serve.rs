//! `wasm-host serve`: answers requests until it is told to stop.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

use crate::{Scratch, command, guest, wasm_host};

/// A server in a process of its own.
struct Server {
    process: Child,
    /// `127.0.0.1:PORT`.
    address: String,
}

impl Server {
    fn start(options: &[&str]) -> Server {
        Server::start_by("http-server", options)
    }

    fn start_by(name: &str, options: &[&str]) -> Server {
        let file = guest(name);
        let mut command = command(["serve", "--addr", "127.0.0.1:0"]);
        command.args(options).arg(file).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut process = command.spawn().unwrap();
        // The reader goes, and with it what it has read of the lines after the address; there are none yet.
        let mut line = String::new();
        BufReader::new(process.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("serving http://").and_then(|rest| rest.strip_suffix('/'));
        let address = address.unwrap_or_else(|| panic!("not an address: {line:?}")).to_owned();
        Server { process, address }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n").unwrap();
        let mut response = String::new();
        stream.read_to_string(&mut response).unwrap();
        response
    }

    /// Terminates it; gives its exit code and what it has told.
    fn stop(self) -> (Option<i32>, String) {
        let (code, told, _) = self.stop_with_output();
        (code, told)
    }

    /// As [`stop`](Server::stop), and what it printed after its address.
    fn stop_with_output(mut self) -> (Option<i32>, String, String) {
        let id = self.process.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        let mut told = String::new();
        self.process.stderr.take().unwrap().read_to_string(&mut told).unwrap();
        let mut printed = String::new();
        self.process.stdout.take().unwrap().read_to_string(&mut printed).unwrap();
        (self.process.wait().unwrap().code(), told, printed)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After a failed test it would serve for ever.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn requests_are_answered_until_it_is_terminated() {
    let server = Server::start(&[]);
    let response = server.get("/");
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    assert!(response.contains("\r\nhello from the guest\n\r\n0\r\n"), "{response}");
    for _ in 0..2 {
        let response = server.get("/requests");
        assert!(response.contains("\r\n\r\n1\r\n1\r\n0\r\n"), "{response}");
    }
    let (code, told) = server.stop();
    assert_eq!(code, Some(0), "{told}");
    assert!(told.contains("those at work may finish"), "{told}");
}

#[test]
fn a_service_of_0_3_serves_without_being_asked_for() {
    let server = Server::start_by("http-service", &[]);
    let response = server.get("/");
    assert!(response.starts_with("HTTP/1.1 200 OK\r\n"), "{response}");
    assert!(response.contains("\r\nhello from the guest\n\r\n0\r\n"), "{response}");
    let (code, told) = server.stop();
    assert_eq!(code, Some(0), "{told}");
}

#[test]
fn curl_is_answered() {
    let server = Server::start(&[]);
    let url = format!("http://{}/echo", server.address);
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--show-error", "--max-time", "60", "--data", "posted by curl"]);
    let Ok(output) = curl.args(["--write-out", " %{http_code}", &url]).output() else {
        // The other tests speak HTTP by hand.
        return;
    };
    assert_eq!(String::from_utf8_lossy(&output.stdout), "posted by curl 200", "{output:?}");
}

#[test]
fn the_operator_is_told_why_a_request_failed_and_the_client_is_not() {
    let server = Server::start(&["--timeout=300ms"]);
    let response = server.get("/spin");
    assert!(response.starts_with("HTTP/1.1 504 ") && !response.contains("300"), "{response}");
    assert!(server.get("/trap").starts_with("HTTP/1.1 500 "));
    let (_, told) = server.stop();
    assert!(told.contains("wasm-host: GET /spin 504") && told.contains("deadline of 300ms"), "{told}");
    assert!(told.contains("wasm-host: GET /trap 500"), "{told}");
}

#[test]
fn what_cannot_serve_is_said_at_once() {
    let other = guest("p2-command");
    let ran = wasm_host(["serve", "--addr", "127.0.0.1:0", &other]);
    ran.fails(125, &["p2-command.wasm", "exports neither `wasi:http/incoming-handler@0.2` nor"]);
    let server = Server::start(&[]);
    let ran = wasm_host(["serve", "--addr", &server.address, &guest("http-server")]);
    ran.fails(125, &["cannot listen on", "--addr"]);
    wasm_host(["serve", "--addr", "here", &other]).fails(2, &["--addr"]);
}

#[test]
fn a_grant_that_cannot_be_given_is_said_before_anybody_asks() {
    let scratch = Scratch::new();
    let policy = "\n[[grants.directories]]\nhost = \"no-such\"\nguest = \"data\"\n";
    let policy = scratch.file("policy.toml", policy);
    let ran = wasm_host(["serve", "--addr", "127.0.0.1:0", "--policy", &policy, &guest("http-server")]);
    ran.fails(125, &["policy.toml", "line 3", "directories[0].host", "no-such"]);
}

#[test]
fn lines_are_passed_on_as_lines() {
    let scratch = Scratch::new();
    let policy = scratch.file("policy.toml", "grants.stdout = { lines = 1000 }");
    let server = Server::start(&["--policy", &policy]);
    assert!(server.get("/print").starts_with("HTTP/1.1 200 "));
    let (code, _, stdout) = server.stop_with_output();
    assert_eq!((code, stdout.as_str()), (Some(0), "the guest prints\n"));
}
