//! The tests of the WASI suite that do not pass, each with the reason.

/// A test that does not pass here.
#[derive(Debug)]
pub(super) struct Listed {
    /// The part of the suite that it belongs to, such as `rust p3`.
    pub(super) part: &'static str,
    pub(super) test: &'static str,
    pub(super) reason: &'static str,
    /// What the `wasmtime` command, version 48, makes of it with everything allowed; for `wasi:http` as its source says.
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

/// A test that Wasmtime's own `wasi:http` fails, which is the one that is served here.
const fn http(test: &'static str, reason: &'static str) -> Listed {
    Listed { part: "rust p3", test, reason, raw: Raw::Fails }
}

/// A test in which the guest itself waits for connections or datagrams.
const fn listens(test: &'static str) -> Listed {
    let reason = "no grant lets a guest take an address of the host and wait there";
    Listed { part: "rust p3", test, reason, raw: Raw::Passes }
}

pub(super) const LISTED: &[Listed] = &[
    http(
        "http-client-sent",
        "the guest is not told that a request was never sent, only that there is no response",
    ),
    http("http-request", "a path that does not begin with a slash is refused: it could name another host"),
    listens("sockets-echo"),
    listens("sockets-tcp-bind"),
    listens("sockets-tcp-connect"),
    listens("sockets-tcp-listen"),
    listens("sockets-tcp-receive"),
    listens("sockets-tcp-send"),
    listens("sockets-udp-bind"),
    listens("sockets-udp-connect"),
    listens("sockets-udp-receive"),
];
