//! The tests of the WASI suite that do not pass, each with the reason.

/// A test that does not pass here.
#[derive(Debug)]
pub(super) struct Listed {
    /// The part of the suite that it belongs to, such as `rust p3`.
    pub(super) part: &'static str,
    pub(super) test: &'static str,
    pub(super) reason: &'static str,
    /// What the `wasmtime` command, version 48, makes of it with everything allowed; for `wasi:http` as the suite's own list of what
    /// Wasmtime fails has it.
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

/// A test that needs `wasi:http` of version 0.3.
const fn http(test: &'static str, raw: Raw) -> Listed {
    Listed { part: "rust p3", test, reason: "wasi:http is served in version 0.2 only", raw }
}

/// A test in which the guest itself waits for connections or datagrams.
const fn listens(test: &'static str) -> Listed {
    let reason = "no grant lets a guest take an address of the host and wait there";
    Listed { part: "rust p3", test, reason, raw: Raw::Passes }
}

pub(super) const LISTED: &[Listed] = &[
    http("http-client", Raw::Passes),
    http("http-client-chunked", Raw::Passes),
    http("http-client-headers", Raw::Passes),
    http("http-client-method", Raw::Passes),
    http("http-client-path", Raw::Passes),
    http("http-client-path-none", Raw::Fails),
    http("http-client-send-errors", Raw::Passes),
    http("http-client-sent", Raw::Fails),
    http("http-client-status", Raw::Passes),
    http("http-client-trailer-error", Raw::Passes),
    http("http-client-trailers", Raw::Passes),
    http("http-fields", Raw::Passes),
    http("http-request", Raw::Passes),
    http("http-request-options", Raw::Passes),
    http("http-response", Raw::Passes),
    http("http-service", Raw::Passes),
    http("http-service-echo", Raw::Passes),
    http("http-service-uri", Raw::Fails),
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
