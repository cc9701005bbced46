//! The bounds of a guest's requests, and whom its TLS trusts.

use std::fmt;
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use tokio_rustls::rustls::client::Resumption;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::{ClientConfig, RootCertStore};

/// How a guest's requests are sent: what is a matter of the host, and no grant. Given by
/// [`WasiOptions::http`](crate::WasiOptions::http).
#[derive(Clone)]
#[must_use]
pub struct HttpOptions {
    pub(super) max_requests: usize,
    pub(super) max_wait: Duration,
    pub(super) max_header_size: usize,
    pub(super) tls: Option<Arc<ClientConfig>>,
}

/// The public authorities as Mozilla lists them. One for all, because making it takes a while; nothing of one guest's
/// sessions is kept in it for another's.
static PUBLIC_ROOTS: LazyLock<Arc<ClientConfig>> = LazyLock::new(|| {
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.into() };
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .expect("the provider has ciphers for TLS 1.2 and 1.3");
    let mut config = config.with_root_certificates(roots).with_no_client_auth();
    config.resumption = Resumption::disabled();
    Arc::new(config)
});

impl HttpOptions {
    /// How many requests may be under way unless [told otherwise](HttpOptions::max_requests).
    pub const DEFAULT_MAX_REQUESTS: usize = 32;

    /// How long each wait may take unless [told otherwise](HttpOptions::max_wait).
    pub const DEFAULT_MAX_WAIT: Duration = Duration::from_secs(60);

    /// How large headers may be unless [told otherwise](HttpOptions::max_header_size).
    pub const DEFAULT_MAX_HEADER_SIZE: usize = 64 * 1024;

    /// The defaults.
    pub fn new() -> Self {
        Self {
            max_requests: Self::DEFAULT_MAX_REQUESTS,
            max_wait: Self::DEFAULT_MAX_WAIT,
            max_header_size: Self::DEFAULT_MAX_HEADER_SIZE,
            tls: None,
        }
    }

    /// How many requests of the guest may be under way at a time, from when it sends one until it has read or dropped
    /// the response; one more fails. Default: [`DEFAULT_MAX_REQUESTS`](HttpOptions::DEFAULT_MAX_REQUESTS).
    pub fn max_requests(mut self, most: usize) -> Self {
        self.max_requests = most;
        self
    }

    /// The longest that the guest may wait for a connection, then for the beginning of the response, then for each
    /// further part of it. The guest may ask for less, not for more. Default:
    /// [`DEFAULT_MAX_WAIT`](HttpOptions::DEFAULT_MAX_WAIT).
    pub fn max_wait(mut self, longest: Duration) -> Self {
        self.max_wait = longest;
        self
    }

    /// How many bytes the headers of one request, or of one response, may take, roughly as they are kept in memory.
    /// The guest that makes more is stopped; a server that sends more fails the request, though never below 8 KiB.
    /// Default: [`DEFAULT_MAX_HEADER_SIZE`](HttpOptions::DEFAULT_MAX_HEADER_SIZE).
    pub fn max_header_size(mut self, most: usize) -> Self {
        self.max_header_size = most;
        self
    }

    /// How TLS is done, for instance with the root certificates of a company. Default: the authorities that Mozilla
    /// lists, TLS 1.2 and 1.3, no client certificate.
    pub fn tls(mut self, config: Arc<ClientConfig>) -> Self {
        self.tls = Some(config);
        self
    }

    pub(super) fn tls_config(&self) -> Arc<ClientConfig> {
        self.tls.as_ref().unwrap_or_else(|| &PUBLIC_ROOTS).clone()
    }
}

impl Default for HttpOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for HttpOptions {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("HttpOptions")
            .field("max_requests", &self.max_requests)
            .field("max_wait", &self.max_wait)
            .field("max_header_size", &self.max_header_size)
            .finish_non_exhaustive()
    }
}
