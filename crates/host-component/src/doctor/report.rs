//! What the doctor found, as data and as text.

use std::fmt::{self, Write};

use serde::Serialize;

use super::advice::Advice;
use crate::compare::Difference;
use crate::names::{InterfaceName, list, list_and_more, quoted};

/// Everything that keeps a component from being instantiated and used.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Report {
    /// The problems, imports first, in the component's order; never empty.
    pub problems: Vec<Problem>,
}

/// One thing that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "problem", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Problem {
    /// The component imports what the host does not have.
    Missing {
        /// What is missing: `interface`, `function`, `resource`, `module`, `component`.
        what: String,
        /// The import's name: `wasi:clocks/wall-clock@0.3.0`, or `log`.
        import: String,
        /// The item that is missing of an interface the host has.
        item: Option<String>,
        /// Names of the same interface in other versions that the host offers. With an item, they are compatible ones
        /// without that item; otherwise none of them is compatible.
        versions: Vec<String>,
        /// Names that may have been meant, if there are no other versions.
        near: Vec<String>,
    },
    /// The host has it, but with another type.
    Differs {
        /// The import's name.
        import: String,
        /// The item of the interface that differs.
        item: Option<String>,
        /// The difference in words: Wasmtime's, unless it is known better.
        reason: String,
        /// Where the component's type (left) differs from the host's (right), if a [`World`](crate::World) says what the
        /// host has.
        differences: Vec<Difference>,
    },
    /// It cannot be said whether it fits before other problems are solved.
    Unchecked {
        /// The name of the import, or of the export that is expected.
        import: String,
        /// Why it cannot be said.
        reason: String,
    },
    /// The component lacks an export that is expected of it.
    MissingExport {
        /// The export's name: an interface, or a function such as `my-org:my-plugin/plugin-api@0.1.0#process`.
        export: String,
        /// Names of the same interface in other versions that the component exports; none of them is compatible.
        versions: Vec<String>,
        /// Names that may have been meant.
        near: Vec<String>,
        /// Names of what is exported, of the first 20.
        offered: Vec<String>,
        /// How many more exports there are.
        more: usize,
        /// The type that is expected of a function, as WIT.
        expected: Option<String>,
    },
    /// The component has an export that is expected of it, but with another type.
    ExportDiffers {
        /// The export's name: an interface, or a function such as `my-org:my-plugin/plugin-api@0.1.0#process`.
        export: String,
        /// The difference in words.
        reason: String,
        /// Where the component's type (left) differs from the expected one (right).
        differences: Vec<Difference>,
    },
}

impl Report {
    /// Everything that is known of each problem, on several lines: both sides of what differs, and what to do about it.
    pub fn explain(&self) -> String {
        let mut text = String::new();
        for (index, problem) in self.problems.iter().enumerate() {
            let number = format!("{}. ", index + 1);
            let indent = " ".repeat(number.len());
            if index > 0 {
                text.push('\n');
            }
            // Writing to a String does not fail.
            let _ = writeln!(text, "{number}{problem}");
            let (other, differences) = problem.differences();
            for difference in differences {
                for line in difference.sides("the component", other).lines() {
                    let _ = writeln!(text, "{indent}  {line}");
                }
            }
            let Advice { guest, embedder } = problem.advice();
            let _ = writeln!(text, "{indent}the component's author: {guest}");
            let _ = writeln!(text, "{indent}the embedder: {embedder}");
        }
        text
    }
}

impl Problem {
    /// Where types differ, and whose the right side is.
    fn differences(&self) -> (&'static str, &[Difference]) {
        match self {
            Problem::Differs { differences, .. } => ("the host", differences),
            Problem::ExportDiffers { differences, .. } => ("the expected world", differences),
            _ => ("", &[]),
        }
    }
}

impl std::error::Error for Report {}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.problems.as_slice() {
            [one] => write!(f, "the component does not fit this host: {one}"),
            several => {
                write!(f, "the component does not fit this host, for {} reasons:", several.len())?;
                several.iter().try_for_each(|problem| write!(f, "\n  {problem}"))
            }
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Missing { what, import, item: Some(item), versions, .. } => {
                write!(f, "the {what} {} of {} is missing", quoted(item), quoted(import))?;
                if !versions.is_empty() {
                    write!(f, "; the host offers {}, which is compatible but lacks it", list(versions))?;
                }
                Ok(())
            }
            Problem::Missing { what, import, item: None, versions, near } => {
                write!(f, "the {what} {} is missing", quoted(import))?;
                if !versions.is_empty() {
                    write!(f, "; the host offers {}, {}", list(versions), incompatible(import, versions))?;
                } else if !near.is_empty() {
                    write!(f, "; did you mean {}?", list(near))?;
                }
                Ok(())
            }
            Problem::Differs { import, item: Some(item), reason, .. } => {
                write!(f, "{} of {} has another type: {reason}", quoted(item), quoted(import))
            }
            Problem::Differs { import, item: None, reason, .. } => {
                write!(f, "{} has another type: {reason}", quoted(import))
            }
            Problem::Unchecked { import, reason } => {
                write!(f, "{} could not be checked: {reason}", quoted(import))
            }
            Problem::MissingExport { export, versions, near, offered, more, .. } => {
                write!(f, "the component does not export {}", quoted(export))?;
                if !versions.is_empty() {
                    write!(f, "; it exports {}, {}", list(versions), incompatible(export, versions))
                } else if !near.is_empty() {
                    write!(f, "; did you mean {}?", list(near))
                } else if !offered.is_empty() || !export.contains('#') {
                    write!(f, "; it exports {}", list_and_more(offered, *more))
                } else {
                    Ok(())
                }
            }
            Problem::ExportDiffers { export, reason, .. } => {
                write!(f, "the export {} has another type: {reason}", quoted(export))
            }
        }
    }
}

/// Why none of the versions does.
fn incompatible(wanted: &str, versions: &[String]) -> String {
    let version = |name: &str| InterfaceName::parse(name).version.map(str::to_owned);
    let (Some(wanted), Some(offered)) = (version(wanted), versions.first().and_then(|name| version(name)))
    else {
        return "and a name with a version is never the same as one without".to_owned();
    };
    let pre_release = [&wanted, &offered].into_iter().any(|version| version.contains('-'));
    let why = if pre_release {
        "a pre-release is compatible with nothing but itself"
    } else if wanted.starts_with("0.0.") || offered.starts_with("0.0.") {
        "versions below 0.1 are compatible with nothing but themselves"
    } else if wanted.starts_with("0.") && offered.starts_with("0.") {
        "below 1.0 the second number must be the same"
    } else {
        "the first number must be the same"
    };
    format!("which is not compatible: {why}")
}
