//! What did a guest print, and ask for in vain, in one call? For stores that serve several calls.

use crate::bounded::Bounded;
use crate::{Denial, OutputRefused, QuotaRefused, Wasi};

/// What a guest printed, and what it asked for in vain, since its store was made or
/// [`Wasi::take_recorded`] was called last.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Recorded {
    /// Standard output, if that is [captured](crate::Output::Capture); else nothing.
    pub stdout: Vec<u8>,
    /// Standard error, if that is [captured](crate::Output::Capture); else nothing.
    pub stderr: Vec<u8>,
    /// As told by [`Wasi::output_refused`].
    pub output_refused: Option<OutputRefused>,
    /// As told by [`Wasi::quota_refused`].
    pub quota_refused: Option<QuotaRefused>,
    /// As told by [`Wasi::denials`].
    pub denials: Vec<Denial>,
    /// As told by [`Wasi::denials_dropped`].
    pub denials_dropped: u64,
}

impl Wasi {
    /// Ends one call and begins the next in the same store: hands out what is recorded, without a copy, and starts anew
    /// with nothing.
    ///
    /// The next call may print as much as the first:
    ///
    /// * an output that is [captured](crate::Output::Capture) takes its whole size again;
    /// * an output by [lines](crate::Output::Lines) takes all its bytes again. A last line that no newline ended is given to
    ///   the callback now;
    /// * an output [to a file](crate::Output::File) goes on where it is: its size is that of the file, for all calls
    ///   together;
    /// * writes that are refused, because an output or a quota is full, are counted from none, and told again. What lies in
    ///   a directory with a quota stays and counts.
    ///
    /// What the guest has open stays open, and goes on counting: files, sockets, streams, listings. So do its clocks, its
    /// random numbers, the addresses it has looked up, and what it has not yet read of standard input. Nothing is allocated
    /// if nothing was recorded.
    ///
    /// ```
    /// use host_wasi::{Grants, Output, Wasi};
    ///
    /// let mut wasi = Wasi::new(&Grants::default().stdout(Output::Capture(4096)))?;
    /// // … a call …
    /// let recorded = wasi.take_recorded();
    /// assert!(recorded.stdout.is_empty() && recorded.output_refused.is_none());
    /// // … the next call …
    /// # Ok::<(), host_wasi::GrantError>(())
    /// ```
    pub fn take_recorded(&mut self) -> Recorded {
        let (stdout, stdout_refused) = self.stdout.as_ref().map(Bounded::begin_again).unwrap_or_default();
        let (stderr, stderr_refused) = self.stderr.as_ref().map(Bounded::begin_again).unwrap_or_default();
        let (denials, denials_dropped) = self.denials.take();
        let output_refused = stdout_refused.or(stderr_refused);
        let quota_refused = self.guarded.guard.take_refused();
        Recorded { stdout, stderr, output_refused, quota_refused, denials, denials_dropped }
    }
}
