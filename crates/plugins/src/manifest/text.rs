//! The text of a manifest, as it is written.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use host_cache::Digest;
use host_limits::Limits;
use host_wasi::Grants;
use serde::Deserialize;
use toml::de::DeTable;

use super::HealthCheck;
use crate::breaker::BreakerSettings;
use crate::instances::InstancePolicy;

/// A plugin: where its code is, what it may spend and touch, and how it is called.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema), schemars(rename = "Manifest"))]
pub(super) struct Text {
    /// The plugin's name. Default: the file's, without its extension.
    #[cfg_attr(
        feature = "schema",
        schemars(length(min = 1, max = 128), pattern(r"^[^/\\\x00-\x1f\x7f-\x9f]+$"))
    )]
    pub(super) name: Option<String>,
    /// Its version in its author's words.
    pub(super) version: Option<String>,
    /// The file with its code, relative to the manifest.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub(super) source: PathBuf,
    /// The SHA-256 digest of that file.
    #[cfg_attr(
        feature = "schema",
        schemars(with = "Option<String>", pattern(r"^(sha256:)?[0-9A-Fa-f]{64}$"))
    )]
    pub(super) sha256: Option<Digest>,
    /// The name of the world it is for, among those that the operator knows.
    #[cfg_attr(feature = "schema", schemars(length(min = 1)))]
    pub(super) world: Option<String>,
    /// Whether instances are kept. Default: as the policy says.
    pub(super) instances: Option<InstancePolicy>,
    /// How much a call may spend. What is not said is as in the policy.
    #[serde(default)]
    pub(super) limits: Limits,
    /// What it may touch. Default: nothing.
    #[serde(default)]
    pub(super) grants: Grants,
    /// Values that it reads by `wasi:config/store`.
    #[serde(default)]
    pub(super) config: BTreeMap<String, String>,
    /// When it is left alone after faults. Default: as the policy says.
    pub(super) breaker: Option<BreakerSettings>,
    /// A call that a new version must answer before it is used.
    pub(super) health: Option<HealthCheck>,
}

/// The keys that stand in a table of the text.
pub(super) fn keys_of(text: &str, table: &str) -> BTreeSet<String> {
    let Ok(root) = DeTable::parse(text) else { return BTreeSet::new() };
    let table = root.get_ref().get(table).and_then(|value| value.get_ref().as_table());
    table.into_iter().flat_map(|table| table.keys()).map(|key| key.get_ref().to_string()).collect()
}
