//! Which exit code says what, and the words that go with it.

use host_plugins::host_core::{Fault, FaultKind};
use host_plugins::host_limits::Exceeded;

use crate::output::{printable, tell};

/// An export returned an error.
pub(crate) const ERR: i32 = 1;
/// The program was not done in time, as the `timeout` command has it.
const DEADLINE: i32 = 124;
/// Our own side failed, or was asked for what cannot be done.
const OWN: i32 = 125;
/// The program trapped, or ran out of something else: as if by SIGABRT.
const TRAP: i32 = 134;
/// The program ran out of memory: as if by SIGKILL.
const MEMORY: i32 = 137;

/// Tells why nothing came of it, with all causes. Gives the exit code.
pub(crate) fn report_error(error: &anyhow::Error) -> i32 {
    let mut text = format!("wasm-host: {}", lines(&error.to_string()));
    for cause in error.chain().skip(1) {
        text.push_str(&format!("\n  because: {}", lines(&cause.to_string())));
    }
    tell(&text);
    OWN
}

/// Tells in one line why a program was stopped, and where it was if `backtrace` asks for it. Gives the exit code.
pub(crate) fn report_fault(fault: &Fault, backtrace: bool) -> i32 {
    let mut text = format!("wasm-host: {}", printable(&fault.to_string()));
    if let Some(flag) = flag(fault.kind()) {
        text.push_str(&format!("; raise it with {flag}"));
    }
    if backtrace {
        text.push_str(&where_it_was(fault));
    }
    tell(&text);
    code(fault.kind())
}

/// The functions that were running, each on a line of its own.
pub(crate) fn where_it_was(fault: &Fault) -> String {
    if fault.backtrace().is_empty() {
        return "\n  no code of the program was running".to_owned();
    }
    let frames = fault.backtrace().iter().enumerate();
    frames.map(|(depth, frame)| format!("\n  {depth:3}: {}", printable(&frame.to_string()))).collect()
}

fn code(kind: &FaultKind) -> i32 {
    match kind {
        FaultKind::Exit(code) => *code,
        FaultKind::Budget(Exceeded::Deadline { .. } | Exceeded::Cancelled) => DEADLINE,
        FaultKind::Budget(
            Exceeded::Memory { .. }
            | Exceeded::Memories { .. }
            | Exceeded::Tables { .. }
            | Exceeded::TableElements { .. },
        ) => MEMORY,
        kind if kind.who() == "host" => OWN,
        _ => TRAP,
    }
}

/// The option that raises the budget that ran out.
fn flag(kind: &FaultKind) -> Option<&'static str> {
    match kind {
        FaultKind::Budget(Exceeded::Deadline { .. }) => Some("--timeout"),
        FaultKind::Budget(Exceeded::Memory { .. }) => Some("--memory"),
        FaultKind::Budget(Exceeded::Fuel { .. }) => Some("--fuel"),
        FaultKind::Budget(Exceeded::Cancelled) => None,
        FaultKind::Budget(_) => Some("a --policy file"),
        _ => None,
    }
}

/// Text of several lines, the later ones indented.
fn lines(text: &str) -> String {
    text.trim_end().lines().map(printable).collect::<Vec<_>>().join("\n    ")
}
