//! The tests of the WASI suite that do not pass, each with the reason.

/// A test that does not pass here.
#[derive(Debug)]
pub(super) struct Listed {
    /// The part of the suite that it belongs to, such as `rust p3`.
    pub(super) part: &'static str,
    pub(super) test: &'static str,
    pub(super) reason: &'static str,
    /// What the `wasmtime` command, version 48, makes of it with everything allowed.
    pub(super) raw: Raw,
}

/// What Wasmtime's own command makes of a test.
#[derive(Clone, Copy, Debug)]
pub(super) enum Raw {
    Passes,
    Fails,
}

impl Raw {
    pub(super) fn text(self) -> &'static str {
        match self {
            Raw::Passes => "passes",
            Raw::Fails => "fails",
        }
    }
}

impl Listed {
    pub(super) fn names(&self, part: &str, test: &str) -> bool {
        self.part == part && self.test == test
    }
}

pub(super) const LISTED: &[Listed] = &[];
