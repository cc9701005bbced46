//! `HttpServer`: what becomes of each request, and of the guest that has to answer it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use host_plugins::host_core::FaultKind;
use host_plugins::host_limits::{Exceeded, Limits};
use host_plugins::host_wasi::{Access, Grants};
use host_plugins::http::{Answered, Ended, HttpServer, NotAHandler, ServeOptions};

use crate::http_served::{PROXY, SERVICE, Served, check, runtime, whole_body};
use crate::limits;

/// Tests that a guest of either version has to pass.
macro_rules! of_both {
    ($($name:ident)*) => {$(
        mod $name {
            #[test]
            fn by_a_proxy() {
                super::$name(super::PROXY);
            }

            #[cfg(feature = "p3")]
            #[test]
            fn by_a_service() {
                super::$name(super::SERVICE);
            }
        }
    )*};
}

of_both! {
    a_request_is_answered_by_a_fresh_guest
    the_guest_sees_the_request
    a_head_without_a_body_ends_the_guest_in_order
    one_connection_carries_many_requests
    what_a_guest_prints_is_told_and_not_sent
    a_guest_that_fails_costs_its_own_request_alone
    a_response_that_breaks_off_is_not_passed_for_whole
    a_guest_is_dropped_when_its_client_leaves
    a_client_that_does_not_read_is_bounded_by_the_deadline
    one_request_too_many_is_told_to_come_again
    bad_requests_never_reach_a_guest
    a_grant_that_cannot_be_given_is_the_operators_affair
    a_stop_lets_requests_at_work_finish
    a_stop_drops_what_does_not_finish
}

fn a_request_is_answered_by_a_fresh_guest(guest: &'static str) {
    let served = Served::start(guest, limits());
    for _ in 0..3 {
        check(&served.get("/requests"), 200, "1");
        let told = served.told();
        assert_eq!((told.method.as_str(), told.path.as_str(), told.status), ("GET", "/requests", 200));
        assert!(matches!(told.ended, Ended::Done(_)), "{told:?}");
    }
    check(&served.get("/"), 200, "hello from the guest\n");
    check(&served.get("/nowhere?a=b"), 404, "no such page\n");
}

fn the_guest_sees_the_request(guest: &'static str) {
    let served = Served::start(guest, limits());
    let mut stream = served
        .send("POST /echo HTTP/1.1\r\nhost: example\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello");
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    check(&response, 200, "hello");
    let response = served.get("/request?with=query");
    let expected = if guest == PROXY { "example" } else { "Some(Scheme::Http) example" };
    let expected = format!("Method::Get /request?with=query {expected}\n");
    assert!(response.contains(&expected), "{response}");
}

