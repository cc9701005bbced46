//! `wasm-host run`: a program from start to exit code, or one of its exports.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use host_plugins::CommandError;

use crate::flags::RunFlags;
use crate::invoke::{self, Call, Form};
use crate::session::{Failure, Session};

/// Runs the program, and gives the exit code.
pub(crate) fn run(flags: &RunFlags) -> Result<i32> {
    let (file, args) = flags.file_and_args.split_first().context("no FILE was given")?;
    let file = PathBuf::from(file);
    let args = args
        .iter()
        .map(|arg| {
            let text = arg.to_str().map(str::to_owned);
            text.with_context(|| format!("the argument {arg:?} is not Unicode, which a program cannot take"))
        })
        .collect::<Result<Vec<_>>>()?;

    let mut session = Session::passing_through(&file, &flags.guest)?;
    let name = flags.argv0.clone().unwrap_or_else(|| name(&file));
    if let Some(export) = &flags.invoke {
        session.policy.grants.args = vec![name];
        let call = Call::of_words(export, &args)?;
        return invoke::invoke(&session, &call, Form::Text);
    }
    // What the line says goes over what a policy says.
    session.policy.grants.args = [vec![name], args].concat();
    let run = async {
        let Session { policy, runtime, program, .. } = &session;
        let result = runtime.run_command(program, &policy.limits, &policy.grants).await;
        result.map_err(|error| explain(error, &file))
    };
    session.finish(run, Ok)
}

/// What a program is called: no more than that is told to it of where it lies.
fn name(file: &Path) -> String {
    file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

fn explain(error: CommandError, file: &Path) -> Failure {
    match error {
        CommandError::NotACommand { .. } => Failure::NotRun(anyhow!(error).context(format!(
            "cannot run `{0}`; name an export with --invoke, and see which there are with `wasm-host inspect {0}`",
            file.display()
        ))),
        other => other.into(),
    }
}
