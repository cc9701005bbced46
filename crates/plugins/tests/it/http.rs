//! `HttpServer`: what becomes of each request, and of the guest that has to answer it.

use std::future::pending;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use host_plugins::Runtime;
use host_plugins::host_core::{FaultKind, Profile};
use host_plugins::host_limits::{Exceeded, Limits};
use host_plugins::host_wasi::{Access, Grants, Output};
use host_plugins::http::{Answered, Ended, HttpServer, NotAHandler, ServeOptions};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

use crate::limits;

/// A server on a thread of its own.
struct Served {
    address: SocketAddr,
    answered: Mutex<mpsc::Receiver<Answered>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    fn start(limits: Limits) -> Served {
        Served::start_with(limits, Grants::default().stdout(Output::Capture(1000)), |options| options)
    }

    fn start_with(
        limits: Limits,
        grants: Grants,
        set: impl FnOnce(ServeOptions) -> ServeOptions + Send + 'static,
    ) -> Served {
        let (tell, answered) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let (send_address, address) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = Arc::new(Runtime::new(Profile::Untrusted, &limits, None).unwrap());
            let program = runtime.prepare(&fixtures::bytes("http-server")).unwrap();
            let options = ServeOptions::new(limits, grants).on_answer(move |answered| {
                // The test may be over.
                let _ = tell.send(answered);
            });
            let server = HttpServer::new(runtime, &program, set(options)).unwrap();
            Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap().block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                send_address.send(listener.local_addr().unwrap()).unwrap();
                let stop = async {
                    if stopped.await.is_err() {
                        pending().await
                    }
                };
                server.serve(listener, stop).await;
            });
        });
        let address = address.recv().unwrap();
        Served { address, answered: Mutex::new(answered), stop: Some(stop), thread: Some(thread) }
    }

    fn send(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    fn get(&self, path: &str) -> String {
        let mut stream =
            self.send(&format!("GET {path} HTTP/1.1\r\nhost: example\r\nconnection: close\r\n\r\n"));
        let mut response = Vec::new();
        // A body that breaks off may end the connection by a reset.
        let _ = stream.read_to_end(&mut response);
        String::from_utf8_lossy(&response).into_owned()
    }

    /// What was told next.
    fn told(&self) -> Answered {
        self.answered.lock().unwrap().recv_timeout(Duration::from_secs(60)).unwrap()
    }

    fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.thread.take().unwrap().join().unwrap();
    }
}

/// The status is this, and the whole body that.
#[track_caller]
fn check(response: &str, status: u16, body: &str) {
    assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{response}");
    assert_eq!(whole_body(response).as_deref(), Some(body), "{response}");
}

/// The body of a response; `None`, if it breaks off.
fn whole_body(response: &str) -> Option<String> {
    let (head, mut rest) = response.split_once("\r\n\r\n")?;
    if !head.contains("transfer-encoding: chunked") {
        let length: usize = head.split_once("content-length: ")?.1.lines().next()?.parse().ok()?;
        return (rest.len() == length).then(|| rest.to_owned());
    }
    let mut body = String::new();
    loop {
        let (length, after) = rest.split_once("\r\n")?;
        let length = usize::from_str_radix(length, 16).ok()?;
        body.push_str(after.get(..length)?);
        rest = after.get(length..)?.strip_prefix("\r\n")?;
        if length == 0 {
            return Some(body);
        }
    }
}

#[test]
fn a_request_is_answered_by_a_fresh_guest() {
    let served = Served::start(limits());
    for _ in 0..3 {
        check(&served.get("/requests"), 200, "1");
        let told = served.told();
        assert_eq!((told.method.as_str(), told.path.as_str(), told.status), ("GET", "/requests", 200));
        assert!(matches!(told.ended, Ended::Done(_)), "{told:?}");
    }
    check(&served.get("/"), 200, "hello from the guest\n");
    check(&served.get("/nowhere?a=b"), 404, "no such page\n");
}

#[test]
fn the_guest_sees_the_request() {
    let served = Served::start(limits());
    let mut stream = served
        .send("POST /echo HTTP/1.1\r\nhost: example\r\ncontent-length: 5\r\nconnection: close\r\n\r\nhello");
    let mut response = String::new();
    stream.read_to_string(&mut response).unwrap();
    check(&response, 200, "hello");
    let response = served.get("/request?with=query");
    assert!(response.contains("Method::Get /request?with=query example\n"), "{response}");
}

#[test]
fn one_connection_carries_many_requests() {
    let served = Served::start(limits());
    let mut stream = served.send("GET /requests HTTP/1.1\r\nhost: a\r\n\r\nGET /requests HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n");
    let mut responses = String::new();
    stream.read_to_string(&mut responses).unwrap();
    assert_eq!(responses.matches("HTTP/1.1 200 OK").count(), 2, "{responses}");
}

