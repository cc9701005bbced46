//! Cuts what a guest prints into lines, for a callback of the host.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::str;
use std::sync::Arc;

use crate::OutputStream;

/// The shortest bound of a line, in bytes: any character fits in it.
pub(crate) const SHORTEST_BOUND: u64 = 4;

/// A line that a guest printed, or a piece of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Line<'a> {
    /// Where the guest printed it.
    pub stream: OutputStream,
    /// The text, without the newline (or carriage return and newline) at its end. Bytes that are not UTF-8 are
    /// replaced by `U+FFFD`; other control characters are as the guest wrote them.
    pub text: &'a str,
    /// Whether the line was too long and goes on in the next piece.
    pub cut: bool,
}

/// The host's callback panicked when it was given a line. The guest is stopped, with this as the error of the call, and the
/// callback gets no further line of this stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the host's callback for lines panicked at one from {stream}")]
#[non_exhaustive]
pub struct OnLinePanicked {
    /// Where the line came from.
    pub stream: OutputStream,
}

/// A callback of the host, shared by all stores that are opened with the same options.
#[derive(Clone)]
pub(crate) struct OnLine(Arc<dyn Fn(Line<'_>) + Send + Sync>);

impl OnLine {
    pub(crate) fn new(callback: impl Fn(Line<'_>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(callback))
    }
}

impl fmt::Debug for OnLine {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("OnLine(..)")
    }
}

/// What is printed to one stream, with the beginning of a line that has not ended yet.
pub(crate) struct Lines {
    stream: OutputStream,
    longest: usize,
    on_line: OnLine,
    begun: Vec<u8>,
    panicked: bool,
}

impl Lines {
    pub(crate) fn new(stream: OutputStream, longest: u64, on_line: OnLine) -> Self {
        let longest = usize::try_from(longest.max(SHORTEST_BOUND)).unwrap_or(usize::MAX);
        Self { stream, longest, on_line, begun: Vec::new(), panicked: false }
    }

    pub(crate) fn take(&mut self, bytes: &[u8]) -> Result<(), OnLinePanicked> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            match piece.strip_suffix(b"\n") {
                Some(end) => {
                    self.extend(end)?;
                    let line = std::mem::take(&mut self.begun);
                    self.give(line.strip_suffix(b"\r").unwrap_or(&line), false)?;
                }
                None => self.extend(piece)?,
            }
        }
        Ok(())
    }

    /// Gives the last line, if no newline ended it.
    pub(crate) fn finish(&mut self) {
        let line = std::mem::take(&mut self.begun);
        if !line.is_empty() {
            // There is no guest any more that could be stopped.
            let _ = self.give(&line, false);
        }
    }

    /// Goes on with the line, which ends not yet.
    fn extend(&mut self, mut bytes: &[u8]) -> Result<(), OnLinePanicked> {
        while !bytes.is_empty() {
            if self.begun.len() == self.longest {
                let piece = std::mem::take(&mut self.begun);
                let (piece, rest) = piece.split_at(whole_characters(&piece));
                self.begun.extend_from_slice(rest);
                self.give(piece, true)?;
            }
            let (now, later) = bytes.split_at(bytes.len().min(self.longest - self.begun.len()));
            self.begun.extend_from_slice(now);
            bytes = later;
        }
        Ok(())
    }

    fn give(&mut self, text: &[u8], cut: bool) -> Result<(), OnLinePanicked> {
        let panicked = OnLinePanicked { stream: self.stream };
        if self.panicked {
            return Err(panicked);
        }
        let text = String::from_utf8_lossy(text);
        let line = Line { stream: self.stream, text: &text, cut };
        // What the callback left half done is its own affair; this store is stopped, and no other is touched.
        catch_unwind(AssertUnwindSafe(|| (self.on_line.0)(line))).map_err(|_| {
            self.panicked = true;
            panicked
        })
    }
}

impl Drop for Lines {
    fn drop(&mut self) {
        self.finish();
    }
}

/// How much of `bytes` comes before a character that has begun at the end and is not complete.
fn whole_characters(bytes: &[u8]) -> usize {
    for back in 1..=3.min(bytes.len()) {
        let start = bytes.len() - back;
        if bytes[start] >= 0xc0 {
            let incomplete =
                matches!(str::from_utf8(&bytes[start..]), Err(error) if error.error_len().is_none());
            return if incomplete { start } else { bytes.len() };
        }
    }
    bytes.len()
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::{Lines, OnLine};
    use crate::OutputStream;

    /// The lines that come of `writes`, a piece of a longer one with a `+` after it.
    fn lines(longest: u64, writes: &[&[u8]]) -> Vec<String> {
        let seen = Arc::new(Mutex::new(Vec::new()));
        let keep = Arc::clone(&seen);
        let on_line = OnLine::new(move |line| {
            keep.lock().unwrap().push(format!("{}{}", line.text, if line.cut { "+" } else { "" }));
        });
        let mut lines = Lines::new(OutputStream::Stdout, longest, on_line);
        for bytes in writes {
            lines.take(bytes).unwrap();
        }
        drop(lines);
        seen.lock().unwrap().clone()
    }

    #[test]
    fn writes_are_cut_into_lines() {
        assert_eq!(lines(99, &[b"a\nb\n"]), ["a", "b"]);
        assert_eq!(lines(99, &[b"a", b"b", b"\n", b"\n"]), ["ab", ""]);
        assert_eq!(lines(99, &[b"a\r\nb\rc\n\r\n"]), ["a", "b\rc", ""]);
        assert_eq!(lines(99, &[b"a\nend"]), ["a", "end"]);
        assert!(lines(99, &[b""]).is_empty());
    }

    #[test]
    fn a_long_line_comes_in_pieces_of_whole_characters() {
        assert_eq!(lines(4, &[b"abcd\n"]), ["abcd"]);
        assert_eq!(lines(4, &[b"abcde\n"]), ["abcd+", "e"]);
        assert_eq!(lines(4, &[b"ab", b"cdefgh", b"i"]), ["abcd+", "efgh+", "i"]);
        assert_eq!(lines(4, &["abcé\n".as_bytes()]), ["abc+", "é"]);
        assert_eq!(lines(4, &["a🦀🦀".as_bytes()]), ["a+", "🦀+", "🦀"]);
        assert_eq!(lines(4, &["éé\n".as_bytes()]), ["éé"]);
    }

    #[test]
    fn what_is_not_utf_8_is_replaced() {
        assert_eq!(lines(99, &[b"a\xffb\n\xc3"]), ["a\u{fffd}b", "\u{fffd}"]);
        assert_eq!(lines(4, &[b"\xff\xff\xff\xff\xff"]), ["\u{fffd}\u{fffd}\u{fffd}\u{fffd}+", "\u{fffd}"]);
        assert_eq!(lines(4, &[b"\x80\x80\x80\x80\x80"]).len(), 2);
    }
}
