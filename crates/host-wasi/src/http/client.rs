//! Sends one request: checked, on a connection of its own, with an end to each wait.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::client::conn::http1;
use hyper::header::{CONNECTION, HOST, HeaderValue};
use hyper::{Method, Request, Response, Uri, Version};
use tokio::time::timeout;
use tokio_rustls::rustls::ClientConfig;
use wasmtime_wasi::runtime::spawn;
use wasmtime_wasi_http::io::TokioIo;
use wasmtime_wasi_http::{Error, RequestOptions, WasiBody};

use super::HttpOptions;
use super::body::TimedBody;
use super::connect::connect;
use super::errors::http_error;
use super::hooks::Rest;
use crate::network::{NetworkPolicy, Slot, Target};

/// The least that hyper takes for the size of its buffer, in bytes.
const LEAST_BUFFER: usize = 8192;

pub(super) struct Client {
    policy: Arc<NetworkPolicy>,
    tls: Arc<ClientConfig>,
    header_size: usize,
    connect_wait: Duration,
    first_byte_wait: Duration,
    between_bytes_wait: Duration,
}

impl Client {
    pub(super) fn new(host: &HttpOptions, guest: RequestOptions, policy: Arc<NetworkPolicy>) -> Self {
        let bounded = |asked: Option<Duration>| asked.map_or(host.max_wait, |asked| asked.min(host.max_wait));
        Self {
            policy,
            tls: host.tls_config(),
            header_size: host.max_header_size,
            connect_wait: bounded(guest.connect_timeout),
            first_byte_wait: bounded(guest.first_byte_timeout),
            between_bytes_wait: bounded(guest.between_bytes_timeout),
        }
    }

    /// Sends the request and waits for the head of the response. The slot is held for as long as
    /// the response is.
    pub(super) async fn send(
        self,
        request: Request<WasiBody>,
        slot: Slot,
    ) -> Result<(Response<WasiBody>, Rest), Error> {
        // A tunnel would lead to where nobody checks.
        if request.method() == Method::CONNECT {
            return Err(Error::HttpRequestMethodInvalid);
        }
        let target = Target::new(&request.uri().to_string()).ok_or(Error::HttpRequestUriInvalid)?;
        if !self.policy.allows_request(&target) {
            return Err(Error::HttpRequestDenied);
        }
        let request = addressed(request, &target)?;
        let connecting = connect(self.policy.clone(), &target, self.tls.clone());
        let stream = within(self.connect_wait, connecting, Error::ConnectionTimeout).await??;
        let mut builder = http1::Builder::new();
        builder.max_header_size(self.header_size).max_buf_size(self.header_size.max(LEAST_BUFFER));
        let (mut sender, connection) = builder.handshake(TokioIo::new(stream)).await.map_err(http_error)?;
        let connection = spawn(connection);
        let sending = sender.send_request(request);
        let response = within(self.first_byte_wait, sending, Error::ConnectionReadTimeout).await?;
        let response = response.map_err(http_error)?;
        let response =
            response.map(|body| TimedBody::new(body, self.between_bytes_wait, slot).boxed_unsync());
        let rest = async move { Ok(connection.await?) };
        Ok((response, Box::new(rest)))
    }
}

async fn within<F: Future>(longest: Duration, future: F, late: Error) -> Result<F::Output, Error> {
    timeout(longest, future).await.map_err(|_| late)
}

/// The request as a server of its own host expects it: a path in its first line, and the host in the header.
fn addressed(mut request: Request<WasiBody>, target: &Target) -> Result<Request<WasiBody>, Error> {
    let uri = Uri::try_from(target.path_and_query()).map_err(|_| Error::HttpRequestUriInvalid)?;
    let host = HeaderValue::try_from(target.authority()).map_err(|_| Error::HttpRequestUriInvalid)?;
    *request.uri_mut() = uri;
    *request.version_mut() = Version::HTTP_11;
    request.headers_mut().insert(HOST, host);
    // A server that takes the rest of a body for a further request, which nobody has checked, does not answer it.
    request.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    Ok(request)
}
