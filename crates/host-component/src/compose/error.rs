//! Why can components not be put together, and which of them failed?

use std::fmt;

use thiserror::Error;

use super::MOST_COMPONENTS;
use crate::doctor;
use crate::names::{list, quoted};

/// Why [`Components`](super::Components) could not be linked or instantiated.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ComposeError {
    /// There is a component of that name already.
    #[error("there are two components named {}; give one of them another name", quoted(.name))]
    Duplicate {
        /// The name.
        name: String,
    },
    /// The graph has no room for another component.
    #[error("{} is one component too many; a graph holds {MOST_COMPONENTS}", quoted(.name))]
    TooMany {
        /// The name of the component that was not added.
        name: String,
    },
    /// A component is named that was not added.
    #[error("there is no component named {}; there are {}", quoted(.name), list(.known))]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A connection is for an interface that its importer does not import.
    #[error(
        "{} is connected to {}, which it does not import; it imports {}",
        quoted(.importer), quoted(.interface), list(.imports)
    )]
    NotImported {
        /// The component of the connection.
        importer: String,
        /// The interface of the connection.
        interface: String,
        /// The interfaces the component does import.
        imports: Vec<String>,
    },
    /// A connection is to a component that does not export the interface.
    #[error(
        "{} is to get {} from {}, which exports {}",
        quoted(.importer), quoted(.interface), quoted(.exporter), list(.exports)
    )]
    NotExported {
        /// The component that imports the interface.
        importer: String,
        /// The interface of the connection.
        interface: String,
        /// The component of the connection.
        exporter: String,
        /// The interfaces the component does export.
        exports: Vec<String>,
    },
    /// Several components export what one imports.
    #[error(
        "{} imports {}, which {} export; say which one it is with `Components::connect`",
        quoted(.importer), quoted(.interface), list(.exporters)
    )]
    Ambiguous {
        /// The component that imports the interface.
        importer: String,
        /// The interface, as it is imported.
        interface: String,
        /// The components that export it.
        exporters: Vec<String>,
    },
    /// Components import from each other in a circle, so that none of them can be the first.
    #[error("components import from each other in a circle: {}", circle(.names))]
    Cycle {
        /// The components, each importing from the next and the last from the first.
        names: Vec<String>,
    },
    /// Something belongs to another engine.
    #[error("{what} belongs to another engine; make all with one engine")]
    OtherEngine {
        /// What it is.
        what: String,
    },
    /// Imports are missing, or of another type than what is offered; all of them.
    #[error("the components do not fit together{}", told(.problems))]
    Imports {
        /// What does not fit; never empty.
        problems: Vec<Problem>,
    },
    /// The components were linked for the other kind of store.
    #[error("the components were linked with `{linked}`; instantiate them with `{instantiate}`")]
    OtherMode {
        /// How they were linked.
        linked: &'static str,
        /// What goes with it.
        instantiate: &'static str,
    },
    /// The store's [`Composition`](super::Composition) holds components already.
    #[error("the store holds composed components already; use a new store")]
    Occupied,
    /// A component could not be instantiated: it trapped, a budget ran out, or a host function failed.
    #[error("the component {} could not be instantiated", quoted(.node))]
    Instantiate {
        /// The component's name.
        node: String,
        /// Wasmtime's error, with a [`NodeFailed`] in it.
        source: wasmtime::Error,
    },
}

impl ComposeError {
    /// The error as one of Wasmtime's, in which the trap or the host's own error can be found by `downcast_ref`: for work that
    /// is watched by something that tells causes apart.
    pub fn into_error(self) -> wasmtime::Error {
        match self {
            ComposeError::Instantiate { source, .. } => source,
            other => other.into(),
        }
    }
}

/// One thing that does not fit, in one component's imports.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Problem {
    /// The component that exports the interface lacks an item of it.
    Lacks {
        /// The component that imports.
        importer: String,
        /// The interface, as it is imported.
        interface: String,
        /// The item that is missing.
        item: String,
        /// The component that exports the interface.
        exporter: String,
    },
    /// An item has another type where it is exported.
    Differs {
        /// The component that imports.
        importer: String,
        /// The interface, as it is imported.
        interface: String,
        /// The item that differs.
        item: String,
        /// The component that exports the interface.
        exporter: String,
        /// Where inside the type, and both sides.
        reason: String,
    },
    /// An item cannot be passed between components, whoever exports it.
    Unsupported {
        /// The component that imports.
        importer: String,
        /// The interface, as it is imported.
        interface: String,
        /// The item.
        item: String,
        /// What it is that cannot be passed.
        what: &'static str,
    },
    /// What no component exports, the linker does not offer either.
    Host {
        /// The component that imports.
        importer: String,
        /// What the linker lacks.
        report: doctor::Report,
    },
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Problem::Lacks { importer, interface, item, exporter } => write!(
                f,
                "{} imports {} of {}, which {} exports without it",
                quoted(importer),
                quoted(item),
                quoted(interface),
                quoted(exporter)
            ),
            Problem::Differs { importer, interface, item, exporter, reason } => write!(
                f,
                "{} imports {} of {}, which {} exports with another type: {reason}",
                quoted(importer),
                quoted(item),
                quoted(interface),
                quoted(exporter)
            ),
            Problem::Unsupported { importer, interface, item, what } => write!(
                f,
                "{} imports {} of {}, and {what} cannot be passed between components",
                quoted(importer),
                quoted(item),
                quoted(interface)
            ),
            Problem::Host { importer, report } => write!(f, "{}: {report}", quoted(importer)),
        }
    }
}

/// Which component of a graph failed. Found by `downcast_ref` in the error of a call, beside what happened.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
#[error("the component {} failed {}{}", quoted(.node), place(.function.as_deref()), spent(*.fuel_share))]
pub struct NodeFailed {
    /// The component's name in its graph.
    pub node: String,
    /// The function that was called, `my-org:chain/titles@0.1.0#title`; none while the component was instantiated, or where
    /// the host called.
    pub function: Option<String>,
    /// The share of the store's fuel that the component had used up, if that is why.
    pub fuel_share: Option<u64>,
}

fn place(function: Option<&str>) -> String {
    function
        .map_or_else(|| "while the host used it".to_owned(), |function| format!("in {}", quoted(function)))
}

fn spent(share: Option<u64>) -> String {
    share.map_or_else(String::new, |share| format!(", its share of {share} of the fuel being spent"))
}

fn circle(names: &[String]) -> String {
    let around = names.iter().chain(names.first());
    around.map(|name| quoted(name)).collect::<Vec<_>>().join(" from ")
}

/// How many problems an error prints before it says how many more there are.
const PRINTED: usize = 50;

fn told(problems: &[Problem]) -> String {
    let [one] = problems else {
        let mut text = format!(", for {} reasons:", problems.len());
        for problem in problems.iter().take(PRINTED) {
            text.push_str(&format!("\n  {problem}"));
        }
        if let Some(more) = problems.len().checked_sub(PRINTED).filter(|more| *more > 0) {
            text.push_str(&format!("\n  and {more} more"));
        }
        return text;
    };
    format!(": {one}")
}
