//! Licences, bans, advisories and sources by cargo-deny, where it is installed; `deny.toml` holds the rules.

use anyhow::Result;

use crate::cargo::{cargo, output, run};
use crate::check::Step;

/// Runs cargo-deny over the workspace's dependencies.
///
/// Advisories need the network (cargo-deny fetches the advisory database); the rest does not.
pub(crate) fn check() -> Result<Step> {
    if output(&mut cargo(["deny", "--version"])).is_err() {
        return Ok(Step::Skipped("cargo-deny is not installed".to_owned()));
    }
    run(&mut cargo(["deny", "--locked", "check"]))?;
    Ok(Step::Passed)
}
