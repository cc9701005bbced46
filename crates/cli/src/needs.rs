//! What a guest may use of WASI, and what grants it, in the words of the commands.

use std::fmt::Write;

use host_plugins::host_wasi::{Need, Needs};
use serde_json::{Value, json};

use crate::output::printable;

/// The needs on lines of their own, with an empty line before them; nothing if there are none.
pub(crate) fn text(needs: &Needs) -> String {
    let mut text = String::new();
    write(&mut text, needs).expect("writing to a String does not fail");
    text
}

fn write(text: &mut String, needs: &Needs) -> std::fmt::Result {
    let Needs { may_use, unserved, .. } = needs;
    if !may_use.is_empty() {
        writeln!(text, "\nmay use, if a policy or an option grants it:")?;
        for (what, grant) in may_use.iter().filter_map(|need| Some((what(*need), need.grant()?))) {
            match option(grant) {
                Some(option) => writeln!(text, "  {what}: {grant}, or {option}")?,
                None => writeln!(text, "  {what}: {grant}")?,
            }
        }
        let always: Vec<String> =
            may_use.iter().filter(|need| need.grant().is_none()).map(|need| what(*need)).collect();
        if !always.is_empty() {
            writeln!(text, "  and what every program has: {}", always.join(", "))?;
        }
    }
    if !unserved.is_empty() {
        writeln!(text, "\nWASI that is not served:")?;
        unserved.iter().try_for_each(|name| writeln!(text, "  {}", printable(name)))?;
    }
    Ok(())
}

/// What may be used, as data.
pub(crate) fn json(needs: &Needs) -> Value {
    needs.may_use.iter().map(|need| json!({ "what": what(*need), "grant": need.grant() })).collect()
}

/// What a guest may use, without how it is granted.
fn what(need: Need) -> String {
    let text = need.to_string();
    text.split_once(" (").map_or(text.clone(), |(what, _)| what.to_owned())
}

/// The option that grants what a policy grants by this key.
fn option(grant: &str) -> Option<&'static str> {
    match grant {
        "args" => Some("ARGS"),
        "[env], inherit-env" => Some("--env"),
        "[[directories]]" => Some("--dir"),
        _ => None,
    }
}
