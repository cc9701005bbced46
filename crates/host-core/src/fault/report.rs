//! A fault in words and for machines: one line, the full form, serde.

use std::fmt;

use host_limits::{Exceeded, Usage};
use serde::{Serialize, Serializer};
use wasmtime::{WasmBacktrace, WasmCoreDump};

use super::{Fault, FaultKind, trap_name};
use crate::backtrace::Frame;
use crate::text::{kebab, one_line};

/// Who, what, where.
pub(super) fn line(fault: &Fault, f: &mut impl fmt::Write) -> fmt::Result {
    write!(f, "{}: ", fault.kind().who())?;
    match fault.kind() {
        FaultKind::Host => f.write_str(&whole(fault))?,
        kind => write!(f, "{kind}")?,
    }
    // Where a budget ran out says little: it is where the guest happened to be.
    match (fault.kind(), fault.backtrace().first()) {
        (FaultKind::Trap(_) | FaultKind::BadArgument(_) | FaultKind::Exception(_), Some(frame)) => {
            write!(f, ", in {frame}")
        }
        _ => Ok(()),
    }
}

/// The line, every cause that it does not tell already, the backtrace, and what was spent.
pub(super) fn full(fault: &Fault, f: &mut impl fmt::Write) -> fmt::Result {
    let mut told = String::new();
    line(fault, &mut told)?;
    f.write_str(&told)?;
    for cause in causes(fault) {
        if !told.contains(&cause) {
            write!(f, "\n  because: {cause}")?;
            told.push_str(&cause);
        }
    }
    for frame in fault.backtrace() {
        write!(f, "\n  at {frame}")?;
    }
    f.write_str("\n  spent: ")?;
    spent(fault.usage(), f)
}

fn spent(usage: &Usage, f: &mut impl fmt::Write) -> fmt::Result {
    if let Some(fuel) = usage.fuel {
        write!(f, "{fuel} of fuel, ")?;
    }
    write!(f, "{:?}, {} of memory at most", usage.elapsed, usage.peak_memory)?;
    if usage.refusals > 0 {
        write!(f, ", {} times refused more", usage.refusals)?;
    }
    Ok(())
}

/// An error with its causes on one line, without those that are told already.
fn whole(fault: &Fault) -> String {
    let mut line = String::new();
    for part in causes(fault) {
        if line.ends_with(&part) {
            continue;
        }
        if !line.is_empty() {
            line.push_str(": ");
        }
        line.push_str(&part);
    }
    line
}

/// The parts of an error, a line each; without the backtrace and core dump that Wasmtime attaches, which are texts of many lines.
fn causes(fault: &Fault) -> impl Iterator<Item = String> {
    /// A host's error may have any number of causes.
    const TOLD: usize = 32;
    let cause = fault.cause();
    let attached = [
        cause.downcast_ref::<WasmBacktrace>().map(ToString::to_string),
        cause.downcast_ref::<WasmCoreDump>().map(ToString::to_string),
    ];
    fault
        .error()
        .chain()
        .take(TOLD)
        .map(ToString::to_string)
        .filter(move |part| !attached.iter().flatten().any(|text| text == part))
        .map(|part| one_line(&part))
}

#[derive(Serialize)]
struct Report<'a> {
    who: &'static str,
    kind: &'static str,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    trap: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exit_code: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    budget: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    grant: Option<String>,
    backtrace: &'a [Frame],
    usage: &'a Usage,
}

impl Serialize for Fault {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let kind = self.kind();
        let report = Report {
            who: kind.who(),
            kind: kind.name(),
            message: self.to_string(),
            trap: self.trap().map(trap_name),
            exit_code: match kind {
                FaultKind::Exit(code) => Some(*code),
                _ => None,
            },
            budget: match kind {
                FaultKind::Budget(exceeded) => Some(budget_name(exceeded)),
                _ => None,
            },
            grant: match kind {
                FaultKind::Denied(denied) => Some(one_line(&denied.grant)),
                _ => None,
            },
            backtrace: self.backtrace(),
            usage: self.usage(),
        };
        report.serialize(serializer)
    }
}

/// The name of a budget for machines: that of its variant, in lower case and with hyphens.
fn budget_name(exceeded: &Exceeded) -> String {
    let debug = format!("{exceeded:?}");
    let variant = debug.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default();
    kebab(variant)
}
