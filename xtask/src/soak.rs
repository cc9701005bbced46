//! `cargo xtask soak`: plugins under load for a while, with everything that can go wrong, and whether it went well.

use std::process::ExitCode;

use anyhow::Result;

use crate::examples;

/// Builds the guests and the example, and runs it with `arguments`, 60 seconds unless they say otherwise.
///
/// # Errors
///
/// If something does not build.
pub(crate) fn run(arguments: &[&str]) -> Result<ExitCode> {
    let seconds: &[&str] = if arguments.contains(&"--seconds") { &[] } else { &["--seconds", "60"] };
    examples::run_alone("host-plugins", "soak", &[seconds, arguments].concat())
}
