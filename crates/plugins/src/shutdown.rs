//! How does a host end? It takes no more calls, lets those under way finish for a while, and cancels the rest.

use std::time::{Duration, Instant};

use tokio::time::timeout;

use crate::events::Event;
use crate::host::PluginHost;

/// How long cancelled calls have to notice: all do at their next loop, call or wait, but a host function that blocks its thread.
const GRACE: Duration = Duration::from_secs(5);

/// What became of the calls that were under way when a host was shut down.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Shutdown {
    /// Calls that ended by themselves.
    pub finished: usize,
    /// Calls that had to be cancelled.
    pub cancelled: usize,
    /// Calls that did not end though they were cancelled: a host function of theirs blocks its thread. They end when that returns.
    pub left: usize,
}

impl PluginHost {
    /// Shuts the host down: calls that come from now on, or wait in a queue, are refused with
    /// [`CallError::ShuttingDown`](crate::CallError::ShuttingDown); those under way have as long as `within` says to finish, and are
    /// cancelled then. Afterwards nothing is watched any more, and all plugins and the instances that were kept for the next call are gone.
    ///
    /// The engine's ticker, its one thread, goes with the last clone of the host. To shut a host down again does nothing.
    pub async fn shutdown(&self, within: Duration) -> Shutdown {
        let inner = &self.inner;
        if !inner.begin_closing() {
            return Shutdown::default();
        }
        inner.teller.tell(|| Event::ShuttingDown { within });
        inner.queue.close();
        let at_first = inner.active.len();
        let mut ended = Shutdown::default();
        if timeout(within, inner.active.none()).await.is_err() {
            ended.cancelled = inner.active.cancel_all();
            let until = Instant::now() + GRACE;
            while inner.active.len() > 0 && Instant::now() < until {
                // One that had just got its place is cancelled in the next round.
                let _ = timeout(Duration::from_millis(50), inner.active.none()).await;
                inner.active.cancel_all();
            }
            ended.left = inner.active.len();
        }
        ended.finished = at_first.saturating_sub(ended.cancelled);
        // Only now: a health check that it makes is a call under way.
        self.stop_watching();
        let plugins = std::mem::take(&mut *inner.write());
        for plugin in plugins.values() {
            plugin.now().idle.close();
        }
        ended
    }
}