fn a_head_without_a_body_ends_the_guest_in_order(guest: &'static str) {
    let served = Served::start(guest, limits());
    let mut stream = served.send("HEAD / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    assert!(response.starts_with("HTTP/1.1 200 ") && response.ends_with("\r\n\r\n"), "{response}");
    let told = served.told();
    assert!(matches!(told.ended, Ended::Done(_)), "{told:?}");
}

fn one_connection_carries_many_requests(guest: &'static str) {
    let served = Served::start(guest, limits());
    let mut stream = served.send("GET /requests HTTP/1.1\r\nhost: a\r\n\r\nGET /requests HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    let mut responses = String::new();
    stream.read_to_string(&mut responses).unwrap();
    assert_eq!(responses.matches("HTTP/1.1 200 OK").count(), 2, "{responses}");
}

fn what_a_guest_prints_is_told_and_not_sent(guest: &'static str) {
    let served = Served::start(guest, limits());
    check(&served.get("/print"), 200, "printed\n");
    assert_eq!(served.told().captured.stdout, b"the guest prints\n");
}

fn a_guest_that_fails_costs_its_own_request_alone(guest: &'static str) {
    let limits = Limits { deadline: Duration::from_millis(300), fuel: None, ..limits() };
    let served = Served::start(guest, limits);
    check(&served.get("/trap"), 500, "500 Internal Server Error\n");
    assert!(
        matches!(&served.told().ended, Ended::Stopped(fault) if matches!(fault.kind(), FaultKind::Trap(_)))
    );
    check(&served.get("/memory"), 500, "500 Internal Server Error\n");
    assert!(matches!(&served.told().ended, Ended::Stopped(_)));
    check(&served.get("/spin"), 504, "504 Gateway Timeout\n");
    let told = served.told();
    let Ended::Stopped(fault) = &told.ended else { panic!("{told:?}") };
    assert!(matches!(fault.kind(), FaultKind::Budget(Exceeded::Deadline { .. })), "{fault}");
    if guest == PROXY {
        // A handler of WASI 0.3 cannot return without a response.
        check(&served.get("/silent"), 502, "502 Bad Gateway\n");
        assert!(matches!(served.told().ended, Ended::Silent(_)));
    }
    check(&served.get("/error"), 502, "502 Bad Gateway\n");
    assert_eq!(served.told().status, 502);

    check(&served.get("/"), 200, "hello from the guest\n");
}

fn a_response_that_breaks_off_is_not_passed_for_whole(guest: &'static str) {
    let served = Served::start(guest, limits());
    let response = served.get("/broken");
    // What was sent before it is seen may be on its way or not.
    assert_eq!(whole_body(&response), None, "{response}");
    let told = served.told();
    assert!(told.status == 200 && matches!(told.ended, Ended::Stopped(_)), "{told:?}");
}

fn a_guest_is_dropped_when_its_client_leaves(guest: &'static str) {
    let limits = Limits { deadline: Duration::from_secs(3600), fuel: None, ..limits() };
    let served = Served::start(guest, limits);
    let mut stream = served.send("GET /flood HTTP/1.1\r\nhost: a\r\n\r\n");
    stream.read_exact(&mut [0; 10_000]).unwrap();
    drop(stream);
    let told = served.told();
    // It may see first that it cannot write any more, and end by itself.
    assert!(told.path == "/flood" && matches!(told.ended, Ended::Dropped | Ended::Done(_)), "{told:?}");

    // It has not answered yet. A client that leaves at once may not even be noticed.
    let stream = served.send("GET /spin HTTP/1.1\r\nhost: a\r\n\r\n");
    thread::sleep(Duration::from_millis(500));
    drop(stream);
    let told = served.told();
    assert!(told.path == "/spin" && matches!(told.ended, Ended::Dropped), "{told:?}");
}

fn a_client_that_does_not_read_is_bounded_by_the_deadline(guest: &'static str) {
    let limits = Limits { deadline: Duration::from_millis(500), fuel: None, ..limits() };
    let served = Served::start(guest, limits);
    let _stream = served.send("GET /flood HTTP/1.1\r\nhost: a\r\n\r\n");
    let told = served.told();
    assert!(matches!(told.ended, Ended::Stopped(_)), "{told:?}");
}

fn one_request_too_many_is_told_to_come_again(guest: &'static str) {
    let limits = Limits { deadline: Duration::from_secs(3600), fuel: None, ..limits() };
    let served = Served::start_with(guest, limits, Grants::default(), |options| options.at_once(1));
    let mut first = served.send("GET /flood HTTP/1.1\r\nhost: a\r\n\r\n");
    first.read_exact(&mut [0; 100]).unwrap();
    let busy = served.get("/");
    check(&busy, 503, "503 Service Unavailable\n");
    assert!(busy.contains("retry-after: 1\r\n"), "{busy}");
    assert!(matches!(served.told().ended, Ended::Busy));
    drop(first);
    assert_eq!(served.told().path, "/flood");
    // Its place is free a moment after that is told.
    let mut next = served.get("/");
    while next.starts_with("HTTP/1.1 503 ") {
        thread::sleep(Duration::from_millis(10));
        next = served.get("/");
    }
    check(&next, 200, "hello from the guest\n");
}

fn bad_requests_never_reach_a_guest(guest: &'static str) {
    let served = Served::start(guest, limits());
    for request in [
        "GET / HTTP/1.0\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: \u{7f}ü\r\n\r\n",
        "GET / HTTP/1.1\r\nhost: a\r\nhost: b\r\nconnection: close\r\n\r\n",
    ] {
        let mut response = String::new();
        let _ = served.send(request).read_to_string(&mut response);
        assert!(response.contains(" 400 "), "{request:?}: {response}");
    }
    let mut response = String::new();
    let long = format!("GET / HTTP/1.1\r\nhost: a\r\nx: {}\r\n\r\n", "x".repeat(300_000));
    let mut stream = TcpStream::connect(served.address).unwrap();
    // The server may have hung up before all is written.
    let _ = stream.write_all(long.as_bytes());
    let _ = stream.read_to_string(&mut response);
    assert!(response.is_empty() || response.contains(" 431 "), "{response}");
    check(&served.get("/"), 200, "hello from the guest\n");
}

fn a_grant_that_cannot_be_given_is_the_operators_affair(guest: &'static str) {
    let grants = Grants::default().directory("/nowhere/at/all", "data", Access::ReadOnly);
    let served = Served::start_with(guest, limits(), grants, |options| options);
    let response = served.get("/");
    check(&response, 500, "500 Internal Server Error\n");
    assert!(!response.contains("nowhere"), "{response}");
    let told = served.told();
    assert!(
        matches!(&told.ended, Ended::NotRun(error) if error.to_string().contains("/nowhere/at/all")),
        "{told:?}"
    );
}

fn a_stop_lets_requests_at_work_finish(guest: &'static str) {
    let mut served = Served::start(guest, limits());
    let mut stream = served.send("GET /sleep HTTP/1.1\r\nhost: a\r\n\r\n");
    let idle = served.send("");
    thread::sleep(Duration::from_millis(300));
    served.stop();
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    check(&response, 200, "slept\n");
    assert!(matches!(served.told().ended, Ended::Done(_)));
    drop(idle);
    assert!(TcpStream::connect(served.address).is_err(), "nobody listens any more");
}

fn a_stop_drops_what_does_not_finish(guest: &'static str) {
    let limits = Limits { deadline: Duration::from_secs(3600), fuel: None, ..limits() };
    let start = || {
        Served::start_with(guest, limits.clone(), Grants::default(), |options| {
            options.drain(Duration::from_millis(200)).at_once(1)
        })
    };
    let dropped = |served: &Served, path: &str| {
        let ran = |told: &Answered| told.path == path && !matches!(told.ended, Ended::Busy);
        let told = std::iter::repeat_with(|| served.told()).find(ran).unwrap();
        assert!(matches!(told.ended, Ended::Dropped), "{told:?}");
    };

    // One that computes.
    let mut served = start();
    // The one place is taken once it runs. Should a request for `/` come before it, then it is turned away itself.
    let mut spinning = Vec::new();
    while !served.get("/").starts_with("HTTP/1.1 503 ") {
        spinning.push(served.send("GET /spin HTTP/1.1\r\nhost: a\r\n\r\n"));
        thread::sleep(Duration::from_millis(100));
    }
    served.stop();
    dropped(&served, "/spin");

    // One that waits for its client.
    let mut served = start();
    let mut flood = served.send("GET /flood HTTP/1.1\r\nhost: a\r\n\r\n");
    flood.read_exact(&mut [0; 100]).unwrap();
    served.stop();
    dropped(&served, "/flood");
}

#[cfg(feature = "p3")]
#[test]
fn a_service_asks_for_nothing_that_is_not_granted() {
    let served = Served::start(SERVICE, limits());
    let response = served.get("/get?http://127.0.0.1:1/");
    assert!(response.starts_with("HTTP/1.1 200 ") && response.contains("HttpRequestDenied"), "{response}");
    let denials = served.told().captured.denials;
    assert_eq!(denials.len(), 1, "{denials:?}");
    assert_eq!(denials[0].grant, "network = [\"http://127.0.0.1:1/\"]");
}

#[test]
fn only_a_handler_can_serve() {
    let limits = limits();
    let runtime = Arc::new(runtime(PROXY, &limits));
    for (name, kind) in [("p1-command", "core module"), ("p2-command", "component")] {
        let program = runtime.prepare(&fixtures::bytes(name)).unwrap();
        let server =
            HttpServer::new(runtime.clone(), &program, ServeOptions::new(limits.clone(), Grants::default()));
        let Err(NotAHandler { kind: found, .. }) = server else { panic!("{name} serves") };
        assert_eq!(found, kind);
    }
}
