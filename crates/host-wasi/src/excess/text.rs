//! How is a part of grants said in a few words?

use crate::key::quoted;
use crate::{Clocks, Output, Quota, Randomness, Stdin};

pub(super) fn list(values: &[String]) -> String {
    if values.is_empty() {
        return "nothing".to_owned();
    }
    values.iter().map(|value| quoted(value)).collect::<Vec<_>>().join(", ")
}

pub(super) fn stdin_text(stdin: &Stdin) -> String {
    match stdin {
        Stdin::Closed => "\"closed\"".to_owned(),
        Stdin::Inherit => "\"inherit\"".to_owned(),
        // What is in it may be a secret, and long.
        Stdin::Text(_) => "a text".to_owned(),
        Stdin::Bytes(_) => "bytes".to_owned(),
        Stdin::File(path) => format!("the file {}", quoted(&path.display().to_string())),
    }
}

pub(super) fn output_text(output: &Output) -> String {
    match output {
        Output::Discard => "\"discard\"".to_owned(),
        Output::Inherit => "\"inherit\"".to_owned(),
        Output::Capture(bytes) => format!("{{ capture = {bytes} }}"),
        Output::File { path, size } => {
            format!("{{ file = {{ path = {}, size = {size} }} }}", quoted(&path.display().to_string()))
        }
        Output::Lines(longest) => format!("{{ lines = {longest} }}"),
    }
}

pub(super) fn clocks_text(clocks: Clocks) -> String {
    match clocks {
        Clocks::Real => "\"real\"".to_owned(),
        Clocks::Fixed(time) => format!("{{ fixed = \"{time}\" }}"),
        Clocks::Stepped { start, step } => {
            format!(
                "{{ stepped = {{ start = \"{start}\", step = \"{}\" }} }}",
                humantime::format_duration(step)
            )
        }
    }
}

pub(super) fn random_text(random: Randomness) -> String {
    match random {
        Randomness::Real => "\"real\"".to_owned(),
        Randomness::Seeded(seed) => format!("{{ seeded = {seed} }}"),
    }
}

pub(super) fn quota_text(quota: Option<Quota>) -> String {
    match quota {
        Some(Quota { bytes, files }) => format!("{{ bytes = {bytes}, files = {files} }}"),
        None => "no quota".to_owned(),
    }
}
