//! One test of the WASI suite: how it is started, and what is expected of it, as the JSON beside it says.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value};

/// A test, with everything that its runner needs to know.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) wasm: PathBuf,
    pub(super) args: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    /// The directory that the guest sees as `/`, if it sees any.
    pub(super) root: Option<PathBuf>,
    /// Whether it needs sockets. Some that make one and nothing more do not say so.
    pub(super) sockets: bool,
    /// What is done while it runs, in this order.
    pub(super) operations: Vec<Operation>,
}

/// What is done to a test that runs, or expected of it.
#[derive(Debug, PartialEq)]
pub(super) enum Operation {
    /// Write to its standard input.
    Write(String),
    /// Read this from its standard output, and nothing else before.
    ReadStdout(String),
    /// Read this from its standard error, and nothing else before.
    ReadStderr(String),
    /// Read an address from its standard output, and connect to it by TCP.
    Connect,
    /// Send this over the connection.
    Send(String),
    /// Receive this from the connection.
    Receive(String),
    /// Close its standard input, and wait until it ends with this exit code.
    Wait(i64),
    /// An operation that this runner does not know; whatever needs it does not pass.
    Unknown(String),
}

/// Reads every test of a folder, in order of their names.
pub(super) fn read_all(folder: &Path) -> Result<Vec<Case>> {
    let entries = fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    let mut cases = Vec::new();
    for entry in entries {
        let wasm = entry?.path();
        if wasm.extension().is_some_and(|extension| extension == "wasm") {
            let case = read(&wasm).with_context(|| format!("cannot read the test {}", wasm.display()))?;
            cases.push(case);
        }
    }
    cases.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(cases)
}

fn read(wasm: &Path) -> Result<Case> {
    let specification = wasm.with_extension("json");
    let text = match specification.exists() {
        true => fs::read_to_string(&specification)?,
        false => "{}".to_owned(),
    };
    let name = wasm.file_stem().context("it has no name")?.to_string_lossy().into_owned();
    case(name, wasm, &serde_json::from_str(&text)?)
}

/// A test from what its specification says. There are two forms: a list of operations, or what is expected at the end.
fn case(name: String, wasm: &Path, specification: &Value) -> Result<Case> {
    let keys = specification.as_object().context("the specification is no JSON object")?;
    let listed = keys.get("operations").and_then(Value::as_array);
    let (start, operations) = match listed.map(Vec::as_slice) {
        Some([start, rest @ ..]) => (start, rest.iter().map(operation).collect::<Result<Vec<_>>>()?),
        Some([]) => bail!("it has an empty list of operations"),
        None => (specification, expected(keys)),
    };
    if listed.is_some() && start["type"] != "run" {
        bail!("its first operation is not `run`");
    }
    let folder = wasm.parent().context("it is in no folder")?;
    let mut env = BTreeMap::new();
    for (variable, value) in start["env"].as_object().into_iter().flatten() {
        env.insert(variable.clone(), text(value)?);
    }
    Ok(Case {
        sockets: name.starts_with("sockets-")
            || specification["proposals"].as_array().is_some_and(|all| all.contains(&"sockets".into())),
        name,
        wasm: wasm.to_owned(),
        args: start["args"].as_array().into_iter().flatten().map(text).collect::<Result<_>>()?,
        env,
        root: start["root"].as_str().map(|root| folder.join(root)),
        operations,
    })
}

/// The operations that the short form stands for.
fn expected(keys: &Map<String, Value>) -> Vec<Operation> {
    let output = |key| keys.get(key).and_then(Value::as_str).map(str::to_owned);
    let code = keys.get("exit_code").and_then(Value::as_i64).unwrap_or(0);
    let outputs = [output("stdout").map(Operation::ReadStdout), output("stderr").map(Operation::ReadStderr)];
    outputs.into_iter().flatten().chain([Operation::Wait(code)]).collect()
}

fn operation(specification: &Value) -> Result<Operation> {
    let kind = specification["type"].as_str().context("an operation has no type")?;
    let payload = || specification["payload"].as_str().unwrap_or_default().to_owned();
    let id = specification["id"].as_str();
    Ok(match (kind, id) {
        ("write", Some("stdin")) => Operation::Write(payload()),
        ("read", Some("stdout") | None) => Operation::ReadStdout(payload()),
        ("read", Some("stderr")) => Operation::ReadStderr(payload()),
        ("connect", _) => Operation::Connect,
        ("send", _) => Operation::Send(payload()),
        ("recv", _) => Operation::Receive(payload()),
        ("wait", _) => Operation::Wait(specification["exit_code"].as_i64().unwrap_or(0)),
        _ => Operation::Unknown(kind.to_owned()),
    })
}

fn text(value: &Value) -> Result<String> {
    value.as_str().map(str::to_owned).with_context(|| format!("{value} is not a text"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(specification: Value) -> Result<Case> {
        case("t".to_owned(), Path::new("suite/t.wasm"), &specification)
    }

    #[test]
    fn without_a_specification_it_has_to_end_well() {
        let case = of(json!({})).unwrap();
        assert_eq!(case.operations, [Operation::Wait(0)]);
        assert_eq!((case.root, case.sockets), (None, false));
    }

    #[test]
    fn the_short_form_says_how_it_ends() {
        let case = of(json!({
            "args": ["a", "b c"], "env": { "K": "V" }, "root": "d", "exit_code": 3, "stdout": "out", "stderr": "e",
        }))
        .unwrap();
        let expected = [
            Operation::ReadStdout("out".to_owned()),
            Operation::ReadStderr("e".to_owned()),
            Operation::Wait(3),
        ];
        assert_eq!(case.operations, expected);
        assert_eq!(case.args, ["a", "b c"]);
        assert_eq!(case.env["K"], "V");
        assert_eq!(case.root, Some("suite/d".into()));
    }

    #[test]
    fn the_long_form_says_what_is_done() {
        let case = of(json!({ "proposals": ["sockets"], "operations": [
            { "type": "run", "args": ["x"], "root": "d" },
            { "type": "write", "id": "stdin", "payload": "in" },
            { "type": "read", "payload": "out" },
            { "type": "connect", "id": "s", "protocol_type": "tcp" },
            { "type": "send", "id": "s", "payload": "ping" },
            { "type": "recv", "id": "s", "payload": "pong" },
            { "type": "request", "path": "/" },
            { "type": "wait", "exit_code": 1 },
        ]}))
        .unwrap();
        let expected = [
            Operation::Write("in".to_owned()),
            Operation::ReadStdout("out".to_owned()),
            Operation::Connect,
            Operation::Send("ping".to_owned()),
            Operation::Receive("pong".to_owned()),
            Operation::Unknown("request".to_owned()),
            Operation::Wait(1),
        ];
        assert_eq!(case.operations, expected);
        assert_eq!((case.args.len(), case.root, case.sockets), (1, Some("suite/d".into()), true));
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for wrong in [json!([]), json!({ "operations": [] }), json!({ "operations": [{ "type": "wait" }] })] {
            assert!(of(wrong.clone()).is_err(), "{wrong}");
        }
        assert!(of(json!({ "args": [1] })).is_err());
    }
}
