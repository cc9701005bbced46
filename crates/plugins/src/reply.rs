//! `Reply` and `CallInfo`: what a call of a plugin gave, and which call it was.

use std::fmt;
use std::sync::Arc;

use host_cache::Digest;
use host_limits::Usage;
use serde::{Deserialize, Serialize};

use crate::run::Outcome;
use crate::state::Captured;

/// What a call of a plugin gave, what it spent, and what the plugin said.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Reply<R> {
    /// What the call gave.
    pub value: R,
    /// What the call spent; with a [warm](crate::InstancePolicy::Warm) instance the peaks are those of all its calls.
    pub usage: Usage,
    /// What the plugin said during this call.
    pub captured: Captured,
    /// Which call it was.
    pub call: CallInfo,
}

/// Which call it was: of which plugin, in which version, for whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct CallInfo {
    /// The number of the call, unique in its host. Every attempt has its own.
    pub id: CallId,
    /// The plugin's name.
    #[serde(with = "crate::shared_text")]
    pub plugin: Arc<str>,
    /// The version that answered: 1 for what was loaded first under this name, and one more with each change.
    pub version: u64,
    /// The SHA-256 of that version's bytes.
    pub digest: Digest,
    /// The tenant for whom it was, if one was named.
    #[serde(default, skip_serializing_if = "Option::is_none", with = "crate::shared_text::optional")]
    pub tenant: Option<Arc<str>>,
    /// Which attempt it was, from 1; see [`Caller::attempts`](crate::Caller::attempts).
    pub attempt: u32,
}

/// The number of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallId(pub u64);

impl fmt::Display for CallId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl<R> Reply<R> {
    /// The same with another value, made of this one's.
    pub fn map<S>(self, change: impl FnOnce(R) -> S) -> Reply<S> {
        let Reply { value, usage, captured, call } = self;
        Reply { value: change(value), usage, captured, call }
    }
}

impl<R, E> Reply<Result<R, E>> {
    pub(crate) fn transpose(self) -> Result<Reply<R>, E> {
        let Reply { value, usage, captured, call } = self;
        value.map(|value| Reply { value, usage, captured, call })
    }
}

impl<R> From<Reply<R>> for Outcome<R> {
    fn from(reply: Reply<R>) -> Outcome<R> {
        let Reply { value, usage, captured, .. } = reply;
        Outcome { value, usage, captured }
    }
}
