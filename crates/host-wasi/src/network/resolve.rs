//! Who finds the addresses of a name? The system, unless the program brings its own.

use std::future::Future;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::pin::Pin;

use wasmtime_wasi::runtime::spawn_blocking;

/// A look-up under way.
pub type Resolving = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Finds the addresses of names for guests: a cache, a name server of one's own, a table for a test. Given by
/// [`WasiOptions::resolver`](crate::WasiOptions::resolver).
///
/// It is asked only for names that the grants allow, in small ASCII letters and without a dot at the end; what it
/// answers is checked like any address. It need not be right, but it should come to an end: at most
/// [`MAX_LOOK_UPS`](crate::Wasi::MAX_LOOK_UPS) of one guest are under way at a time.
pub trait Resolve: Send + Sync {
    /// Starts to look up `name`. The future is polled in a Tokio runtime.
    fn resolve(&self, name: &str) -> Resolving;
}

/// The operating system, as every program asks it.
#[derive(Debug)]
pub(crate) struct SystemResolver;

impl Resolve for SystemResolver {
    fn resolve(&self, name: &str) -> Resolving {
        let name = name.to_owned();
        Box::pin(async move {
            let look_up = move || (name.as_str(), 0).to_socket_addrs();
            Ok(spawn_blocking(look_up).await?.map(|address| address.ip()).collect())
        })
    }
}
