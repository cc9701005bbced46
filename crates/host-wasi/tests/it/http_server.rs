//! A server of HTTP for the tests, and a guest that asks it.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, LazyLock, Mutex};
use std::thread;
use std::time::Duration;

use host_wasi::http::{self, HttpOptions};
use host_wasi::{Grants, Output, Resolve, Resolving, Wasi, WasiOptions, p2};
use wasmtime::component::{Component, Linker};
use wasmtime::format_err;
use wasmtime_wasi::p2::bindings::sync::Command;

use crate::command::{ENGINE, Ended, store};

static CLIENT: LazyLock<Component> =
    LazyLock::new(|| Component::new(&ENGINE, fixtures::bytes("http-client")).unwrap());

pub(crate) fn client() -> &'static Component {
    &CLIENT
}

/// Listens on a free port of 127.0.0.1 and keeps the first lines of the requests that came.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    requests: Arc<Mutex<Vec<String>>>,
}

impl Server {
    pub(crate) fn start() -> Self {
        Self::with(Some)
    }

    /// `wrap` puts TLS around a connection, for instance, or gives it up.
    pub(crate) fn with<S: Read + Write>(
        wrap: impl Fn(TcpStream) -> Option<S> + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let requests = Arc::<Mutex<Vec<String>>>::default();
        let (kept, wrap) = (requests.clone(), Arc::new(wrap));
        thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (kept, wrap) = (kept.clone(), wrap.clone());
                thread::spawn(move || wrap(stream).map(|stream| answer(stream, &kept)));
            }
        });
        Self { address, requests }
    }

    /// A URL of the server by its address.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    pub(crate) fn requests(&self) -> Vec<String> {
        self.requests.lock().unwrap().clone()
    }
}

/// Answers one request as its path says. Nobody minds if the client has gone.
fn answer(stream: impl Read + Write, requests: &Mutex<Vec<String>>) {
    let mut stream = BufReader::new(stream);
    let mut head = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).is_err() || line.trim().is_empty() {
            break;
        }
        head.push(line.trim().to_owned());
    }
    let Some(first) = head.first().cloned() else { return };
    requests.lock().unwrap().push(first.clone());
    let target = first.split(' ').nth(1).unwrap_or_default();
    let (path, query) = target.split_once('?').unwrap_or((target, ""));
    let whole = |head: &str, body: &str| format!("{head}content-length: {}\r\n\r\n{body}", body.len());
    let ok = "HTTP/1.1 200 OK\r\n";
    let text = match path {
        "/head" => whole(ok, &head.join("|")),
        "/redirect" => whole(&format!("HTTP/1.1 302 Found\r\nlocation: {query}\r\n"), ""),
        "/silent" => String::new(),
        "/half" => format!("{ok}content-length: 10\r\n\r\nhalf"),
        "/large-header" => {
            whole(&format!("{ok}x-large: {}\r\n", "x".repeat(query.parse().unwrap())), "hello")
        }
        "/many-headers" => whole(&format!("{ok}{}", "x-one: 1\r\n".repeat(query.parse().unwrap())), "hello"),
        "/short" => format!("{ok}content-length: 10\r\n\r\nshort"),
        _ => whole(ok, "hello"),
    };
    let stream = stream.get_mut();
    if stream.write_all(text.as_bytes()).and_then(|()| stream.flush()).is_ok()
        && matches!(path, "/silent" | "/half")
    {
        // Longer than any wait in a test, but not for ever.
        thread::sleep(Duration::from_secs(60));
    }
}

/// Finds the same for every name: one answer after the other, the last again and again.
struct Answers(Mutex<VecDeque<IpAddr>>);

impl Resolve for Answers {
    fn resolve(&self, _name: &str) -> Resolving {
        let mut left = self.0.lock().unwrap();
        let answer = if left.len() > 1 { left.pop_front() } else { left.front().copied() };
        Box::pin(async move { Ok(answer.into_iter().collect()) })
    }
}

pub(crate) fn open(rules: &[&str], answers: &[&str], options: HttpOptions, args: &[&str]) -> Wasi {
    let mut grants = Grants::default().args(["http-client"]).args(args.iter().copied());
    grants = grants.stdout(Output::Capture(1 << 20)).stderr(Output::Capture(1 << 20));
    for rule in rules {
        grants = grants.network(rule.parse().unwrap());
    }
    let answers = answers.iter().map(|answer| answer.parse().unwrap()).collect();
    WasiOptions::new().resolver(Answers(Mutex::new(answers))).http(options).open(&grants).unwrap()
}

/// Runs the client under these rules, where every name leads to 127.0.0.1.
pub(crate) fn ask(rules: &[&str], args: &[&str]) -> Ended {
    ask_with(rules, &["127.0.0.1"], HttpOptions::new(), args)
}

pub(crate) fn ask_with(rules: &[&str], answers: &[&str], options: HttpOptions, args: &[&str]) -> Ended {
    let mut store = store(open(rules, answers, options, args));
    let result = (|| {
        let mut linker = Linker::new(&ENGINE);
        p2::add_to_linker_sync(&mut linker)?;
        http::add_to_linker_sync(&mut linker)?;
        let command = Command::instantiate(&mut store, client(), &linker)?;
        let said = command.wasi_cli_run().call_run(&mut store)?;
        said.map_err(|()| format_err!("the component said that it failed"))
    })();
    Ended { result, wasi: store.into_data() }
}
