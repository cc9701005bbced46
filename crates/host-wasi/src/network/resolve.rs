//! Who finds the addresses of a name? The system, unless the program brings its own.

use std::future::Future;
use std::io;
use std::net::{IpAddr, ToSocketAddrs};
use std::pin::Pin;
use std::sync::LazyLock;

use wasmtime_wasi::runtime::spawn_blocking;

use super::Slots;

/// How many look-ups the system may be at for all guests together. Each takes a thread until the system gives it up,
/// even if the guest that wanted it is gone; Tokio has 512 of them, which guests need for their files, too.
const MOST_AT_ONCE: usize = 128;

static AT_ONCE: LazyLock<Slots> = LazyLock::new(|| Slots::new(MOST_AT_ONCE));

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
            let slot = AT_ONCE.take().ok_or(io::ErrorKind::ResourceBusy)?;
            let look_up = move || {
                let _slot = slot;
                (name.as_str(), 0).to_socket_addrs()
            };
            Ok(spawn_blocking(look_up).await?.map(|address| address.ip()).collect())
        })
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::iter::from_fn;

    use super::{AT_ONCE, MOST_AT_ONCE, Resolve, SystemResolver};

    #[tokio::test]
    async fn the_system_looks_up_only_so_many_names_at_once() {
        let taken: Vec<_> = from_fn(|| AT_ONCE.take()).collect();
        assert_eq!(taken.len(), MOST_AT_ONCE);
        let one_more = SystemResolver.resolve("localhost").await;
        assert_eq!(one_more.unwrap_err().kind(), io::ErrorKind::ResourceBusy);
        drop(taken);
        SystemResolver.resolve("localhost").await.unwrap();
        let taken: Vec<_> = from_fn(|| AT_ONCE.take()).collect();
        assert_eq!(taken.len(), MOST_AT_ONCE);
    }
}
