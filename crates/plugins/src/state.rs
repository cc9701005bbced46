//! `State`: what this crate keeps in the store of one call.

use std::borrow::Cow;

use host_component::log::Dropped;
use host_component::{HasLog, Log};
use host_limits::{HasMeter, Limits, Meter};
use host_wasi::{
    Denial, GrantError, Grants, HasWasi, Output, OutputRefused, QuotaRefused, Wasi, WasiOptions,
};
use serde::{Deserialize, Serialize};

/// What the store of one call holds: a meter, the grants, and the guest's log.
pub struct State {
    meter: Meter,
    wasi: Wasi,
    log: Log,
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
    /// Whether it wanted to keep more in a directory than its quota, and how often.
    pub quota_refused: Option<QuotaRefused>,
}

impl State {
    /// The state for one call under `limits`, with `grants` opened anew.
    pub(crate) fn new(wasi: &WasiOptions, limits: &Limits, grants: &Grants) -> Result<State, GrantError> {
        let wasi = wasi
            .clone()
            .max_random(limits.random.get())
            .max_resources(limits.resources as usize)
            .max_lines(limits.output.get())
            .open(&within(limits, grants))?;
        let log = Log::with_limit(limits.output.as_usize());
        Ok(State { meter: Meter::new(limits.clone()), wasi, log })
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
