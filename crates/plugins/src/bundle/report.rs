//! `Report`: what there is to say of one fault, borrowed from whoever knows it.

use std::path::Path;
use std::time::SystemTime;

use host_core::Fault;
use host_limits::Limits;
use host_wasi::{Contents, Grants, Stdin};

use crate::state::Captured;

/// What there is to say of one fault. What is not known is left out of the bundle.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report<'a> {
    /// The plugin's name.
    pub plugin: &'a str,
    /// The number of its version: how often it had been loaded by then.
    pub version: Option<u64>,
    /// The SHA-256 of its bytes, in hexadecimal.
    pub digest: Option<&'a str>,
    /// The file it was loaded from; only its name is written.
    pub source: Option<&'a Path>,
    /// Its manifest, as TOML.
    pub manifest: Option<&'a str>,
    /// For whom it was called.
    pub tenant: Option<&'a str>,
    /// The number of the call.
    pub call: Option<u64>,
    /// Which attempt of the call it was, from 1.
    pub attempt: u32,
    /// The export that was called.
    pub export: Option<&'a str>,
    /// The arguments, as text: for a component in WAVE, with the parentheses, as `wasm-host call` takes them. No more than
    /// 1 MiB is written.
    pub arguments: Option<&'a str>,
    /// The limits that held.
    pub limits: Option<&'a Limits>,
    /// The grants that held. The values of variables, files and standard input in them are not written.
    pub grants: Option<&'a Grants>,
    /// Why the call gave no result.
    pub fault: &'a Fault,
    /// What the plugin had said until then.
    pub captured: &'a Captured,
    /// When it was.
    pub time: SystemTime,
}

impl<'a> Report<'a> {
    /// A fault of the first attempt, now, of which nothing else is known.
    pub fn new(plugin: &'a str, fault: &'a Fault, captured: &'a Captured) -> Report<'a> {
        Report {
            plugin,
            version: None,
            digest: None,
            source: None,
            manifest: None,
            tenant: None,
            call: None,
            attempt: 1,
            export: None,
            arguments: None,
            limits: None,
            grants: None,
            fault,
            captured,
            time: SystemTime::now(),
        }
    }
}

/// The grants, with nothing in them that the operator gave the guest as text: it may be a secret.
pub(super) fn without_values(grants: &Grants) -> Grants {
    const HIDDEN: &str = "(not in the bundle)";
    let mut grants = grants.clone();
    grants.env.values_mut().for_each(|value| *value = HIDDEN.to_owned());
    grants.args.iter_mut().for_each(|value| *value = HIDDEN.to_owned());
    if matches!(grants.stdin, Stdin::Text(_) | Stdin::Bytes(_)) {
        grants.stdin = Stdin::Text(HIDDEN.to_owned());
    }
    for contents in grants.files.iter_mut().flat_map(|files| files.contents.values_mut()) {
        *contents = Contents::from(HIDDEN);
    }
    grants
}
