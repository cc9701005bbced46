//! What the doctor found, as data and as text.

use std::fmt;

use serde::Serialize;

use crate::names::{list, quoted};

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
        /// Names of the same interface in other versions that the host offers.
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
        /// Wasmtime's words for the difference.
        reason: String,
    },
    /// It cannot be said whether it fits before other problems are solved.
    Unchecked {
        /// The import's name.
        import: String,
        /// Why it cannot be said.
        reason: String,
    },
    /// The component lacks an export that is expected of it.
    MissingExport {
        /// The export's name.
        export: String,
        /// Names that may have been meant.
        near: Vec<String>,
        /// Full names of the functions that are exported.
        offered: Vec<String>,
    },
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
            Problem::Missing { what, import, item: Some(item), .. } => {
                write!(f, "the {what} {} of {} is missing", quoted(item), quoted(import))
            }
            Problem::Missing { what, import, item: None, versions, near } => {
                write!(f, "the {what} {} is missing", quoted(import))?;
                if !versions.is_empty() {
                    write!(f, "; the host offers {}", names(versions))?;
                } else if !near.is_empty() {
                    write!(f, "; did you mean {}?", names(near))?;
                }
                Ok(())
            }
            Problem::Differs { import, item: Some(item), reason } => {
                write!(f, "{} of {} has another type: {reason}", quoted(item), quoted(import))
            }
            Problem::Differs { import, item: None, reason } => {
                write!(f, "{} has another type: {reason}", quoted(import))
            }
            Problem::Unchecked { import, reason } => {
                write!(f, "{} could not be checked: {reason}", quoted(import))
            }
            Problem::MissingExport { export, near, offered } => {
                write!(f, "the component does not export {}", quoted(export))?;
                if near.is_empty() {
                    write!(f, "; it exports {}", names(offered))
                } else {
                    write!(f, "; did you mean {}?", names(near))
                }
            }
        }
    }
}

fn names(names: &[String]) -> String {
    list(names.iter().map(String::as_str))
}
