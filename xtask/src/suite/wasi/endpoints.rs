//! Servers for the tests of a client of HTTP: they answer as the specification of a test says.

use std::io::{self, BufReader, Write as _};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread;

use serde_json::Value;

use super::message::{Fields, Message};

/// Starts a server with `endpoints` on a free port of this machine; it goes on for as long as this process does. Without endpoints
/// the address is one where nobody listens.
pub(super) fn start(endpoints: Option<Vec<Value>>) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let address = listener.local_addr()?;
    if let Some(endpoints) = endpoints {
        let endpoints = Arc::new(endpoints);
        thread::spawn(move || {
            for connection in listener.incoming().map_while(Result::ok) {
                let endpoints = endpoints.clone();
                // What goes wrong on a connection is for the test to see.
                thread::spawn(move || drop(serve(&connection, &endpoints)));
            }
        });
    }
    Ok(address)
}

fn serve(mut connection: &TcpStream, endpoints: &[Value]) -> io::Result<()> {
    let request = Message::read(&mut BufReader::new(connection))?;
    connection.write_all(&answer(&request, endpoints))
}

/// The bytes of the response.
fn answer(request: &Message, endpoints: &[Value]) -> Vec<u8> {
    let mut words = request.first.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let endpoint = endpoints.iter().find(|endpoint| {
        endpoint["method"].as_str().unwrap_or("GET") == method
            && endpoint["path"].as_str().unwrap_or("/") == path
    });
    let Some(endpoint) = endpoint else { return response(method, 404, &Fields::new(), b"") };
    match endpoint["mode"].as_str() {
        Some("echo-body") => response(method, 200, &Fields::new(), &request.body),
        Some("echo-headers") => response(method, 200, &echoed(request, method, path), b""),
        _ => {
            let given = &endpoint["response"];
            let status = given["status"].as_u64().unwrap_or(200);
            let headers = fields(&given["headers"]);
            match given["chunks"].as_array() {
                Some(chunks) => chunked(status, headers, chunks, &fields(&given["trailers"])),
                None => {
                    let body = given["body"].as_str().or(given.as_str()).unwrap_or_default();
                    response(method, status, &headers, body.as_bytes())
                }
            }
        }
    }
}

/// The request as headers.
fn echoed(request: &Message, method: &str, path: &str) -> Fields {
    let line = [("x-request-method", method), ("x-request-path", path)];
    let line = line.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let prefixed = |prefix: &'static str, fields: &Fields| {
        let fields: Vec<_> =
            fields.iter().map(|(name, value)| (format!("{prefix}{name}"), value.clone())).collect();
        fields
    };
    let headers = prefixed("x-echo-", &request.headers);
    line.into_iter().chain(headers).chain(prefixed("x-trailer-", &request.trailers)).collect()
}

fn response(method: &str, status: u64, headers: &Fields, body: &[u8]) -> Vec<u8> {
    let mut bytes = head(status, headers);
    bytes.extend_from_slice(format!("content-length: {}\r\n\r\n", body.len()).as_bytes());
    if method != "HEAD" {
        bytes.extend_from_slice(body);
    }
    bytes
}

fn chunked(status: u64, headers: Fields, chunks: &[Value], trailers: &Fields) -> Vec<u8> {
    let mut bytes = head(status, &headers);
    let names: Vec<_> = trailers.iter().map(|(name, _)| name.as_str()).collect();
    if !names.is_empty() {
        bytes.extend_from_slice(format!("trailer: {}\r\n", names.join(", ")).as_bytes());
    }
    bytes.extend_from_slice(b"transfer-encoding: chunked\r\n\r\n");
    for chunk in chunks.iter().filter_map(Value::as_str) {
        bytes.extend_from_slice(format!("{:x}\r\n{chunk}\r\n", chunk.len()).as_bytes());
    }
    bytes.extend_from_slice(b"0\r\n");
    bytes.extend_from_slice(lines(trailers).as_bytes());
    bytes.extend_from_slice(b"\r\n");
    bytes
}

/// All but the empty line at its end. No connection is used again.
fn head(status: u64, headers: &Fields) -> Vec<u8> {
    format!("HTTP/1.1 {status} as told\r\nconnection: close\r\n{}", lines(headers)).into_bytes()
}

fn lines(fields: &Fields) -> String {
    fields.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect()
}

/// An object of JSON with texts in it.
pub(super) fn fields(value: &Value) -> Fields {
    let fields = value.as_object().into_iter().flatten();
    let text = |(name, value): (&String, &Value)| Some((name.to_lowercase(), value.as_str()?.to_owned()));
    fields.filter_map(text).collect()
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use serde_json::json;

    use super::*;

    fn ask(endpoints: Value, request: &str) -> Message {
        let address = start(Some(endpoints.as_array().unwrap().clone())).unwrap();
        let mut connection = TcpStream::connect(address).unwrap();
        connection.write_all(request.as_bytes()).unwrap();
        let mut bytes = Vec::new();
        connection.read_to_end(&mut bytes).unwrap();
        Message::read(&mut &bytes[..]).unwrap()
    }

    #[test]
    fn an_endpoint_answers_as_it_is_told() {
        let endpoints =
            json!([{ "method": "GET", "path": "/a?b", "response": { "status": 418, "body": "tea" } }]);
        let response = ask(endpoints.clone(), "GET /a?b HTTP/1.1\r\nhost: x\r\n\r\n");
        assert_eq!((response.first.as_str(), &response.body[..]), ("HTTP/1.1 418 as told", &b"tea"[..]));
        assert!(ask(endpoints, "GET /a HTTP/1.1\r\nhost: x\r\n\r\n").first.contains(" 404 "));
    }

    #[test]
    fn chunks_and_trailers_go_both_ways() {
        let request = "POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\nx-sum: 1\r\n\r\n";
        let echo = |mode: &str| ask(json!([{ "method": "POST", "mode": mode }]), request);
        assert_eq!(echo("echo-body").body, b"hello");
        let echoed = echo("echo-headers");
        assert_eq!(echoed.header("x-trailer-x-sum"), Some("1"));
        assert_eq!(echoed.header("x-echo-transfer-encoding"), Some("chunked"));
        assert_eq!(echoed.header("x-request-method"), Some("POST"));
        let endpoint = json!([{ "response": { "chunks": ["a", "bc"], "trailers": { "X-Sum": "2" } } }]);
        let response = ask(endpoint, "GET / HTTP/1.1\r\n\r\n");
        assert_eq!(response.body, b"abc");
        assert_eq!(response.trailers, [("x-sum".to_owned(), "2".to_owned())]);
    }

    #[test]
    fn without_endpoints_nobody_listens() {
        assert!(TcpStream::connect(start(None).unwrap()).is_err());
    }
}
