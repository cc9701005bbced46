//! Outgoing `wasi:http` by TLS: whom the host trusts, and that the certificate is that of the URL's host.

use std::io::{self, Write as _};
use std::net::TcpStream;
use std::sync::Arc;

use crate::http_certificate::self_signed;
use crate::http_server::{Server, ask_with};
use host_wasi::http::HttpOptions;
use host_wasi::http::rustls::crypto::ring;
use host_wasi::http::rustls::{ClientConfig, RootCertStore, ServerConfig, ServerConnection, StreamOwned};

/// A server whose certificate it signed itself, for these names, and options that trust it.
fn server(names: &[&str]) -> (Server, HttpOptions) {
    let (certificate, key) = self_signed(names);
    let provider = Arc::new(ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
    let config = config.unwrap().with_no_client_auth().with_single_cert(vec![certificate.clone()], key);
    let config = Arc::new(config.unwrap());
    let wrap = move |stream: TcpStream| {
        Some(StreamOwned::new(ServerConnection::new(config.clone()).unwrap(), stream))
    };

    let mut roots = RootCertStore::empty();
    roots.add(certificate).unwrap();
    let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let client = client.unwrap().with_root_certificates(roots).with_no_client_auth();
    (Server::with(wrap), HttpOptions::new().tls(Arc::new(client)))
}

fn get(server: &Server, options: HttpOptions, host: &str) -> String {
    let port = server.address.port();
    let url = format!("https://{host}:{port}/head");
    let rules = [format!("https://{host}:{port}/*"), format!("tcp://{}", server.address)];
    let rules: Vec<_> = rules.iter().map(String::as_str).collect();
    let ended = ask_with(&rules, &["127.0.0.1"], options, &[&format!("--get={url}")]);
    ended.stdout().trim_end().strip_prefix(&format!("get {url} ")).unwrap().to_owned()
}

#[test]
fn a_server_with_a_root_of_the_hosts_choice_is_asked() {
    let (server, options) = server(&["a.org", "127.0.0.1"]);
    let port = server.address.port();
    for host in ["a.org", "127.0.0.1"] {
        let answer = get(&server, options.clone(), host);
        assert!(answer.starts_with("200 GET /head HTTP/1.1"), "{answer}");
        assert!(answer.contains(&format!("|host: {host}:{port}")), "{answer}");
    }
}

#[test]
fn a_server_that_nobody_vouches_for_is_not_asked() {
    let (server, options) = server(&["a.org"]);
    // Public roots know nothing of it.
    assert_eq!(get(&server, HttpOptions::new(), "a.org"), "error TlsCertificateError");
    // It is another's certificate.
    assert_eq!(get(&server, options.clone(), "b.org"), "error TlsCertificateError");
    assert_eq!(get(&server, options, "127.0.0.1"), "error TlsCertificateError");
    assert!(server.requests().is_empty());
}

#[test]
fn a_server_without_tls_is_not_asked() {
    let (_, options) = server(&["a.org"]);
    let plain = Server::with(|mut stream| {
        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").unwrap();
        io::copy(&mut stream, &mut io::sink()).ok();
        None::<TcpStream>
    });
    assert_eq!(get(&plain, options, "a.org"), "error TlsProtocolError");
}
