//! `State`: what this crate keeps in the store of one call.

use std::borrow::Cow;
use std::time::Instant;

use host_component::log::Dropped;
use host_component::{HasLog, Log};
use host_limits::{CancelHandle, Deadline, HasMeter, Limits, Meter};
use host_wasi::{
    Denial, GrantError, Grants, HasWasi, Output, OutputRefused, QuotaRefused, Wasi, WasiOptions,
};

/// What the store of one call holds: a meter, the grants, and the guest's log.
pub struct State {
    meter: Meter,
    wasi: Wasi,
    log: Log,
}

/// What a guest said while it ran, and what it asked for in vain.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Captured {
    /// Lines given to the imported `log`.
    pub log: Vec<String>,
    /// What was given to `log` beyond [`Limits::output`], and is not kept.
    pub log_dropped: Dropped,
    /// Standard output, where the grants capture it.
    pub stdout: Vec<u8>,
    /// Standard error, where the grants capture it.
    pub stderr: Vec<u8>,
    /// What it asked for and was refused, with the grant that it lacked; see [`Wasi::denials`](host_wasi::Wasi::denials).
    pub denials: Vec<Denial>,
    /// Whether it wanted to keep more in a directory than its quota, and how often.
    pub quota_refused: Option<QuotaRefused>,
}

impl State {
    /// The state for one call under the limits of `meter`, with `grants` opened anew.
    pub(crate) fn new(wasi: &WasiOptions, meter: Meter, grants: &Grants) -> Result<State, GrantError> {
        let limits = meter.limits();
        let wasi = wasi
            .clone()
            .max_random(limits.random.get())
            .max_resources(limits.resources as usize)
            .max_lines(limits.output.get())
            .open(&within(limits, grants))?;
        let log = Log::with_limit(limits.output.as_usize());
        Ok(State { meter, wasi, log })
    }

    pub(crate) fn captured(&self) -> Captured {
        Captured {
            log: self.log.lines().to_vec(),
            log_dropped: self.log.dropped(),
            stdout: self.wasi.stdout(),
            stderr: self.wasi.stderr(),
            denials: self.wasi.denials(),
            quota_refused: self.wasi.quota_refused(),
        }
    }

    /// Another call begins, whose caller has waited since then.
    pub(crate) fn begin_call(&mut self, queued_since: Instant) {
        self.meter.queued_since(queued_since);
    }

    /// By which the call can be cancelled, once it is armed.
    pub(crate) fn cancel_handle(&self) -> Option<CancelHandle> {
        self.meter.deadline().map(Deadline::cancel_handle)
    }

    pub(crate) fn take_captured(&mut self) -> Captured {
        self.captured()
    }

    pub(crate) fn output_refused(&self) -> Option<OutputRefused> {
        self.wasi.output_refused()
    }
}

/// The grants, where output that is captured is kept within [`Limits::output`].
fn within<'a>(limits: &Limits, grants: &'a Grants) -> Cow<'a, Grants> {
    let most = limits.output.get();
    let above = |output: &Output| matches!(output, Output::Capture(size) if *size > most);
    let mut grants = Cow::Borrowed(grants);
    if above(&grants.stdout) {
        grants.to_mut().stdout = Output::Capture(most);
    }
    if above(&grants.stderr) {
        grants.to_mut().stderr = Output::Capture(most);
    }
    grants
}

impl std::fmt::Debug for State {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("State").field("meter", &self.meter).finish_non_exhaustive()
    }
}

impl HasMeter for State {
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }
}

impl HasWasi for State {
    fn wasi(&mut self) -> &mut Wasi {
        &mut self.wasi
    }
}

impl HasLog for State {
    fn log(&mut self) -> &mut Log {
        &mut self.log
    }
}
