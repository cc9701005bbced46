//! `wasm-host serve`: a component that answers HTTP requests, each in a fresh store.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use host_plugins::host_core::Fault;
use host_plugins::host_limits::{Bytes, Usage};
use host_plugins::http::{Answered, Ended, HttpServer, ServeOptions};
use tokio::net::TcpListener;
use tokio::runtime::Builder;

use crate::exit;
use crate::flags::{GuestFlags, timeout};
use crate::output::{self, printable, size, time};
use crate::session::{self, Session};

/// How long one request may take, unless told otherwise.
const DEADLINE: Duration = Duration::from_secs(30);

/// How much memory one request may take, unless told otherwise.
const MEMORY: Bytes = Bytes::new(256 << 20);

/// Serve HTTP by a component of the world `wasi:http/proxy`, or `wasi:http/service` of WASI 0.3.
///
/// Each request is answered in a fresh store, so limits and grants are for one request. Prints the address, and serves until it is
/// interrupted or terminated; then requests at work may finish.
#[derive(Args)]
pub(crate) struct ServeFlags {
    /// A component that exports `wasi:http/incoming-handler`, or `wasi:http/handler` of WASI 0.3.
    pub(crate) file: PathBuf,
    /// Where to listen; with port 0 the system takes a free one
    #[arg(long, value_name = "IP:PORT", default_value = "127.0.0.1:8080")]
    pub(crate) addr: SocketAddr,
    /// How many requests are at work at a time; one more is answered 503
    #[arg(long, value_name = "COUNT", default_value_t = ServeOptions::DEFAULT_AT_ONCE)]
    pub(crate) at_once: u32,
    /// How long requests at work may go on when the server is to stop [default: 10s]
    #[arg(long, value_name = "TIME", value_parser = timeout)]
    pub(crate) drain: Option<Duration>,
    /// For each request; the default is 30s here, and 256MiB of memory
    #[command(flatten)]
    pub(crate) guest: GuestFlags,
}

/// Serves until it is told to stop.
pub(crate) fn serve(flags: &ServeFlags) -> Result<i32> {
    let session = Session::serving(&flags.file, &flags.guest)?;
    session.check_grants()?;
    let Session { mut policy, runtime, program, .. } = session;
    if flags.guest.policy.is_none() {
        policy.limits.deadline = flags.guest.timeout.unwrap_or(DEADLINE);
        policy.limits.memory = flags.guest.memory.unwrap_or(MEMORY);
    }
    let (stats, backtrace) = (flags.guest.stats, flags.guest.backtrace);
    let options = ServeOptions::new(policy.limits, policy.grants)
        .at_once(flags.at_once)
        .drain(flags.drain.unwrap_or(ServeOptions::DEFAULT_DRAIN))
        .on_answer(move |answered| tell(&answered, stats, backtrace));
    let server = HttpServer::new(Arc::new(runtime), &program, options)
        .with_context(|| format!("cannot serve by `{}`", flags.file.display()))?;

    let executor = Builder::new_multi_thread().enable_all().build().context("cannot start a runtime")?;
    let served = executor.block_on(async {
        let listener = TcpListener::bind(flags.addr)
            .await
            .with_context(|| format!("cannot listen on {}; name another with --addr", flags.addr))?;
        let stop = stop_signal()?;
        output::print(&format!("serving http://{}/\n", listener.local_addr()?))?;
        server.serve(listener, stop).await;
        anyhow::Ok(())
    });
    // The system may still be looking up a name for a guest that is gone, which nobody waits for.
    executor.shutdown_background();
    served.map(|()| 0)
}

/// Ends when the process is interrupted or terminated.
fn stop_signal() -> Result<impl Future<Output = ()>> {
    let signals = signals().context("cannot wait for signals")?;
    Ok(async {
        signals.await;
        output::tell("wasm-host: no more requests are taken; those at work may finish");
    })
}

#[cfg(unix)]
fn signals() -> io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn signals() -> io::Result<impl Future<Output = ()>> {
    Ok(async {
        // Without a way to be told, it serves until it is killed.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending().await
        }
    })
}

/// Tells of a request what the operator should know: all that went wrong, and with `stats` each one.
fn tell(answered: &Answered, stats: bool, backtrace: bool) {
    let Answered { method, path, status, captured, .. } = answered;
    output::write(output::Stream::Stderr, &captured.stdout);
    output::write(output::Stream::Stderr, &captured.stderr);
    for line in &captured.log {
        output::tell(&format!("log: {}", printable(line)));
    }
    let (what, spent): (String, Option<&Usage>) = match &answered.ended {
        Ended::Done(_) | Ended::Dropped | Ended::Busy if !stats => return,
        Ended::Done(usage) => ("done".to_owned(), Some(usage)),
        Ended::Silent(usage) => ("the program gave no response".to_owned(), Some(usage)),
        Ended::Stopped(fault) => (fault.to_string(), Some(Fault::usage(fault))),
        Ended::NotRun(error) => (causes(error), None),
        Ended::Dropped => ("nobody waited for it any more".to_owned(), None),
        Ended::Busy => ("too many requests at work".to_owned(), None),
        Ended::BadRequest(why) => ((*why).to_owned(), None),
        other => (format!("{other:?}"), None),
    };
    let spent = match spent {
        Some(usage) => format!(" in {}, peak memory {}", time(usage.elapsed), size(usage.peak_memory)),
        None => String::new(),
    };
    let request = printable(&format!("{method} {path}"));
    let frames = match &answered.ended {
        Ended::Stopped(fault) if backtrace => exit::where_it_was(fault),
        _ => String::new(),
    };
    output::tell(&format!("wasm-host: {request} {status}{spent}: {}{frames}", printable(&what)));
    session::tell_denials(captured);
}

fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(&format!(": {error}"));
        cause = error.source();
    }
    text
}
