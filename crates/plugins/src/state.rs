//! `State`: what this crate keeps in the store of a guest.

use std::borrow::Cow;
use std::time::Instant;

use host_component::interfaces::storage::{HasStorage, Storage};
use host_component::log::Dropped;
use host_component::{HasLog, Log};
use host_limits::{CancelHandle, Deadline, HasMeter, Limits, Meter};
use host_wasi::{
    Denial, GrantError, Grants, HasWasi, Output, OutputRefused, QuotaRefused, Wasi, WasiOptions,
};
use serde::{Deserialize, Serialize};

use crate::config::ConfigValues;

/// What a store holds: a meter, the grants, the guest's log, its configuration values, and what it keeps.
pub struct State {
    meter: Meter,
    wasi: Wasi,
    log: Log,
    config: ConfigValues,
    /// Made when the guest first asks: most have none.
    storage: Option<Storage>,
}

/// What a guest said while it ran, and what it asked for in vain.
///
/// As serde writes it, output that is text is a string, and else `{ "bytes": [0, 255] }`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Captured {
    /// Lines given to the imported `log`.
    pub log: Vec<String>,
    /// What was given to `log` beyond [`Limits::output`], and is not kept.
    pub log_dropped: Dropped,
    /// Standard output, where the grants capture it.
    #[serde(with = "text_or_bytes")]
    pub stdout: Vec<u8>,
    /// Standard error, where the grants capture it.
    #[serde(with = "text_or_bytes")]
    pub stderr: Vec<u8>,
    /// What it asked for and was refused, with the grant that it lacked; see [`Wasi::denials`](host_wasi::Wasi::denials).
    pub denials: Vec<Denial>,
    /// How many denials are missing from `denials`, because there were too many.
    pub denials_dropped: u64,
    /// Whether it wanted to print more than its output takes, and on which stream.
    pub output_refused: Option<OutputRefused>,
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
        let (config, storage) = (ConfigValues::new(), None);
        Ok(State { meter, wasi, log, config, storage })
    }

    /// Sets what the guest finds in `wasi:config/store` from now on. Default: nothing.
    pub fn set_config(&mut self, config: &ConfigValues) {
        self.config = config.clone();
    }

    pub(crate) fn config(&self) -> &ConfigValues {
        &self.config
    }

    /// Takes what the guest said since the state was made, or since this was last called; the next call in this store has its
    /// outputs and its log in full again.
    pub(crate) fn take_captured(&mut self) -> Captured {
        let recorded = self.wasi.take_recorded();
        Captured {
            log_dropped: self.log.dropped(),
            log: self.log.drain(),
            stdout: recorded.stdout,
            stderr: recorded.stderr,
            denials: recorded.denials,
            denials_dropped: recorded.denials_dropped,
            output_refused: recorded.output_refused,
            quota_refused: recorded.quota_refused,
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

/// Storage without buckets, unless the host puts another in its place. What a guest keeps there is gone with the store.
impl HasStorage for State {
    fn storage(&mut self) -> &mut Storage {
        self.storage.get_or_insert_with(Storage::new)
    }
}

impl HasLog for State {
    fn log(&mut self) -> &mut Log {
        &mut self.log
    }
}

/// Bytes as a string where they are text, and else `{ "bytes": [0, 255] }`.
mod text_or_bytes {
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Serialize, Deserialize)]
    #[serde(untagged)]
    enum Form<T, B> {
        Text(T),
        Bytes { bytes: B },
    }

    pub(super) fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        let form = str::from_utf8(bytes).map_or(Form::Bytes { bytes }, Form::Text);
        form.serialize(serializer)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        Ok(match Form::<String, Vec<u8>>::deserialize(deserializer)? {
            Form::Text(text) => text.into_bytes(),
            Form::Bytes { bytes } => bytes,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_captured_is_written_and_read_again() {
        let captured = Captured {
            log: vec!["a\u{1b}".to_owned()],
            stdout: b"text".to_vec(),
            stderr: vec![0, 255],
            ..Captured::default()
        };
        let json = serde_json::to_value(&captured).unwrap();
        assert_eq!(json["stdout"], "text");
        assert_eq!(json["stderr"], serde_json::json!({ "bytes": [0, 255] }));
        assert_eq!(json["log-dropped"], serde_json::json!({ "lines": 0, "bytes": 0 }));
        assert_eq!(serde_json::from_value::<Captured>(json).unwrap(), captured);
    }
}
