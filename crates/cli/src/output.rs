//! What is written to standard output and standard error, and how names and numbers are written there.

use std::io::{self, ErrorKind, Write, stderr, stdout};
use std::time::Duration;

use anyhow::{Context, Result};
use host_plugins::host_limits::Bytes;

/// One of our standard streams.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Stream {
    Stdout,
    Stderr,
}

/// Writes a line to standard error.
pub(crate) fn tell(line: &str) {
    write(Stream::Stderr, format!("{line}\n").as_bytes());
}

/// Writes a warning to standard error.
pub(crate) fn warn(text: &str) {
    tell(&format!("wasm-host: warning: {text}"));
}

/// Writes what a program has said. Where nobody listens, nothing is lost.
pub(crate) fn write(stream: Stream, bytes: &[u8]) {
    let _ = match stream {
        Stream::Stdout => all(stdout().lock(), bytes),
        Stream::Stderr => all(stderr().lock(), bytes),
    };
}

/// Writes a result to standard output.
///
/// # Errors
///
/// It cannot be written. That the reader has seen enough is no error.
pub(crate) fn print(text: &str) -> Result<()> {
    match all(stdout().lock(), text.as_bytes()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => {
            Err(error).context("cannot write to standard output")
        }
        _ => Ok(()),
    }
}

/// Text from a program, in which nothing can move the cursor, colour the terminal, or pass for a line of ours.
pub(crate) fn printable(text: &str) -> String {
    let mut printable = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() {
            printable.extend(character.escape_default());
        } else {
            printable.push(character);
        }
    }
    printable
}

/// JSON in which nothing can control the terminal either: it leaves some control characters as they are, which stand in
/// strings alone.
pub(crate) fn printable_json(json: &str) -> String {
    let mut printable = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '\u{7f}'..='\u{9f}' => printable.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => printable.push(character),
        }
    }
    printable
}

/// A size for people: `1.5 MiB`.
pub(crate) fn size(bytes: Bytes) -> String {
    let bytes = bytes.get();
    let (unit, length) = match bytes {
        0..1024 => return format!("{bytes} B"),
        1024..1_048_576 => ("KiB", 1024),
        1_048_576..1_073_741_824 => ("MiB", 1 << 20),
        _ => ("GiB", 1 << 30),
    };
    let tenths = u128::from(bytes) * 10 / length;
    format!("{}.{} {unit}", tenths / 10, tenths % 10)
}

/// A time for people: `1.25 s`, `3.4 ms`.
pub(crate) fn time(time: Duration) -> String {
    if time < Duration::from_secs(1) {
        format!("{:.1} ms", time.as_secs_f64() * 1000.0)
    } else {
        format!("{:.2} s", time.as_secs_f64())
    }
}

fn all(mut stream: impl Write, bytes: &[u8]) -> io::Result<()> {
    stream.write_all(bytes)?;
    stream.flush()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_for_people() {
        for (bytes, text) in
            [(0, "0 B"), (1023, "1023 B"), (1024, "1.0 KiB"), (1_114_112, "1.0 MiB"), (5 << 30, "5.0 GiB")]
        {
            assert_eq!(size(Bytes::new(bytes)), text);
        }
        assert_eq!(size(Bytes::new(u64::MAX)), "17179869183.9 GiB");
    }

    #[test]
    fn a_guests_names_cannot_control_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\nwasm-host: ü"), "a\\u{1b}[2Jb\\nwasm-host: ü");
        let json = serde_json::json!({ "a": "\u{1b}\u{9b}2J\u{7f}ü" });
        let printed = printable_json(&json.to_string());
        assert_eq!(printed, r#"{"a":"\u001b\u009b2J\u007fü"}"#);
        assert_eq!(serde_json::from_str::<serde_json::Value>(&printed).unwrap(), json);
    }
}
