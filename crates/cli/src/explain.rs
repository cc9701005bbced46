//! `wasm-host explain`: what a crash bundle says, for people or as data.

use anyhow::Result;
use host_plugins::CrashBundle;

use crate::flags::ExplainFlags;
use crate::output::{print, printable_json};

/// Prints the bundle, and gives the exit code.
pub(crate) fn explain(flags: &ExplainFlags) -> Result<i32> {
    let bundle = CrashBundle::read(&flags.directory)?;
    print(&if flags.json {
        printable_json(&format!("{}\n", serde_json::to_string_pretty(&bundle)?))
    } else {
        bundle.to_string()
    })?;
    Ok(0)
}
