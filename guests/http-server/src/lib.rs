//! Answers HTTP requests, one way for each path: well, wrongly, too much, or never.

use std::io::{Read, Write};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;
use std::{hint, process, thread};

use wasip2::exports::http::incoming_handler::Guest;
use wasip2::http::types::{
    ErrorCode, Fields, IncomingRequest, OutgoingBody, OutgoingResponse, ResponseOutparam,
};

wasip2::http::proxy::export!(Server);

struct Server;

/// How many requests this instance has seen. More than one means that it was used again.
static REQUESTS: AtomicU32 = AtomicU32::new(0);

impl Guest for Server {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let seen = REQUESTS.fetch_add(1, Ordering::Relaxed) + 1;
        let path = request.path_with_query().unwrap_or_default();
        let (path, _) = path.split_once('?').unwrap_or((&path, ""));
        match path {
            "/" => answer(out, 200, b"hello from the guest\n"),
            "/requests" => answer(out, 200, seen.to_string().as_bytes()),
            "/echo" => answer(out, 200, &body_of(&request)),
            "/request" => answer(out, 200, told(&request).as_bytes()),
            "/error" => ResponseOutparam::set(out, Err(ErrorCode::InternalError(Some("as asked".into())))),
            "/silent" => {}
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
                thread::sleep(Duration::from_secs(1));
                answer(out, 200, b"slept\n");
            }
            "/broken" => {
                stream(out, |body| {
                    let _ = body.write_all(b"half of it");
                    let _ = body.flush();
                    process::abort();
                });
            }
            "/flood" => stream(out, |body| while body.write_all(&[b'x'; 4096]).is_ok() {}),
            "/print" => {
                println!("the guest prints");
                answer(out, 200, b"printed\n");
            }
            _ => answer(out, 404, b"no such page\n"),
        }
    }
}

fn answer(out: ResponseOutparam, status: u16, text: &[u8]) {
    let response =
        OutgoingResponse::new(Fields::from_list(&[("content-type".into(), b"text/plain".into())]).unwrap());
    response.set_status_code(status).unwrap();
    send(out, response, |body| body.write_all(text).unwrap());
}

fn stream(out: ResponseOutparam, write: impl FnOnce(&mut dyn Write)) {
    send(out, OutgoingResponse::new(Fields::new()), write);
}

fn send(out: ResponseOutparam, response: OutgoingResponse, write: impl FnOnce(&mut dyn Write)) {
    let body = response.body().unwrap();
    ResponseOutparam::set(out, Ok(response));
    let mut stream = body.write().unwrap();
    write(&mut stream);
    drop(stream);
    let _ = OutgoingBody::finish(body, None);
}

fn body_of(request: &IncomingRequest) -> Vec<u8> {
    let mut bytes = Vec::new();
    let body = request.consume().unwrap();
    let mut stream = body.stream().unwrap();
    let _ = stream.read_to_end(&mut bytes);
    bytes
}

/// The request as the guest sees it: method, path, authority and headers, one a line.
fn told(request: &IncomingRequest) -> String {
    let mut told = format!(
        "{:?} {} {}\n",
        request.method(),
        request.path_with_query().unwrap_or_default(),
        request.authority().unwrap_or_default()
    );
    for (name, value) in request.headers().entries() {
        told.push_str(&format!("{name}: {}\n", String::from_utf8_lossy(&value)));
    }
    told
}
