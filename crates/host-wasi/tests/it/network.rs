//! The network: nobody without a grant, then exactly the granted address. WASI 0.1 has no way to connect.

use std::net::{SocketAddr, TcpListener, TcpStream};

use host_wasi::{Grants, Host, NetworkRule};

use crate::command::{Form, run};

/// Somebody who can be reached: the operating system takes connections before they are accepted.
fn listener() -> (TcpListener, SocketAddr) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    TcpStream::connect(address).unwrap();
    listener.accept().unwrap();
    (listener, address)
}

fn connects(rules: &[NetworkRule], address: SocketAddr) -> bool {
    let grants = rules.iter().fold(Grants::default(), |grants, rule| grants.network(*rule));
    let ended = run(Form::P2, grants, &[&format!("--connect={address}")]);
    ended.result.as_ref().unwrap();
    let answer = ended.stdout();
    let answer = answer.lines().last().unwrap().strip_prefix(&format!("connect {address} ")).unwrap();
    assert!(["ok", "error PermissionDenied"].contains(&answer), "{answer}");
    answer == "ok"
}

fn tcp(address: SocketAddr) -> NetworkRule {
    NetworkRule::Tcp { host: Host::Address(address.ip()), port: Some(address.port()) }
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
    let looks_up = |grants| {
        let ended = run(Form::P2, grants, &["--connect=localhost:9"]);
        !ended.stdout().contains("connect localhost:9 error Uncategorized")
    };
    let tcp: NetworkRule = "tcp://*:*".parse().unwrap();
    assert!(!looks_up(Grants::default().network(tcp)));
    // Found, and then not reached: it is this machine, and that is not granted.
    assert!(looks_up(Grants::default().network(tcp).network(NetworkRule::Names)));
}
