//! One test of the WASI suite: how it is started, and what is expected of it, as the JSON beside it says.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value};

use super::endpoints::fields;
use super::message::Fields;

/// A test, with everything that its runner needs to know.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) name: String,
    pub(super) wasm: PathBuf,
    pub(super) args: Vec<String>,
    pub(super) env: BTreeMap<String, String>,
    /// The directory that the guest sees as `/`, if it sees any.
    pub(super) root: Option<PathBuf>,
    /// Whether it needs sockets or `wasi:http`. Some that make a socket and nothing more do not say so.
    pub(super) network: bool,
    /// Whether it answers requests, instead of being a command.
    pub(super) service: bool,
    /// Whom it sends requests to.
    pub(super) servers: Vec<Server>,
    /// What is done while it runs, in this order.
    pub(super) operations: Vec<Operation>,
}

/// A server that has to be there while a test runs. The guest finds its address in the variable `HTTP_SERVER_NAME`.
#[derive(Debug, PartialEq)]
pub(super) struct Server {
    pub(super) name: String,
    /// What it answers, or nothing for an address where nobody listens.
    pub(super) endpoints: Option<Vec<Value>>,
}

/// A request for a test that answers them, and what is expected of its response.
#[derive(Debug, PartialEq)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) headers: Fields,
    pub(super) body: String,
    pub(super) expected: Expected,
}

#[derive(Debug, PartialEq)]
pub(super) struct Expected {
    pub(super) status: u64,
    /// It may have others, too.
    pub(super) headers: Fields,
    pub(super) body: String,
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
    /// Send it a request.
    Request(Box<Request>),
    /// Interrupt it.
    Interrupt,
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
    let proposals: Vec<_> =
        specification["proposals"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    let servers = specification["servers"].as_array().into_iter().flatten();
    Ok(Case {
        network: name.starts_with("sockets-")
            || proposals.contains(&"sockets")
            || proposals.contains(&"http"),
        service: specification["world"] == "wasi:http/service",
        servers: servers.map(server).collect::<Result<_>>()?,
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
        ("request", _) => Operation::Request(Box::new(request(specification))),
        ("kill", _) if specification["signal"] == "SIGINT" => Operation::Interrupt,
        ("wait", _) => Operation::Wait(specification["exit_code"].as_i64().unwrap_or(0)),
        _ => Operation::Unknown(kind.to_owned()),
    })
}

fn server(specification: &Value) -> Result<Server> {
    let endpoints = match specification["kind"].as_str() {
        Some("closed") => None,
        None | Some("listening") => Some(specification["endpoints"].as_array().cloned().unwrap_or_default()),
        Some(other) => bail!("a server of the kind {other:?} is not known here"),
    };
    Ok(Server { name: text(&specification["name"])?, endpoints })
}

fn request(specification: &Value) -> Request {
    let text = |value: &Value, default: &str| value.as_str().unwrap_or(default).to_owned();
    let response = &specification["response"];
    Request {
        method: text(&specification["method"], "GET"),
        path: text(&specification["path"], "/"),
        headers: fields(&specification["headers"]),
        body: text(&specification["body"], ""),
        expected: Expected {
            status: response["status"].as_u64().unwrap_or(200),
            headers: fields(&response["headers"]),
            body: text(&response["body"], ""),
        },
    }
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
        assert_eq!((case.root, case.network, case.service), (None, false, false));
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
            { "type": "dance" },
            { "type": "wait", "exit_code": 1 },
        ]}))
        .unwrap();
        let expected = [
            Operation::Write("in".to_owned()),
            Operation::ReadStdout("out".to_owned()),
            Operation::Connect,
            Operation::Send("ping".to_owned()),
            Operation::Receive("pong".to_owned()),
            Operation::Unknown("dance".to_owned()),
            Operation::Wait(1),
        ];
        assert_eq!(case.operations, expected);
        assert_eq!((case.args.len(), case.root, case.network), (1, Some("suite/d".into()), true));
    }

    #[test]
    fn a_service_has_requests_and_servers() {
        let case = of(json!({
            "proposals": ["http"],
            "world": "wasi:http/service",
            "servers": [{ "name": "main", "endpoints": [{ "path": "/" }] }, { "name": "dead", "kind": "closed" }],
            "operations": [
                { "type": "run" },
                { "type": "request", "method": "POST", "path": "/a", "headers": { "x": "y" }, "body": "b",
                  "response": { "status": 404 } },
                { "type": "kill", "signal": "SIGINT" },
                { "type": "kill", "signal": "SIGKILL" },
            ],
        }))
        .unwrap();
        assert!(case.network && case.service);
        let endpoints = case.servers.iter().map(|server| server.endpoints.as_ref().map(Vec::len));
        assert_eq!(endpoints.collect::<Vec<_>>(), [Some(1), None]);
        let request = Request {
            method: "POST".to_owned(),
            path: "/a".to_owned(),
            headers: vec![("x".to_owned(), "y".to_owned())],
            body: "b".to_owned(),
            expected: Expected { status: 404, headers: Vec::new(), body: String::new() },
        };
        let expected = [
            Operation::Request(Box::new(request)),
            Operation::Interrupt,
            Operation::Unknown("kill".to_owned()),
        ];
        assert_eq!(case.operations, expected);
    }

    #[test]
    fn what_makes_no_sense_is_refused() {
        for wrong in [json!([]), json!({ "operations": [] }), json!({ "operations": [{ "type": "wait" }] })] {
            assert!(of(wrong.clone()).is_err(), "{wrong}");
        }
        assert!(of(json!({ "args": [1] })).is_err());
    }
}
