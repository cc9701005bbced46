//! What stands in `bundle.json`, as types that are written and read again.

use host_component::log::Dropped;
use host_core::Frame;
use host_limits::{Bytes, Usage};
use host_wasi::{Denial, QuotaRefused};
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// The format that this version writes, and the latest it reads. Keys may be added to a format; one that changes or goes makes
/// the next.
pub(super) const FORMAT: u32 = 1;

/// What stands in `bundle.json`. Keys are kebab-case; those that nobody knows are passed over when it is read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct BundleRecord {
    /// The version of the format.
    pub format: u32,
    /// When it was, in UTC: `2026-11-29T06:15:00.123Z`.
    pub time: String,
    /// What ran the plugin.
    pub made_by: MadeBy,
    /// Which plugin.
    pub plugin: PluginRecord,
    /// Which call.
    pub call: CallRecord,
    /// Why it gave no result.
    pub fault: FaultRecord,
    /// What the plugin said and asked for.
    pub captured: CapturedRecord,
    /// The limits that held, as a policy has them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Value>,
    /// The grants that held, as a policy has them, without values that may be secrets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grants: Option<Value>,
    /// What came of the core dump; `None` if none was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub core_dump: Option<CoreDumpRecord>,
    /// The other files of the bundle.
    #[serde(default)]
    pub files: Vec<String>,
}

/// What ran the plugin, and on what.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct MadeBy {
    /// The version of this crate.
    pub host_plugins: String,
    /// The version of Wasmtime.
    pub wasmtime: String,
    /// The operating system, such as `linux`.
    pub system: String,
    /// The processor, such as `x86_64`.
    pub processor: String,
}

/// Which plugin it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct PluginRecord {
    /// Its name.
    pub name: String,
    /// The number of its version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<u64>,
    /// The SHA-256 of its bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The name of its file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
}

/// Which call it was.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct CallRecord {
    /// Its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
    /// For whom.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tenant: Option<String>,
    /// Which attempt, from 1.
    pub attempt: u32,
    /// The export.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub export: Option<String>,
    /// What became of the arguments.
    pub arguments: ArgumentsKept,
}

/// What became of the arguments of a call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ArgumentsKept {
    /// They were not known.
    #[default]
    Unknown,
    /// The host leaves them out.
    LeftOut,
    /// They are in `arguments.txt`.
    Written,
    /// What is left of them is in `arguments.txt`.
    Redacted,
    /// They were to be redacted, which failed; so they are left out.
    NotRedacted,
}

/// A [`Fault`](host_core::Fault) as serde writes it, read again: its fields are those of the table there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct FaultRecord {
    /// Who can act on it.
    pub who: String,
    /// What kind it is.
    pub kind: String,
    /// One line in words.
    pub message: String,
    /// The trap behind it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trap: Option<String>,
    /// The exit code, if it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The budget that ran out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget: Option<String>,
    /// The grant that was missing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grant: Option<String>,
    /// Where it was, innermost first.
    #[serde(default)]
    pub backtrace: Vec<Frame>,
    /// What was spent.
    #[serde(default)]
    pub usage: Usage,
}

/// What a plugin said and asked for, but for the text itself, which stands in files.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case")]
#[non_exhaustive]
pub struct CapturedRecord {
    /// How many lines of log were kept.
    pub log_lines: u64,
    /// What was not kept of the log.
    pub log_dropped: Dropped,
    /// How many bytes of standard output were kept.
    pub stdout_bytes: u64,
    /// How many bytes of standard error were kept.
    pub stderr_bytes: u64,
    /// What it asked for in vain.
    pub denials: Vec<Denial>,
    /// Whether it wanted to keep more in a directory than its quota.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub quota_refused: Option<QuotaRefused>,
}

/// What came of a core dump.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum CoreDumpRecord {
    /// It is in `core.wasm`, and of this size.
    Written(Bytes),
    /// There is none, for this reason.
    Failed(String),
}
