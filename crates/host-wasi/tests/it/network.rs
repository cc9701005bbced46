//! The network: nobody without a grant, then exactly the granted address. WASI 0.1 has no way to connect.

use std::collections::VecDeque;
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use host_wasi::{Grants, NetworkRule, Output, Resolve, Resolving, Wasi, WasiOptions};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::p2::pipe::MemoryOutputPipe;

use crate::command::{Ended, Form, component, run, run_component};

/// Somebody who can be reached: the operating system takes connections before they are accepted.
fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    TcpStream::connect(address).unwrap();
    listener.accept().unwrap();
    (listener, address)
}

fn connects(rules: &[NetworkRule], address: SocketAddr) -> bool {
    let grants = rules.iter().fold(Grants::default(), |grants, rule| grants.network(rule.clone()));
    let ended = run(Form::P2, grants, &[&format!("--connect={address}")]);
    ended.result.as_ref().unwrap();
    let answer = ended.stdout();
    let answer = answer.lines().last().unwrap().strip_prefix(&format!("connect {address} ")).unwrap();
    assert!(["ok", "error PermissionDenied"].contains(&answer), "{answer}");
    answer == "ok"
}

fn tcp(address: SocketAddr) -> NetworkRule {
    format!("tcp://{address}").parse().unwrap()
}

#[test]
fn without_a_grant_nobody_is_reached() {
    let (listener, address) = listener();
    assert!(!connects(&[], address));
    assert!(!connects(&[NetworkRule::Names], address));
    assert!(!connects(&["udp://127.0.0.1:*".parse().unwrap()], address));
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "somebody came through");
}

#[test]
fn a_granted_address_is_reached_and_no_other() {
    let (granted, address) = listener();
    let (other, other_address) = listener();
    assert!(connects(&[tcp(address)], address));
    granted.accept().unwrap();
    assert!(!connects(&[tcp(address)], other_address));
    let neighbour = format!("tcp://127.0.0.2:{}", address.port()).parse().unwrap();
    assert!(!connects(&[neighbour], address));
    other.set_nonblocking(true).unwrap();
    assert!(other.accept().is_err(), "somebody came through");
}

#[test]
fn every_public_address_does_not_mean_this_machine() {
    let (_listener, address) = listener();
    assert!(!connects(&["tcp://*:*".parse().unwrap()], address));
    assert!(connects(&["tcp://127.0.0.1:*".parse().unwrap()], address));
}

#[test]
fn names_are_looked_up_only_if_granted() {
    let looks_up = |rules: &[&str]| {
        let (ended, asked) = with_answers(rules, &["203.0.113.1"], &["--connect=a.org:9"]);
        // What is found is not granted, and therefore not reached.
        assert!(ended.printed("connect a.org:9 error PermissionDenied"), "{}", ended.stdout());
        asked == ["a.org"]
    };
    assert!(looks_up(&["dns"]));
    assert!(looks_up(&["dns:*.org"]));
    assert!(looks_up(&["tcp://a.org:80"]));
    assert!(!looks_up(&[]));
    assert!(!looks_up(&["tcp://*:80"]));
    assert!(!looks_up(&["dns:b.org"]));
}

#[test]
fn the_system_finds_names_unless_the_program_does() {
    let (listener, address) = listener();
    let rule = format!("tcp://localhost:{}", address.port()).parse().unwrap();
    let connect = format!("--connect=localhost:{}", address.port());
    let ended = run(Form::P2, Grants::default().network(rule), &[&connect]);
    assert!(ended.stdout().ends_with(" ok\n"), "{}", ended.stdout());
    listener.accept().unwrap();
}

#[test]
fn a_name_that_turns_inwards_leads_nowhere() {
    let (listener, address) = listener();
    let port = address.port();
    let name = format!("tcp://a.org:{port}");
    let connect = format!("--connect=a.org:{port}");
    // A public address first, at a port that is not granted, so that nobody out there is asked.
    for inwards in ["127.0.0.1", "::ffff:127.0.0.1", "64:ff9b::7f00:1"] {
        let (ended, asked) =
            with_answers(&[&name], &["203.0.113.1", inwards], &["--connect=a.org:9", &connect]);
        let line = format!("connect a.org:{port} error PermissionDenied");
        assert!(ended.printed(&line), "{inwards}: {}", ended.stdout());
        assert_eq!(asked.len(), 2);
    }
    listener.set_nonblocking(true).unwrap();
    assert!(listener.accept().is_err(), "somebody came through");
    listener.set_nonblocking(false).unwrap();

    let address = format!("tcp://127.0.0.1:{port}");
    let (ended, _) = with_answers(&[&name, &address], &["127.0.0.1"], &[&connect]);
    assert!(ended.printed(&format!("connect a.org:{port} ok")), "{}", ended.stdout());
    listener.accept().unwrap();
}

#[test]
fn what_was_refused_is_told_with_the_rule_to_add() {
    let arguments = ["--connect=127.0.0.1:9", "--connect=a.org:9"];
    let (ended, _) = with_answers(&["udp://127.0.0.1:9"], &[], &arguments);
    let denials: Vec<_> =
        ended.wasi.denials().into_iter().map(|denial| (denial.asked, denial.grant)).collect();
    let expected = [
        ("to connect to 127.0.0.1:9 by TCP", r#"network = ["tcp://127.0.0.1:9"]"#),
        ("to look up a.org", r#"network = ["dns:a.org"]"#),
    ];
    assert_eq!(denials, expected.map(|(asked, grant)| (asked.to_owned(), grant.to_owned())));
}

#[test]
fn a_context_of_ones_own_looks_up_as_it_was_told() {
    for (allowed, kind) in [(true, "ok"), (false, "error Uncategorized")] {
        let (_listener, address) = listener();
        let mut builder = WasiCtxBuilder::new();
        let connect = format!("--connect=localhost:{}", address.port());
        let stdout = MemoryOutputPipe::new(4096);
        builder.inherit_network().allow_tcp(true).allow_ip_name_lookup(allowed).stdout(stdout.clone());
        builder.args(&["command", connect.as_str()]);
        run_component(component(), Wasi::from(builder.build_p1())).result.unwrap();
        let printed = String::from_utf8(stdout.contents().to_vec()).unwrap();
        assert!(printed.ends_with(&format!(" {kind}\n")), "{printed}");
    }
}

/// Gives one answer after the other, and keeps the names it was asked.
#[derive(Clone)]
struct Scripted {
    answers: Arc<Mutex<VecDeque<IpAddr>>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl Resolve for Scripted {
    fn resolve(&self, name: &str) -> Resolving {
        self.asked.lock().unwrap().push(name.to_owned());
        let answer = self.answers.lock().unwrap().pop_front();
        Box::pin(async move { Ok(answer.into_iter().collect()) })
    }
}

/// Runs the command where names are found by `answers`, and tells which names were asked for.
fn with_answers(rules: &[&str], answers: &[&str], args: &[&str]) -> (Ended, Vec<String>) {
    let mut grants =
        Grants::default().args(["command"]).args(args.iter().copied()).stdout(Output::Capture(4096));
    for rule in rules {
        grants = grants.network(rule.parse().unwrap());
    }
    let answers = answers.iter().map(|answer| answer.parse().unwrap()).collect();
    let resolver = Scripted { answers: Arc::new(Mutex::new(answers)), asked: Arc::default() };
    let wasi = WasiOptions::new().resolver(resolver.clone()).open(&grants).unwrap();
    let ended = run_component(component(), wasi);
    ended.result.as_ref().unwrap();
    let asked = resolver.asked.lock().unwrap().clone();
    (ended, asked)
}
