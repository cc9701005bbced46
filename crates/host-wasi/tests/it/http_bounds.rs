//! Outgoing `wasi:http`: the time, the memory and the connections that a guest can take have an end.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc;
use std::time::Duration;

use host_wasi::http::HttpOptions;

use crate::http_server::{Server, ask, ask_with};

/// Short, and far from the end of what the server waits.
fn impatient() -> HttpOptions {
    HttpOptions::new().max_wait(Duration::from_millis(300))
}

#[test]
fn a_wait_ends_when_the_guest_says() {
    let server = Server::start();
    let rule = server.url("/*");
    let (silent, half) = (server.url("/silent"), server.url("/half"));
    let ended = ask(&[&rule], &["--first-byte-timeout=200", &format!("--get={silent}")]);
    assert!(ended.printed(&format!("get {silent} error ConnectionReadTimeout")), "{}", ended.stdout());
    let ended = ask(&[&rule], &["--between-bytes-timeout=200", &format!("--get={half}")]);
    assert!(ended.printed(&format!("get {half} error connection read timeout")), "{}", ended.stdout());
}

#[test]
fn a_wait_ends_when_the_host_says_whatever_the_guest_says() {
    let server = Server::start();
    let rule = server.url("/*");
    let (silent, half) = (server.url("/silent"), server.url("/half"));
    let hours =
        ["--connect-timeout=99999999", "--first-byte-timeout=99999999", "--between-bytes-timeout=99999999"];
    for waits in [&[][..], &hours] {
        let mut args = waits.to_vec();
        let gets = [format!("--get={silent}"), format!("--get={half}")];
        args.extend(gets.iter().map(String::as_str));
        let ended = ask_with(&[&rule], &[], impatient(), &args);
        assert!(ended.printed(&format!("get {silent} error ConnectionReadTimeout")), "{}", ended.stdout());
        assert!(ended.printed(&format!("get {half} error connection read timeout")), "{}", ended.stdout());
    }
}

#[test]
fn a_server_that_never_speaks_tls_ends_the_wait_for_a_connection() {
    let server = Server::with(|mut stream| {
        // Reads what comes and says nothing, until the other side has gone.
        std::io::copy(&mut stream, &mut std::io::sink()).ok();
        None::<std::net::TcpStream>
    });
    let url = format!("https://{}/", server.address);
    for args in [&["--connect-timeout=200"][..], &[]] {
        let get = format!("--get={url}");
        let args: Vec<_> = args.iter().copied().chain([get.as_str()]).collect();
        let ended = ask_with(&[&url], &[], HttpOptions::new().max_wait(Duration::from_secs(2)), &args);
        assert!(ended.printed(&format!("get {url} error ConnectionTimeout")), "{}", ended.stdout());
    }
}

#[test]
fn a_response_whose_headers_are_too_large_fails() {
    let server = Server::start();
    let rule = server.url("/*");
    let get = |options: HttpOptions, path: &str| {
        let url = server.url(path);
        let ended = ask_with(&[&rule], &[], options, &[&format!("--get={url}")]);
        ended.stdout().trim_end().strip_prefix(&format!("get {url} ")).unwrap().to_owned()
    };
    assert_eq!(get(HttpOptions::new(), "/large-header?60000"), "200 hello");
    assert_eq!(get(HttpOptions::new(), "/large-header?70000"), "error HttpResponseHeaderSectionSize(None)");
    assert_eq!(get(HttpOptions::new(), "/large-header?9000000"), "error HttpResponseHeaderSectionSize(None)");
    let small = || HttpOptions::new().max_header_size(8192);
    assert_eq!(get(small(), "/large-header?8000"), "200 hello");
    assert_eq!(get(small(), "/large-header?9000"), "error HttpResponseHeaderSectionSize(None)");
    assert_eq!(get(HttpOptions::new(), "/many-headers?50"), "200 hello");
    assert_eq!(get(HttpOptions::new(), "/many-headers?1000"), "error HttpResponseHeaderSectionSize(None)");
    assert_eq!(get(HttpOptions::new(), "/short"), "error incomplete HTTP response");
}

#[test]
fn a_guest_that_makes_headers_for_ever_is_stopped() {
    let ended = ask(&[], &["--flood-headers"]);
    let error = format!("{:?}", ended.result.unwrap_err());
    assert!(error.contains("total size"), "{error}");
}

#[test]
fn only_so_many_requests_are_under_way() {
    let server = Server::start();
    let (rule, url) = (server.url("/*"), server.url("/half"));
    let hold = format!("--hold={url}");
    let hello = server.url("/");
    let get = format!("--get={hello}");
    let options = HttpOptions::new().max_requests(2);
    // A request that failed or was read to its end leaves room.
    let args = [&get, "--get=http://other.org/", &get, &hold, &hold, &hold, &get, "--release", &get];
    let ended = ask_with(&[&rule], &[], options, &args);
    let stdout = ended.stdout();
    let expected = [
        format!("get {hello} 200 hello"),
        "get http://other.org/ error HttpRequestDenied".to_owned(),
        format!("get {hello} 200 hello"),
        format!("hold {url} 200"),
        format!("hold {url} 200"),
        format!("hold {url} error ConnectionLimitReached"),
        format!("get {hello} error ConnectionLimitReached"),
        format!("get {hello} 200 hello"),
    ];
    assert_eq!(stdout.lines().collect::<Vec<_>>(), expected);
}

#[test]
fn a_body_that_nobody_reads_is_not_kept() {
    let server = Server::start();
    let (rule, url) = (server.url("/*"), server.url("/silent"));
    let ended = ask_with(&[&rule], &[], impatient(), &[&format!("--flood-body={url}")]);
    assert!(ended.printed(&format!("flood {url} error ConnectionReadTimeout")), "{}", ended.stdout());
}

#[test]
fn a_connection_ends_with_its_store() {
    let (tell, told) = mpsc::channel();
    let server = Server::with(move |mut stream| {
        let head = stream.read(&mut [0; 4096]);
        assert!(head.unwrap() > 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf").unwrap();
        // Until the client closes the connection, in whatever way.
        let _ = stream.read_to_end(&mut Vec::new());
        tell.send(()).unwrap();
        None::<TcpStream>
    });
    let url = server.url("/");
    // Stopped with the response in its hands.
    let ended = ask(&[&url], &[&format!("--hold={url}"), "--flood-headers"]);
    assert!(ended.printed(&format!("hold {url} 200")) && ended.result.is_err(), "{}", ended.stdout());
    assert!(told.try_recv().is_err(), "the guest still has it");
    drop(ended);
    told.recv_timeout(Duration::from_secs(30)).unwrap();
}
