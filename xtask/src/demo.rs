//! `cargo xtask demo`: the main job in one command, good and hostile plugins under one policy.

use std::process::ExitCode;

use anyhow::Result;

use crate::cargo::{CommandError, line};
use crate::{examples, guests};

const PACKAGE: &str = "host-plugins";
const EXAMPLE: &str = "demo";

/// Builds the guests and the example, runs it with `arguments`, and passes its exit status on.
pub(crate) fn run(arguments: &[&str]) -> Result<ExitCode> {
    guests::build()?;
    let example = examples::find(PACKAGE, EXAMPLE)?;
    examples::build()?;
    let mut command = example.command()?;
    let status = command
        .args(arguments)
        .status()
        .map_err(|source| CommandError::NotStarted { line: line(&command), source })?;
    // A status without a code is a death by signal; one that does not fit is a failure all the same.
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).map_or(ExitCode::FAILURE, ExitCode::from))
}
