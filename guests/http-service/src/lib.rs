//! Answers HTTP requests of WASI 0.3, one way for each path: well, wrongly, too much, or never.

use std::sync::atomic::{AtomicU32, Ordering};
use std::{hint, process};

use wasip3::clocks::monotonic_clock::wait_for;
use wasip3::exports::http::handler::Guest;
use wasip3::http::client;
use wasip3::http::types::{ErrorCode, Fields, Request, Response, Scheme};
use wasip3::wit_bindgen::StreamWriter;
use wasip3::{spawn_local, wit_future, wit_stream};

wasip3::http::service::export!(Service);

struct Service;

/// How many requests this instance has seen. More than one means that it was used again.
static REQUESTS: AtomicU32 = AtomicU32::new(0);

impl Guest for Service {
    async fn handle(request: Request) -> Result<Response, ErrorCode> {
        let seen = REQUESTS.fetch_add(1, Ordering::Relaxed) + 1;
        let path = request.get_path_with_query().unwrap_or_default();
        let (path, query) = path.split_once('?').unwrap_or((&path, ""));
        Ok(match path {
            "/" => answer(200, "hello from the guest\n"),
            "/requests" => answer(200, seen.to_string()),
            "/echo" => answer(200, body_of(request).await),
            "/request" => answer(200, told(&request)),
            "/get" => answer(200, asked(query).await),
            "/error" => return Err(ErrorCode::InternalError(Some("as asked".into()))),
            "/trap" => process::abort(),
            "/spin" => loop {
                hint::spin_loop();
            },
            "/memory" => {
                let mut kept = Vec::new();
                loop {
                    kept.push(vec![1_u8; 1 << 20]);
                    hint::black_box(&kept);
                }
            }
            "/sleep" => {
                wait_for(1_000_000_000).await;
                answer(200, "slept\n")
            }
            "/broken" => stream(async |mut body| {
                body.write_all(b"half of it".into()).await;
                process::abort();
            }),
            "/flood" => stream(async |mut body| while body.write_all(vec![b'x'; 4096]).await.is_empty() {}),
            "/print" => {
                println!("the guest prints");
                answer(200, "printed\n")
            }
            _ => answer(404, "no such page\n"),
        })
    }
}

fn answer(status: u16, text: impl Into<Vec<u8>>) -> Response {
    let text = text.into();
    let response = stream(async move |mut body| drop(body.write_all(text).await));
    response.set_status_code(status).unwrap();
    response
}

/// A response whose body is written after it was returned.
fn stream(write: impl AsyncFnOnce(StreamWriter<u8>) + 'static) -> Response {
    let (body, contents) = wit_stream::new();
    let (trailers, no_trailers) = wit_future::new(|| Ok(None));
    drop(trailers);
    let headers = Fields::from_list(&[("content-type".into(), b"text/plain".into())]).unwrap();
    let (response, _sent) = Response::new(headers, Some(contents), no_trailers);
    spawn_local(async move { write(body).await });
    response
}

async fn body_of(request: Request) -> Vec<u8> {
    let (_, no_error) = wit_future::new(|| Ok(()));
    let (body, _trailers) = Request::consume_body(request, no_error);
    body.collect().await
}

/// The request as the guest sees it: method, path, scheme, authority and headers, one a line.
fn told(request: &Request) -> String {
    let mut told = format!(
        "{:?} {} {:?} {}\n",
        request.get_method(),
        request.get_path_with_query().unwrap_or_default(),
        request.get_scheme(),
        request.get_authority().unwrap_or_default()
    );
    for (name, value) in request.get_headers().copy_all() {
        told.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(&value)));
    }
    told
}

/// Sends a request for `url`, such as `http://127.0.0.1:80/path`; gives the status and the body, or the code of the error.
async fn asked(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("http", url));
    let (authority, path) = rest.find('/').map_or((rest, None), |at| (&rest[..at], Some(&rest[at..])));
    let (trailers, no_trailers) = wit_future::new(|| Ok(None));
    drop(trailers);
    let (request, _sent) = Request::new(Fields::new(), None, no_trailers, None);
    let scheme = if scheme == "https" { Scheme::Https } else { Scheme::Http };
    request.set_scheme(Some(&scheme)).unwrap();
    request.set_authority(Some(authority)).unwrap();
    request.set_path_with_query(path).unwrap();
    match client::send(request).await {
        Ok(response) => {
            let status = response.get_status_code();
            let (_, no_error) = wit_future::new(|| Ok(()));
            let (body, _trailers) = Response::consume_body(response, no_error);
            format!("{status} {}", String::from_utf8_lossy(&body.collect().await))
        }
        Err(error) => format!("error {error:?}"),
    }
}
