//! Calls of one export by name, of components and core modules alike, with arguments and results as text.

use anyhow::{Context, Result, bail};
use host_plugins::host_component::wave::{self, WaveError};
use host_plugins::host_component::{find, json};
use host_plugins::wasmtime::component::{Component, Val};
use serde_json::{Number, Value};

use crate::exit;
use crate::output::{self, printable, printable_json};
use crate::session::{Failure, Session};

/// An export and its arguments, as somebody wrote them.
pub(crate) enum Call {
    /// `process("Ada")`.
    Text(String),
    /// The name, and each argument by itself.
    Words { export: String, arguments: Vec<String> },
    /// The name, and the arguments as an array.
    Json { export: String, arguments: Value },
}

/// How a result is printed.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Form {
    /// WAVE for components, plain numbers for core modules.
    Text,
    Json,
}

impl Call {
    /// A name with arguments beside it, or both in one text.
    pub(crate) fn of_words(export: &str, arguments: &[String]) -> Result<Call> {
        if !export.contains('(') {
            return Ok(Call::Words { export: export.to_owned(), arguments: arguments.to_vec() });
        }
        if !arguments.is_empty() {
            bail!(
                "--invoke '{export}' has arguments, and there are others after FILE; give them in one place"
            );
        }
        Ok(Call::Text(export.to_owned()))
    }
}

/// Calls the export, prints what it returns, and gives the exit code.
pub(crate) fn invoke(session: &Session<'_>, call: &Call, form: Form) -> Result<i32> {
    match session.program.component() {
        Some(component) => of_component(session, component, call, form),
        None => of_module(session, call, form),
    }
}

fn of_component(session: &Session<'_>, component: &Component, call: &Call, form: Form) -> Result<i32> {
    let (export, arguments) = values(component, call)?;
    let run = async {
        let Session { policy, runtime, program, .. } = session;
        let call = runtime.call(program, &export, &arguments, &policy.limits, &policy.grants);
        call.await.map_err(Failure::from)
    };
    session.finish(run, |results| {
        match form {
            Form::Json => print_json(&json::results(&results).context("the result cannot be printed")?)?,
            Form::Text if results.is_empty() => {}
            Form::Text => {
                let text = wave::results(&results).context("the result cannot be printed as WAVE")?;
                output::print(&format!("{}\n", printable(&text)))?;
            }
        }
        Ok(if matches!(results[..], [Val::Result(Err(_))]) { exit::ERR } else { 0 })
    })
}

/// The full name of the export that is meant, and the arguments.
fn values(component: &Component, call: &Call) -> Result<(String, Vec<Val>)> {
    let (function, arguments) = match call {
        Call::Text(text) => wave::parse_call(component, text).map_err(|error| explain(error, text))?,
        Call::Words { export, arguments } => {
            let function = find(component, export)?;
            let list = format!("({})", arguments.join(", "));
            let values = wave::arguments(&function, &list).map_err(|error| explain(error, &list))?;
            (function, values)
        }
        Call::Json { export, arguments } => {
            let function = find(component, export)?;
            let values = json::arguments(&function, arguments)
                .with_context(|| format!("the arguments do not fit {export}: {}", function.signature()))?;
            (function, values)
        }
    };
    Ok((function.full_name(), arguments))
}

/// WAVE is news to most people, and its commonest mistake is made by the shell, which takes the quotes away.
fn explain(error: WaveError, text: &str) -> anyhow::Error {
    match &error {
        WaveError::Value { .. } | WaveError::List { .. } => anyhow::Error::from(error).context(format!(
            "cannot read `{text}`; values are written in WAVE, where text stands in double quotes: 'greet(\"Ada\")'"
        )),
        _ => error.into(),
    }
}

fn of_module(session: &Session<'_>, call: &Call, form: Form) -> Result<i32> {
    let (export, arguments) = texts(call)?;
    let run = async {
        let Session { policy, runtime, program, .. } = session;
        let call = runtime.invoke(program, &export, &arguments, &policy.limits, &policy.grants);
        call.await.map_err(Failure::from)
    };
    session.finish(run, |results| {
        match form {
            Form::Text => output::print(&results.iter().map(|line| format!("{line}\n")).collect::<String>())?,
            Form::Json => {
                let mut values: Vec<Value> = results.iter().map(|text| number_or_text(text)).collect();
                // As for components: nothing, the value, or all of them.
                let value = match values.len() {
                    0 => Value::Null,
                    1 => values.remove(0),
                    _ => Value::Array(values),
                };
                print_json(&value)?;
            }
        }
        Ok(0)
    })
}

/// The name of the export, and the arguments as texts of their own.
fn texts(call: &Call) -> Result<(String, Vec<String>)> {
    match call {
        Call::Text(text) => {
            let (export, list) = wave::split_call(text)?;
            let inside = list.trim_end().strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
            let inside =
                inside.with_context(|| format!("`{text}` has no `)` at its end; write 'add(2, 3)'"))?;
            let arguments = match inside.trim() {
                "" => Vec::new(),
                some => some.split(',').map(|argument| argument.trim().to_owned()).collect(),
            };
            Ok((export.to_owned(), arguments))
        }
        Call::Words { export, arguments } => Ok((export.clone(), arguments.clone())),
        Call::Json { export, arguments: Value::Array(values) } => {
            let text = |value: &Value| match value {
                Value::Number(number) => Ok(number.to_string()),
                Value::String(text) => Ok(text.clone()),
                other => bail!("{other} in --json-args is not a number, and core modules take nothing else"),
            };
            Ok((export.clone(), values.iter().map(text).collect::<Result<_>>()?))
        }
        Call::Json { arguments, .. } => {
            bail!("--json-args must be an array, such as [2, 3], but is {arguments}")
        }
    }
}

/// JSON has no infinities and no NaN.
fn number_or_text(text: &str) -> Value {
    match serde_json::from_str::<Number>(text) {
        Ok(number) => Value::Number(number),
        Err(_) => Value::String(text.to_owned()),
    }
}

fn print_json(value: &Value) -> Result<()> {
    output::print(&printable_json(&format!("{value}\n")))
}
