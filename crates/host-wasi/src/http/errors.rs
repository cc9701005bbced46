//! What went wrong, as `wasi:http` says it.

use std::error::Error as _;
use std::io;

use tokio_rustls::rustls;
use wasmtime_wasi_http::Error;

use crate::network::LookUpError;

pub(super) fn look_up_error(error: LookUpError) -> Error {
    match error {
        LookUpError::Denied => Error::HttpRequestDenied,
        LookUpError::NotAName => Error::HttpRequestUriInvalid,
        LookUpError::TooMany => Error::ConnectionLimitReached,
        LookUpError::Failed => Error::DnsError { rcode: None, info_code: None },
    }
}

pub(super) fn connect_error(error: io::Error) -> Error {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => Error::ConnectionRefused,
        io::ErrorKind::TimedOut => Error::ConnectionTimeout,
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => Error::ConnectionTerminated,
        _ => Error::DestinationUnavailable,
    }
}

pub(super) fn tls_error(error: io::Error) -> Error {
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

pub(super) fn http_error(error: hyper::Error) -> Error {
    let cut_off = error
        .source()
        .and_then(|cause| cause.downcast_ref::<io::Error>())
        .is_some_and(|cause| cause.kind() == io::ErrorKind::UnexpectedEof);
    if error.is_parse_too_large() {
        Error::HttpResponseHeaderSectionSize(None)
    } else if cut_off || error.is_incomplete_message() {
        Error::HttpResponseIncomplete
    } else {
        Error::Hyper(error)
    }
}
