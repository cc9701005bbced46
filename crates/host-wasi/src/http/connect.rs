//! A connection to an address that was checked, with TLS if the URL says so.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::rustls::pki_types::ServerName;
use tokio_rustls::rustls::{self, ClientConfig};
use wasmtime_wasi_http::Error;

use crate::network::{LookUpError, NetworkPolicy, Target, TargetHost};

pub(super) trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// Connects to the first address that answers, of those that the policy allows.
pub(super) async fn connect(
    policy: Arc<NetworkPolicy>,
    target: &Target,
    tls: Arc<ClientConfig>,
) -> Result<Box<dyn Stream>, Error> {
    let addresses = policy.addresses(target).await.map_err(look_up_error)?;
    let stream = connect_any(&addresses).await?;
    // Requests are small and wait for an answer.
    stream.set_nodelay(true).map_err(connect_error)?;
    if !target.secure() {
        return Ok(Box::new(stream));
    }
    let name = match target.host() {
        TargetHost::Name(name) => {
            ServerName::try_from(name.clone()).map_err(|_| Error::HttpRequestUriInvalid)?
        }
        TargetHost::Address(address) => ServerName::from(*address),
    };
    let stream = TlsConnector::from(tls).connect(name, stream).await.map_err(tls_error)?;
    Ok(Box::new(stream))
}

async fn connect_any(addresses: &[SocketAddr]) -> Result<TcpStream, Error> {
    // None is left, or every one was refused by the policy.
    let mut last = Error::DestinationIpProhibited;
    for address in addresses {
        match TcpStream::connect(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = connect_error(error),
        }
    }
    Err(last)
}

fn look_up_error(error: LookUpError) -> Error {
    match error {
        LookUpError::Denied => Error::HttpRequestDenied,
        LookUpError::NotAName => Error::HttpRequestUriInvalid,
        LookUpError::TooMany => Error::ConnectionLimitReached,
        LookUpError::Failed => Error::DnsError { rcode: None, info_code: None },
    }
}

fn connect_error(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Error::ConnectionRefused,
        io::ErrorKind::TimedOut => Error::ConnectionTimeout,
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => Error::ConnectionTerminated,
        _ => Error::DestinationUnavailable,
    }
}

fn tls_error(error: io::Error) -> Error {
    let cause = error.get_ref().and_then(|cause| cause.downcast_ref::<rustls::Error>());
    match cause {
        Some(rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented) => {
            Error::TlsCertificateError
        }
        Some(rustls::Error::AlertReceived(alert)) => Error::TlsAlertReceived {
            alert_id: Some((*alert).into()),
            alert_message: Some(format!("{alert:?}")),
        },
        Some(_) => Error::TlsProtocolError,
        None => Error::ConnectionTerminated,
    }
}
