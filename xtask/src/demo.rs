//! `cargo xtask demo`: the main job in one command, good and hostile plugins under one policy.

use std::process::ExitCode;

use anyhow::Result;

use crate::examples;

/// Builds the guests and the example, runs it with `arguments`, and passes its exit status on.
///
/// # Errors
///
/// If something does not build.
pub(crate) fn run(arguments: &[&str]) -> Result<ExitCode> {
    examples::run_alone("host-plugins", "demo", arguments)
}
