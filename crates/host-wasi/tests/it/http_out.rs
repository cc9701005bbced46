//! Outgoing `wasi:http`: what the rules say, and nothing else, whatever the guest, a name server or a server says.

use host_wasi::http::{self, HttpOptions};
use host_wasi::{HasWasi, Wasi, p2};
use wasmtime::component::Linker;
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::p2::bindings::Command;

use crate::command::{ENGINE, store};
use crate::http_server::{Server, ask, ask_with, client, open};

fn denials(wasi: &Wasi) -> Vec<String> {
    wasi.denials().into_iter().map(|denial| denial.grant).collect()
}

#[test]
fn without_a_grant_nobody_is_asked() {
    let server = Server::start();
    let url = server.url("/");
    let by_tcp = format!("tcp://{}", server.address);
    for rules in [&[][..], &["dns"], &["tcp://*:*"], &["http://*/*"], &["https://127.0.0.1/*"], &[&by_tcp]] {
        let ended = ask(rules, &[&format!("--get={url}")]);
        assert!(ended.printed(&format!("get {url} error HttpRequestDenied")), "{rules:?} {}", ended.stdout());
        assert_eq!(denials(&ended.wasi), [format!("network = [{url:?}]")]);
    }
    assert!(server.requests().is_empty());
}

#[test]
fn a_context_of_ones_own_sends_nothing() {
    let server = Server::start();
    let mut builder = WasiCtxBuilder::new();
    builder.inherit_network().args(&["http-client", &format!("--get={}", server.url("/"))]);
    let mut store = store(Wasi::from(builder.build_p1()));
    let mut linker = Linker::new(&ENGINE);
    p2::add_to_linker_sync(&mut linker).unwrap();
    http::add_to_linker_sync(&mut linker).unwrap();
    let command =
        wasmtime_wasi::p2::bindings::sync::Command::instantiate(&mut store, client(), &linker).unwrap();
    command.wasi_cli_run().call_run(&mut store).unwrap().unwrap();
    assert!(server.requests().is_empty());
    assert_eq!(denials(store.data()), [format!("network = [{:?}]", server.url("/"))]);
}

#[test]
fn a_granted_url_is_asked_for_and_no_other() {
    let server = Server::start();
    let rule = server.url("/v1/*");
    let get = |url: &str| {
        let ended = ask(&[&rule], &[&format!("--get={url}")]);
        ended.stdout().trim_end().strip_prefix(&format!("get {url} ")).unwrap().to_owned()
    };
    assert_eq!(get(&server.url("/v1/a")), "200 hello");
    assert_eq!(get(&server.url("/v1/a?b=../c")), "200 hello");
    assert_eq!(get(&server.url("/x/../v1/b")), "200 hello");
    let port = server.address.port();
    assert_eq!(get(&format!("http://0x7f.1:{port}/v1/c")), "200 hello");
    for refused in ["/", "/v1", "/v2/a", "/v1/../v2", "/v1/%2e%2e/v2", "/v1/..%2fv2", "/v1/%252e%252e%252fv2"]
    {
        assert_eq!(get(&server.url(refused)), "error HttpRequestDenied", "{refused}");
    }
    assert_eq!(get(&format!("https://{}/v1/a", server.address)), "error HttpRequestDenied");
    assert_eq!(get(&format!("http://127.0.0.2:{port}/v1/a")), "error HttpRequestDenied");
    assert_eq!(get(&format!("http://user@127.0.0.1:{port}/v1/a")), "error HttpRequestUriInvalid");
    assert_eq!(get(&format!("http://127.0.0.1:{port}@evil.org/v1/a")), "error HttpRequestUriInvalid");
    assert_eq!(get(&format!("ftp://127.0.0.1:{port}/v1/a")), "error HttpProtocolError");
    let came =
        ["GET /v1/a HTTP/1.1", "GET /v1/a?b=../c HTTP/1.1", "GET /v1/b HTTP/1.1", "GET /v1/c HTTP/1.1"];
    assert_eq!(server.requests(), came);
}

#[test]
fn the_host_header_is_that_of_the_url() {
    let server = Server::start();
    let port = server.address.port();
    let rules = [format!("http://a.org:{port}/*"), format!("tcp://{}", server.address)];
    let rules: Vec<_> = rules.iter().map(String::as_str).collect();
    let get = format!("--get=http://A.org.:{port}/head");
    let ended = ask(&rules, &[&get]);
    assert!(ended.stdout().contains(&format!("|host: a.org:{port}")), "{}", ended.stdout());
    assert!(ended.stdout().contains("|connection: close"), "{}", ended.stdout());
    assert_eq!(ended.stdout().matches("host: ").count(), 1);
    for header in
        ["host:evil.org", "Host:evil.org", "transfer-encoding:chunked", "connection:upgrade", "upgrade:h2c"]
    {
        let ended = ask(&rules, &[&format!("--header={header}"), &get]);
        assert!(ended.stdout().ends_with(" error HeaderError::Forbidden\n"), "{}", ended.stdout());
    }
    let ended = ask(&rules, &["--header=x-mine:1", &get]);
    assert!(ended.stdout().contains("|x-mine: 1"), "{}", ended.stdout());
}

