//! How are grants written? One line of TOML for each, to be shown or copied.

use crate::key::{self, key_text, quoted};
use crate::{
    Access, Clocks, Directory, Files, Grants, Need, NetworkRule, Output, Randomness, Scratch, Stdin,
};

/// The grants that give `need`, each as a line; none, if nothing does.
pub(super) fn lines(grants: &Grants, need: Need) -> Vec<String> {
    let network = |fits: fn(&NetworkRule) -> bool| {
        let rules = grants.network.iter().filter(|rule| fits(rule));
        let rules: Vec<String> = rules.map(ToString::to_string).collect();
        if rules.is_empty() { Vec::new() } else { vec![list("network", &rules)] }
    };
    match need {
        Need::Arguments if grants.args.is_empty() => Vec::new(),
        Need::Arguments => vec![list("args", &grants.args)],
        Need::Environment => {
            let given = grants.env.keys().map(|name| variable(name));
            let inherited =
                (!grants.inherit_env.is_empty()).then(|| list("inherit-env", &grants.inherit_env));
            given.chain(inherited).collect()
        }
        Need::Stdin => stdin(&grants.stdin).into_iter().collect(),
        Need::Stdout => output("stdout", &grants.stdout).into_iter().collect(),
        Need::Stderr => output("stderr", &grants.stderr).into_iter().collect(),
        Need::Directories => {
            let directories = grants.directories.iter().map(directory);
            let scratch =
                grants.scratch.iter().map(|Scratch { guest, bytes, files }| scratch(guest, *bytes, *files));
            directories.chain(scratch).chain(grants.files.iter().map(files)).collect()
        }
        Need::Network => network(NetworkRule::reaches),
        Need::Names => network(NetworkRule::looks_up),
        Need::Requests => network(NetworkRule::asks),
        Need::Clock => match grants.clocks {
            Clocks::Real => Vec::new(),
            Clocks::Fixed(time) => vec![format!("clocks = {{ fixed = \"{time}\" }}")],
            Clocks::Stepped { start, step } => {
                let step = humantime::format_duration(step);
                vec![format!("clocks = {{ stepped = {{ start = \"{start}\", step = \"{step}\" }} }}")]
            }
        },
        Need::Randomness => match grants.random {
            Randomness::Real => Vec::new(),
            Randomness::Seeded(seed) => vec![format!("random = {{ seeded = {seed} }}")],
        },
        Need::Exit => Vec::new(),
    }
}

/// The line to add for `need`, where only the operator knows the rest; `None` for what every guest has.
pub(super) fn to_add(need: Need) -> Option<String> {
    Some(match need {
        Need::Arguments => "args = [\"…\"]".to_owned(),
        Need::Environment => "inherit-env = [\"…\"]".to_owned(),
        Need::Stdin => "stdin = \"inherit\"".to_owned(),
        Need::Stdout => "stdout = \"inherit\"".to_owned(),
        Need::Stderr => "stderr = \"inherit\"".to_owned(),
        Need::Directories => directory_to_add("…", Access::ReadOnly),
        Need::Network => "network = [\"tcp://…:…\"]".to_owned(),
        Need::Names => list("network", &[NetworkRule::Names.to_string()]),
        Need::Requests => "network = [\"https://…/*\"]".to_owned(),
        Need::Clock | Need::Randomness | Need::Exit => return None,
    })
}

/// Why a guest has not what it needs.
pub(super) fn missing(need: Need) -> &'static str {
    match need {
        Need::Arguments => "there are none",
        Need::Environment => "no variable is granted",
        Need::Stdin => "it is closed",
        Need::Stdout | Need::Stderr => "it is discarded",
        Need::Directories => "no directory is granted",
        Need::Network => "no address is granted",
        Need::Names => "no name is granted",
        Need::Requests => "no URL is granted",
        Need::Clock | Need::Randomness | Need::Exit => "",
    }
}

/// `key = ["one", "other"]`.
pub(super) fn list(key: &str, values: &[String]) -> String {
    let values: Vec<String> = values.iter().map(|value| quoted(value)).collect();
    format!("{key} = [{}]", values.join(", "))
}

/// The value, which may be a secret, is not shown.
pub(super) fn variable(name: &str) -> String {
    format!("{} = …", key_text(&[key::name("env"), key::name(name)]))
}

fn stdin(stdin: &Stdin) -> Option<String> {
    Some(match stdin {
        Stdin::Closed => return None,
        Stdin::Inherit => "stdin = \"inherit\"".to_owned(),
        Stdin::Text(_) => "stdin = { text = … }".to_owned(),
        Stdin::Bytes(_) => "stdin = { bytes = … }".to_owned(),
        Stdin::File(path) => format!("stdin = {{ file = {} }}", quoted(&path.display().to_string())),
    })
}

fn output(key: &str, output: &Output) -> Option<String> {
    Some(match output {
        Output::Discard => return None,
        Output::Inherit => format!("{key} = \"inherit\""),
        Output::Capture(size) => format!("{key} = {{ capture = {size} }}"),
        Output::File { path, size } => {
            format!(
                "{key} = {{ file = {{ path = {}, size = {size} }} }}",
                quoted(&path.display().to_string())
            )
        }
        Output::Lines(longest) => format!("{key} = {{ lines = {longest} }}"),
    })
}

pub(super) fn directory(Directory { host, guest, access, .. }: &Directory) -> String {
    with_host(&host.display().to_string(), guest, *access)
}

pub(super) fn scratch(guest: &str, bytes: u64, files: u64) -> String {
    format!("scratch = [{{ guest = {}, bytes = {bytes}, files = {files} }}]", quoted(guest))
}

/// What is in the files may be a secret, and long.
pub(super) fn files(Files { guest, .. }: &Files) -> String {
    format!("files = [{{ guest = {}, contents = … }}]", quoted(guest))
}

pub(super) fn directory_to_add(guest: &str, access: Access) -> String {
    with_host("…", guest, access)
}

fn with_host(host: &str, guest: &str, access: Access) -> String {
    let (host, guest) = (quoted(host), quoted(guest));
    format!("directories = [{{ host = {host}, guest = {guest}, access = {} }}]", quoted(access_text(access)))
}

pub(crate) fn access_text(access: Access) -> &'static str {
    match access {
        Access::ReadOnly => "read-only",
        Access::ReadWrite => "read-write",
    }
}