#[test]
fn what_a_guest_prints_is_told_and_not_sent() {
    let served = Served::start(limits());
    check(&served.get("/print"), 200, "printed\n");
    assert_eq!(served.told().captured.stdout, b"the guest prints\n");
}

#[test]
fn a_guest_that_fails_costs_its_own_request_alone() {
    let limits = Limits { deadline: Duration::from_millis(300), fuel: None, ..limits() };
    let served = Served::start(limits);
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
    check(&served.get("/silent"), 502, "502 Bad Gateway\n");
    assert!(matches!(served.told().ended, Ended::Silent(_)));
    check(&served.get("/error"), 502, "502 Bad Gateway\n");
    assert_eq!(served.told().status, 502);

    check(&served.get("/"), 200, "hello from the guest\n");
}

#[test]
fn a_response_that_breaks_off_is_not_passed_for_whole() {
    let served = Served::start(limits());
    let response = served.get("/broken");
    // What was sent before it is seen may be on its way or not.
    assert_eq!(whole_body(&response), None, "{response}");
    let told = served.told();
    assert!(told.status == 200 && matches!(told.ended, Ended::Stopped(_)), "{told:?}");
}

#[test]
fn a_guest_is_dropped_when_its_client_leaves() {
    let limits = Limits { deadline: Duration::from_secs(3600), fuel: None, ..limits() };
    let served = Served::start(limits);
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

#[test]
fn a_client_that_does_not_read_is_bounded_by_the_deadline() {
    let limits = Limits { deadline: Duration::from_millis(500), fuel: None, ..limits() };
    let served = Served::start(limits);
    let _stream = served.send("GET /flood HTTP/1.1\r\nhost: a\r\n\r\n");
    let told = served.told();
    assert!(matches!(told.ended, Ended::Stopped(_)), "{told:?}");
}

#[test]
fn one_request_too_many_is_told_to_come_again() {
    let limits = Limits { deadline: Duration::from_secs(3600), fuel: None, ..limits() };
    let served = Served::start_with(limits, Grants::default(), |options| options.at_once(1));
    let mut first = served.send("GET /flood HTTP/1.1\r\nhost: a\r\n\r\n");
    first.read_exact(&mut [0; 100]).unwrap();
    let busy = served.get("/");
    check(&busy, 503, "503 Service Unavailable\n");
    assert!(busy.contains("retry-after: 1\r\n"), "{busy}");
    assert!(matches!(served.told().ended, Ended::Busy));
    drop(first);
    assert_eq!(served.told().path, "/flood");
    // Its place is free a moment after that is told.
    while served.get("/").starts_with("HTTP/1.1 503 ") {
        thread::sleep(Duration::from_millis(10));
    }
    check(&served.get("/"), 200, "hello from the guest\n");
}

#[test]
fn bad_requests_never_reach_a_guest() {
    let served = Served::start(limits());
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

#[test]
fn a_grant_that_cannot_be_given_is_the_operators_affair() {
    let grants = Grants::default().directory("/nowhere/at/all", "data", Access::ReadOnly);
    let served = Served::start_with(limits(), grants, |options| options);
    let response = served.get("/");
    check(&response, 500, "500 Internal Server Error\n");
    assert!(!response.contains("nowhere"), "{response}");
    let told = served.told();
    assert!(
        matches!(&told.ended, Ended::NotRun(error) if error.to_string().contains("/nowhere/at/all")),
        "{told:?}"
    );
}

#[test]
fn a_stop_lets_requests_at_work_finish() {
    let mut served = Served::start(limits());
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

#[test]
fn a_stop_drops_what_does_not_finish() {
    let limits = Limits { deadline: Duration::from_secs(3600), fuel: None, ..limits() };
    let mut served =
        Served::start_with(limits, Grants::default(), |options| options.drain(Duration::from_millis(200)));
    let _spin = served.send("GET /spin HTTP/1.1\r\nhost: a\r\n\r\n");
    let mut flood = served.send("GET /flood HTTP/1.1\r\nhost: a\r\n\r\n");
    flood.read_exact(&mut [0; 100]).unwrap();
    served.stop();
    let told = [served.told(), served.told()];
    assert!(told.iter().all(|told| matches!(told.ended, Ended::Dropped)), "{told:?}");
}

#[test]
fn only_a_handler_can_serve() {
    let limits = limits();
    let runtime = Arc::new(Runtime::new(Profile::Untrusted, &limits, None).unwrap());
    for (name, kind) in [("p1-command", "core module"), ("p2-command", "component")] {
        let program = runtime.prepare(&fixtures::bytes(name)).unwrap();
        let server =
            HttpServer::new(runtime.clone(), &program, ServeOptions::new(limits.clone(), Grants::default()));
        let Err(NotAHandler { kind: found, .. }) = server else { panic!("{name} serves") };
        assert_eq!(found, kind);
    }
}
