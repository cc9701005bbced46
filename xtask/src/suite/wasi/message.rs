//! As much of HTTP/1.1 as the suite needs: one message each way over a connection.

use std::io::{self, BufRead, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use super::case::Request;

/// Headers or trailers, in the order in which they come; names are in small letters.
pub(super) type Fields = Vec<(String, String)>;

/// A request or a response, without its framing.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Message {
    /// The first line.
    pub(super) first: String,
    pub(super) headers: Fields,
    pub(super) body: Vec<u8>,
    pub(super) trailers: Fields,
}

impl Message {
    pub(super) fn read(from: &mut impl BufRead) -> io::Result<Message> {
        let mut message = Message { first: line(from)?, headers: fields(from)?, ..Message::default() };
        if message.header("transfer-encoding").is_some_and(|coding| coding == "chunked") {
            while let length @ 1.. = chunk_length(&line(from)?)? {
                from.take(length).read_to_end(&mut message.body)?;
                line(from)?;
            }
            message.trailers = fields(from)?;
        } else if let Some(length) = message.header("content-length") {
            let length = length.parse().map_err(|_| io::ErrorKind::InvalidData)?;
            from.take(length).read_to_end(&mut message.body)?;
        } else if message.first.starts_with("HTTP/") {
            from.read_to_end(&mut message.body)?;
        }
        Ok(message)
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

fn chunk_length(line: &str) -> io::Result<u64> {
    let length = line.split(';').next().unwrap_or_default().trim();
    u64::from_str_radix(length, 16).map_err(|_| io::ErrorKind::InvalidData.into())
}

/// The next line, without its end. The end of the connection is an error here.
fn line(from: &mut impl BufRead) -> io::Result<String> {
    let mut line = String::new();
    match from.read_line(&mut line)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        _ => Ok(line.trim_end().to_owned()),
    }
}

/// The fields up to an empty line.
fn fields(from: &mut impl BufRead) -> io::Result<Fields> {
    let mut fields = Fields::new();
    loop {
        let line = line(from)?;
        match line.split_once(':') {
            Some((name, value)) => fields.push((name.trim().to_lowercase(), value.trim().to_owned())),
            None => return Ok(fields),
        }
    }
}

/// Sends `request` to the server at `address`. An error says what of its response is not as expected.
pub(super) fn exchange(address: SocketAddr, request: &Request, patience: Duration) -> Result<(), String> {
    let Request { method, path, headers, body, .. } = request;
    let mut text = format!("{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    text.push_str(&format!("content-length: {}\r\n\r\n{body}", body.len()));
    let response = || -> io::Result<Message> {
        let mut connection = TcpStream::connect_timeout(&address, patience)?;
        connection.set_read_timeout(Some(patience))?;
        connection.write_all(text.as_bytes())?;
        Message::read(&mut BufReader::new(connection))
    };
    let response = response().map_err(|error| format!("no response to {method} {path}: {error}"))?;
    let about = |what: &str| format!("{method} {path} is answered {response:?}, expected is {what}");
    let status = request.expected.status;
    if response.first.split(' ').nth(1) != Some(&status.to_string()) {
        return Err(about(&format!("the status {status}")));
    }
    for (name, value) in &request.expected.headers {
        if response.header(name) != Some(value) {
            return Err(about(&format!("the header {name}: {value}")));
        }
    }
    match response.body == request.expected.body.as_bytes() {
        true => Ok(()),
        false => Err(about(&format!("the body {:?}", request.expected.body))),
    }
}
