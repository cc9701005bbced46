//! Licences, bans and sources by cargo-deny, where it is installed; `deny.toml` holds the rules.

use anyhow::Result;

use crate::cargo::{cargo, output, run};
use crate::check::Step;

/// Runs cargo-deny over the workspace's dependencies.
///
/// Advisories are left to `cargo deny check advisories`: fetching their database needs a network that not every machine
/// has, and an advisory of today is no fault of the change at hand.
pub(crate) fn check() -> Result<Step> {
    if output(&mut cargo(["deny", "--version"])).is_err() {
        return Ok(Step::Skipped("cargo-deny is not installed".to_owned()));
    }
    run(&mut cargo([
        "deny",
        "--locked",
        "--log-level=error",
        "check",
        "--hide-inclusion-graph",
        "licenses",
        "bans",
        "sources",
    ]))?;
    Ok(Step::Passed)
}
