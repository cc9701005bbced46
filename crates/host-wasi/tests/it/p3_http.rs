//! `wasi:http` of WASI 0.3: its requests go by the same rules as those of 0.2.

use std::sync::LazyLock;

use bytes::Bytes;
use host_wasi::http::wasmtime_wasi_http::p3::Request;
use host_wasi::http::wasmtime_wasi_http::p3::bindings::Service;
use host_wasi::http::wasmtime_wasi_http::{Error, WasiBody};
use host_wasi::{Grants, Wasi, p2, p3};
use http_body_util::{BodyExt as _, Empty};
use wasmtime::component::{Component, Linker};
use wasmtime::{Result, Store};

use crate::http_server::Server;
use crate::p3::ENGINE;

static SERVICE: LazyLock<Component> =
    LazyLock::new(|| Component::new(&ENGINE, fixtures::bytes("http-service")).unwrap());

/// Has the guest ask for a URL; gives what it says of it, and the rules that would have been needed.
async fn ask(rules: &[&str], url: &str) -> (String, Vec<String>) {
    let mut grants = Grants::default();
    for rule in rules {
        grants = grants.network(rule.parse().unwrap());
    }
    let mut linker = Linker::new(&ENGINE);
    p2::add_to_linker_async(&mut linker).unwrap();
    p3::add_to_linker(&mut linker).unwrap();
    let mut store = Store::new(&ENGINE, Wasi::new(&grants).unwrap());
    store.set_fuel(20_000_000).unwrap();
    let said = handle(&mut store, &linker, &format!("/get?{url}")).await.unwrap();
    let denials = store.data().denials().into_iter().map(|denial| denial.grant).collect();
    (said, denials)
}

async fn handle(store: &mut Store<Wasi>, linker: &Linker<Wasi>, path: &str) -> Result<String> {
    let service = Service::instantiate_async(&mut *store, &SERVICE, linker).await?;
    let request =
        hyper::Request::get(path).body(Empty::<Bytes>::new().map_err(|never| -> Error { match never {} }))?;
    let (request, _) = Request::from_http(store.data_mut().http().hooks, request);
    let request = store.data_mut().http().table.push(request)?;
    let body = store.run_concurrent(async |store| -> Result<_> {
        let response = service.wasi_http_handler().call_handle(store, request).await??;
        let response = store.with(|mut store| -> Result<_> {
            let response = store.data_mut().http().table.delete(response)?;
            response.into_http_with_getter(store, async { Ok(()) }, Wasi::http)
        })?;
        let body: WasiBody = response.into_body();
        Ok(body.collect().await?.to_bytes())
    });
    Ok(String::from_utf8(body.await??.into())?)
}

#[tokio::test]
async fn without_a_grant_nobody_is_asked() {
    let server = Server::start();
    let url = server.url("/");
    for rules in [&[][..], &["dns"], &["http://*/*"], &[&format!("tcp://{}", server.address)]] {
        let (said, denials) = ask(rules, &url).await;
        assert!(said.contains("error") && said.contains("HttpRequestDenied"), "{rules:?} {said}");
        assert_eq!(denials, [format!("network = [{url:?}]")]);
    }
    assert!(server.requests().is_empty());
}

#[tokio::test]
async fn a_granted_url_is_asked_for_and_no_other() {
    let server = Server::start();
    let rule = server.url("/v1/*");
    assert_eq!(ask(&[&rule], &server.url("/v1/a")).await, ("200 hello".to_owned(), Vec::new()));
    let (said, denials) = ask(&[&rule], &server.url("/v1/../v2")).await;
    assert!(said.contains("HttpRequestDenied"), "{said}");
    assert_eq!(denials, [format!("network = [{:?}]", server.url("/v2"))]);
    assert_eq!(server.requests(), ["GET /v1/a HTTP/1.1"]);
}

#[tokio::test]
async fn a_request_without_a_path_is_for_the_root() {
    let server = Server::start();
    assert_eq!(ask(&[&server.url("/")], &server.url("")).await.0, "200 hello");
    assert_eq!(server.requests(), ["GET / HTTP/1.1"]);
}
