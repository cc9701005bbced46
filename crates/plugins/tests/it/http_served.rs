//! A server for the tests of `HttpServer`, and what they look at in its responses.

use std::future::pending;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use host_plugins::Runtime;
use host_plugins::host_core::Profile;
use host_plugins::host_limits::{Limits, Proposal, StaticLimits};
use host_plugins::host_wasi::{Grants, Output};
use host_plugins::http::{Answered, HttpServer, ServeOptions};
use tokio::net::TcpListener;
use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// Answers by `wasi:http/incoming-handler` of WASI 0.2.
pub(crate) const PROXY: &str = "http-server";

/// Answers by `wasi:http/handler` of WASI 0.3.
pub(crate) const SERVICE: &str = "http-service";

/// A runtime for the guest: only one of WASI 0.3 has an engine that supports concurrency.
pub(crate) fn runtime(guest: &str, limits: &Limits) -> Runtime {
    let mut settings = Profile::Untrusted.settings();
    if guest == SERVICE {
        settings.proposals.insert(Proposal::ComponentModelAsync);
    }
    let static_limits = StaticLimits { proposals: settings.proposals, ..StaticLimits::default() };
    Runtime::new(settings, limits, None).unwrap().with_static_limits(static_limits)
}

/// A server on a thread of its own.
pub(crate) struct Served {
    pub(crate) address: SocketAddr,
    answered: Mutex<mpsc::Receiver<Answered>>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Served {
    pub(crate) fn start(guest: &'static str, limits: Limits) -> Served {
        Served::start_with(guest, limits, Grants::default().stdout(Output::Capture(1000)), |options| options)
    }

    pub(crate) fn start_with(
        guest: &'static str,
        limits: Limits,
        grants: Grants,
        set: impl FnOnce(ServeOptions) -> ServeOptions + Send + 'static,
    ) -> Served {
        let (tell, answered) = mpsc::channel();
        let (stop, stopped) = oneshot::channel();
        let (send_address, address) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = Arc::new(runtime(guest, &limits));
            let program = runtime.prepare(&fixtures::bytes(guest)).unwrap();
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

    pub(crate) fn send(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    pub(crate) fn get(&self, path: &str) -> String {
        let mut stream =
            self.send(&format!("GET {path} HTTP/1.1\r\nhost: example\r\nconnection: close\r\n\r\n"));
        let mut response = Vec::new();
        // A body that breaks off may end the connection by a reset.
        let _ = stream.read_to_end(&mut response);
        String::from_utf8_lossy(&response).into_owned()
    }

    /// What was told next.
    pub(crate) fn told(&self) -> Answered {
        self.answered.lock().unwrap().recv_timeout(Duration::from_secs(60)).unwrap()
    }

    pub(crate) fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
        self.thread.take().unwrap().join().unwrap();
    }
}

/// The status is this, and the whole body that.
#[track_caller]
pub(crate) fn check(response: &str, status: u16, body: &str) {
    assert!(response.starts_with(&format!("HTTP/1.1 {status} ")), "{response}");
    assert_eq!(whole_body(response).as_deref(), Some(body), "{response}");
}

/// The body of a response; `None`, if it breaks off.
pub(crate) fn whole_body(response: &str) -> Option<String> {
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