#[test]
fn no_tunnel_is_made() {
    let server = Server::start();
    let ended = ask(&[&server.url("/*")], &["--method=CONNECT", &format!("--get={}", server.url("/"))]);
    assert!(ended.stdout().ends_with(" error HttpRequestMethodInvalid\n"), "{}", ended.stdout());
    assert!(server.requests().is_empty());
}

#[test]
fn each_hop_of_a_redirect_is_checked() {
    let (first, second) = (Server::start(), Server::start());
    let onwards = first.url(&format!("/redirect?{}", second.url("/secret")));
    let follow = format!("--follow={onwards}");
    let ended = ask(&[&first.url("/*")], &[&follow]);
    let refused = format!("follow {} error HttpRequestDenied", second.url("/secret"));
    assert!(ended.printed(&format!("follow {onwards} 302")) && ended.printed(&refused), "{}", ended.stdout());
    assert!(second.requests().is_empty());
    assert_eq!(denials(&ended.wasi), [format!("network = [{:?}]", second.url("/secret"))]);

    let ended = ask(&[&first.url("/*"), &second.url("/*")], &[&follow]);
    assert!(ended.printed(&format!("follow {} 200", second.url("/secret"))), "{}", ended.stdout());
    assert_eq!(second.requests().len(), 1);
}

#[test]
fn a_name_that_turns_inwards_leads_nowhere() {
    let server = Server::start();
    let port = server.address.port();
    let url = format!("http://a.org:{port}/");
    let rule = format!("http://*.org:{port}/*");
    for inwards in ["127.0.0.1", "::ffff:127.0.0.1", "0.0.0.0", "::1", "169.254.169.254", "64:ff9b::7f00:1"] {
        let ended = ask_with(
            &["http://a.org:*/*", &rule.replace("*.", "")],
            &[inwards],
            HttpOptions::new(),
            &[&format!("--get={url}")],
        );
        let printed = format!("get {url} error DestinationIpProhibited");
        assert!(ended.printed(&printed), "{inwards} {}", ended.stdout());
        assert_eq!(ended.wasi.denials().len(), 1);
    }
    // A second look-up gives another address, and each connection is checked by its own: the first is named, and
    // nobody listens there; the second is not.
    let rules = ["http://a.org:*/*", "tcp://127.0.0.2:*"];
    let get = format!("--get={url}");
    let ended = ask_with(&rules, &["127.0.0.2", "127.0.0.1"], HttpOptions::new(), &[&get, &get]);
    let printed: Vec<_> =
        ended.stdout().lines().map(|line| line.rsplit(' ').next().unwrap().to_owned()).collect();
    assert_eq!(printed, ["ConnectionRefused", "DestinationIpProhibited"]);
    assert_eq!(denials(&ended.wasi), [format!(r#"network = ["tcp://127.0.0.1:{port}"]"#)]);
    assert!(server.requests().is_empty());

    let ended = ask(&["http://a.org:*/*", &format!("tcp://127.0.0.1:{port}")], &[&get]);
    assert!(ended.printed(&format!("get {url} 200 hello")), "{}", ended.stdout());
    let localhost = format!("http://localhost:{port}/");
    let ended = ask(&[&format!("{localhost}*")], &[&format!("--get={localhost}")]);
    assert!(ended.printed(&format!("get {localhost} 200 hello")), "{}", ended.stdout());
}

/// Another's data, with the grants in a field.
struct Mine {
    wasi: Wasi,
}

impl HasWasi for Mine {
    fn wasi(&mut self) -> &mut Wasi {
        &mut self.wasi
    }
}

#[tokio::test]
async fn a_strangers_store_serves_it_in_asynchronous_code() {
    let server = Server::start();
    let (granted, other) = (server.url("/a"), server.url("/b"));
    let args = [format!("--get={granted}"), format!("--get={other}")];
    let wasi = open(&[&granted], &[], HttpOptions::new(), &[&args[0], &args[1]]);
    let mut store = store(Mine { wasi });
    let mut linker = Linker::new(&ENGINE);
    p2::add_to_linker_async(&mut linker).unwrap();
    http::add_to_linker_async(&mut linker).unwrap();
    let command = Command::instantiate_async(&mut store, client(), &linker).await.unwrap();
    command.wasi_cli_run().call_run(&mut store).await.unwrap().unwrap();
    let printed = String::from_utf8(store.data().wasi.stdout()).unwrap();
    assert_eq!(printed, format!("get {granted} 200 hello\nget {other} error HttpRequestDenied\n"));
}
