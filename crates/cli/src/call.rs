//! `wasm-host call`: one export, and what it returns, as WAVE or JSON.

use anyhow::{Context, Result};

use crate::flags::CallFlags;
use crate::invoke::{self, Call, Form};
use crate::session::Session;

/// Calls the export, prints what it returns, and gives the exit code.
pub(crate) fn call(flags: &CallFlags) -> Result<i32> {
    let call = match &flags.json_args {
        None => Call::Text(flags.call.clone()),
        Some(json) => Call::Json {
            export: flags.call.clone(),
            arguments: serde_json::from_str(json).context("--json-args is not JSON")?,
        },
    };
    let session = Session::keeping_stdout_clean(&flags.file, &flags.guest)?;
    invoke::invoke(&session, &call, if flags.json { Form::Json } else { Form::Text })
}
