//! Sends the requests that its arguments name, by `wasi:http`, and prints one line for each.

use std::env;

use wasip2::http::outgoing_handler::{ErrorCode, handle};
use wasip2::http::types::{
    Fields, IncomingResponse, Method, OutgoingBody, OutgoingRequest, RequestOptions, Scheme, http_error_code,
};
use wasip2::io::streams::StreamError;

/// What holds for the requests that follow.
#[derive(Default)]
struct Settings {
    method: String,
    headers: Vec<(String, Vec<u8>)>,
    /// In milliseconds: for a connection, for the first byte, between two parts.
    waits: [Option<u64>; 3],
    /// Kept open, unread.
    held: Vec<IncomingResponse>,
}

fn main() {
    let mut settings = Settings::default();
    for arg in env::args().skip(1) {
        let (what, value) = arg.split_once('=').unwrap_or((&arg, ""));
        match what {
            "--get" => report("get", value, get(&settings, value)),
            "--follow" => follow(&settings, value),
            "--hold" => {
                let held = send(&settings, value).map(|response| {
                    let status = response.status().to_string();
                    settings.held.push(response);
                    status
                });
                report("hold", value, held);
            }
            "--release" => settings.held.clear(),
            "--method" => settings.method = value.to_owned(),
            "--header" => {
                let (name, value) = value.split_once(':').unwrap_or((value, ""));
                settings.headers.push((name.to_owned(), value.as_bytes().to_vec()));
            }
            "--connect-timeout" => settings.waits[0] = value.parse().ok(),
            "--first-byte-timeout" => settings.waits[1] = value.parse().ok(),
            "--between-bytes-timeout" => settings.waits[2] = value.parse().ok(),
            "--flood-headers" => flood_headers(),
            "--flood-body" => report("flood", value, flood_body(value)),
            _ => println!("{what} is not known"),
        }
    }
}

/// `<what> <url> <value>`, or `<what> <url> error <code>`.
fn report(what: &str, url: &str, result: Result<String, String>) {
    match result {
        Ok(value) => println!("{what} {url} {value}"),
        Err(error) => println!("{what} {url} error {error}"),
    }
}

fn get(settings: &Settings, url: &str) -> Result<String, String> {
    let response = send(settings, url)?;
    Ok(format!("{} {}", response.status(), body(&response)?))
}

/// Goes where redirects lead, each by a request of its own.
fn follow(settings: &Settings, url: &str) {
    let mut url = url.to_owned();
    for _ in 0..5 {
        let response = match send(settings, &url) {
            Ok(response) => response,
            Err(error) => return report("follow", &url, Err(error)),
        };
        report("follow", &url, Ok(response.status().to_string()));
        match response.headers().get("location").first() {
            Some(next) => url = String::from_utf8_lossy(next).into_owned(),
            None => return,
        }
    }
}

fn send(settings: &Settings, url: &str) -> Result<IncomingResponse, String> {
    let request = request(settings, url)?;
    wait(handle(request, Some(options(settings))).map_err(code)?)
}

fn wait(sent: wasip2::http::types::FutureIncomingResponse) -> Result<IncomingResponse, String> {
    sent.subscribe().block();
    sent.get().expect("it is ready").expect("it is taken once").map_err(code)
}

fn request(settings: &Settings, url: &str) -> Result<OutgoingRequest, String> {
    let headers = Fields::from_list(&settings.headers).map_err(|error| format!("{error:?}"))?;
    let request = OutgoingRequest::new(headers);
    let (scheme, rest) = url.split_once("://").ok_or("no scheme")?;
    // As badly as a guest may do it: the host has to make sense of what is left.
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let scheme = match scheme {
        "http" => Scheme::Http,
        "https" => Scheme::Https,
        other => Scheme::Other(other.to_owned()),
    };
    let method = match settings.method.as_str() {
        "" | "GET" => Method::Get,
        "CONNECT" => Method::Connect,
        "POST" => Method::Post,
        other => Method::Other(other.to_owned()),
    };
    request.set_method(&method).map_err(|()| "the method is refused")?;
    request.set_scheme(Some(&scheme)).map_err(|()| "the scheme is refused")?;
    request.set_authority(Some(authority)).map_err(|()| "the authority is refused")?;
    request.set_path_with_query(Some(path)).map_err(|()| "the path is refused")?;
    Ok(request)
}

fn options(settings: &Settings) -> RequestOptions {
    let options = RequestOptions::new();
    let [connect, first_byte, between_bytes] = settings.waits.map(|wait| wait.map(|wait| wait * 1_000_000));
    options.set_connect_timeout(connect).expect("it is taken");
    options.set_first_byte_timeout(first_byte).expect("it is taken");
    options.set_between_bytes_timeout(between_bytes).expect("it is taken");
    options
}

fn body(response: &IncomingResponse) -> Result<String, String> {
    let body = response.consume().expect("it is taken once");
    let stream = body.stream().expect("it is taken once");
    let mut bytes = Vec::new();
    loop {
        match stream.blocking_read(64 * 1024) {
            Ok(more) => bytes.extend(more),
            Err(StreamError::Closed) => return Ok(String::from_utf8_lossy(&bytes).into_owned()),
            Err(StreamError::LastOperationFailed(error)) => {
                let code = http_error_code(&error);
                return Err(code.map_or_else(|| error.to_debug_string(), self::code));
            }
        }
    }
}

/// Headers for ever.
fn flood_headers() {
    let fields = Fields::new();
    for number in 0u64.. {
        fields.append(&format!("x-{number}"), &[b'x'; 4096]).expect("one more is taken");
    }
}

/// Sends for as long as somebody takes it, and tells how much that was.
fn flood_body(url: &str) -> Result<String, String> {
    let request = request(&Settings { method: "POST".to_owned(), ..Settings::default() }, url)?;
    let body = request.body().expect("it is taken once");
    let sent = handle(request, None).map_err(code)?;
    let stream = body.write().expect("it is taken once");
    let mut kibibytes = 0;
    while kibibytes < 16 * 1024 && stream.blocking_write_and_flush(&[b'x'; 4096]).is_ok() {
        kibibytes += 4;
    }
    drop(stream);
    OutgoingBody::finish(body, None).map_err(code)?;
    let status = wait(sent)?.status();
    Ok(format!("{status} {kibibytes} KiB"))
}

fn code(code: ErrorCode) -> String {
    let text = format!("{code:?}");
    text.strip_prefix("ErrorCode::").unwrap_or(&text).to_owned()
}
