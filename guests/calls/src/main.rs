//! Makes the WASI calls that its arguments name, one for each, and prints one line for each: what it answered.
//!
//! The calls are those of WASI 0.1, without the standard library's own ideas of paths between guest and host. Linked
//! for WASI 0.2, each becomes the call of 0.2 that answers to it.

mod errno;
mod raw;

use std::env;

use errno::Errno;
use raw::{Guest, ONE_SECOND};

fn main() {
    let mut guest = Guest::default();
    for argument in env::args().skip(1) {
        println!("{}", answer(&mut guest, &argument));
    }
}

/// What a call prints: what it gave, or the name of the error.
fn answer(guest: &mut Guest, call: &str) -> String {
    if let Some(rest) = call.strip_prefix("again:") {
        return again(guest, rest);
    }
    match perform(guest, call) {
        Ok(text) => text,
        Err(errno) => errno.name(),
    }
}

/// `again:N:CALL`: the call N times over; each different answer once, in the order of the alphabet.
fn again(guest: &mut Guest, rest: &str) -> String {
    let (times, call) = rest.split_once(':').expect("again:N:CALL");
    let mut answers = Vec::new();
    for _ in 0..number(times) {
        let answer = answer(guest, call);
        if let Err(place) = answers.binary_search(&answer) {
            answers.insert(place, answer);
        }
    }
    answers.join(" ")
}

/// A PATH is written as the number of the directory's descriptor (`@` for what was opened last), a slash and the path
/// there. Bytes may be written as `%41`.
fn perform(guest: &mut Guest, call: &str) -> Result<String, Errno> {
    let parts: Vec<&str> = call.split(':').collect();
    let done = |()| "ok".to_owned();
    match *parts.as_slice() {
        ["open", flags, path] => guest.open(flags, &at(guest, path)).map(done),
        ["close"] => guest.close().map(done),
        ["read"] => guest.read_at(0).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()),
        // Opened, read and closed: what a program does that wants to know what a file says.
        ["cat", path] => {
            guest.open("r", &at(guest, path))?;
            let bytes = guest.read_at(0);
            guest.close()?;
            bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        }
        // Opened or created, and closed.
        ["touch", path] => {
            guest.open("cw", &at(guest, path))?;
            guest.close().map(done)
        }
        ["write", text] => guest.write(&bytes(text)).map(|count| count.to_string()),
        ["write-at", offset, text] => {
            guest.write_at(number(offset), &bytes(text)).map(|count| count.to_string())
        }
        ["set-size", size] => guest.set_size(number(size)).map(done),
        ["read-at", offset] => guest.read_at(number(offset)).map(|bytes| bytes.len().to_string()),
        ["seek", offset, whence] => {
            guest.seek(number(offset) as i64, number(whence) as u8).map(|place| place.to_string())
        }
        ["advise", offset, length] => guest.advise(number(offset), number(length)).map(done),
        ["allocate", offset, length] => guest.allocate(number(offset), number(length)).map(done),
        ["set-times"] => guest.set_times(ONE_SECOND).map(done),
        ["set-times", nanoseconds] => guest.set_times(number(nanoseconds)).map(done),
        ["set-times-at", path] => guest.set_times_at(true, &at(guest, path)).map(done),
        ["set-link-times", path] => guest.set_times_at(false, &at(guest, path)).map(done),
        ["size"] => guest.stat_open().map(|stat| stat.to_string()),
        ["stat", path] => guest.stat(true, &at(guest, path)).map(|stat| stat.to_string()),
        ["lstat", path] => guest.stat(false, &at(guest, path)).map(|stat| stat.to_string()),
        ["readlink", path] => {
            guest.read_link(&at(guest, path)).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        }
        ["list"] => guest.list().map(|names| names.join(" ")),
        ["mkdir", path] => guest.create_directory(&at(guest, path)).map(done),
        ["rmdir", path] => guest.remove_directory(&at(guest, path)).map(done),
        ["unlink", path] => guest.unlink(&at(guest, path)).map(done),
        ["symlink", text, path] => guest.symlink(&bytes(text), &at(guest, path)).map(done),
        ["rename", from, to] => guest.rename(&at(guest, from), &at(guest, to)).map(done),
        ["link", from, to] => guest.link(false, &at(guest, from), &at(guest, to)).map(done),
        ["link-followed", from, to] => guest.link(true, &at(guest, from), &at(guest, to)).map(done),
        _ => panic!("`{call}` is no call"),
    }
}

/// A path and the descriptor it starts from.
struct At {
    directory: u32,
    path: Vec<u8>,
}

fn at(guest: &Guest, text: &str) -> At {
    let (directory, path) = text.split_once('/').expect("a path is written DIRECTORY/PATH");
    let directory = match directory {
        "@" => guest.last_opened(),
        number => number.parse().expect("the number of a descriptor"),
    };
    At { directory, path: bytes(path) }
}

/// A text, in which `%41` is the byte 0x41.
fn bytes(text: &str) -> Vec<u8> {
    let (first, rest) = text.split_once('%').map_or((text, None), |(first, rest)| (first, Some(rest)));
    let mut bytes = first.as_bytes().to_vec();
    for part in rest.into_iter().flat_map(|rest| rest.split('%')) {
        bytes.push(u8::from_str_radix(&part[..2], 16).expect("two digits after `%`"));
        bytes.extend_from_slice(&part.as_bytes()[2..]);
    }
    bytes
}

fn number(text: &str) -> u64 {
    text.parse().unwrap_or_else(|_| panic!("`{text}` is not a number"))
}
