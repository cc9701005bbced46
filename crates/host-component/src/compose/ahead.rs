//! The same graph, put together into one component before the program runs.
//!
//! The component that comes out knows nothing of the graph: it is one guest, with one set of grants and limits. Its parts
//! call each other without the host.

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error as StdError;

use thiserror::Error;
use wac_graph::types::Package;
use wac_graph::{CompositionGraph, EncodeOptions, NodeId};

use super::wiring::Wiring;
use super::{Components, ComposeError};
use crate::names::quoted;

impl Components {
    /// Makes one component of the component `exporting` and all it imports from, directly or through others. It exports what
    /// `exporting` exports, and imports what none of them exports.
    ///
    /// `bytes` gives the binary form of the component added under a name; what was compiled from it cannot be taken apart
    /// again.
    ///
    /// # Errors
    ///
    /// [`AheadError::Wiring`] with the errors of [`order`](Components::order), or if there is no component `exporting`;
    /// [`AheadError::Component`] for bytes that are no component; [`AheadError::Fit`] if components do not fit together.
    pub fn compose_ahead<B: Into<Vec<u8>>>(
        &self,
        exporting: &str,
        mut bytes: impl FnMut(&str) -> B,
    ) -> Result<Vec<u8>, AheadError> {
        let Some(last) = self.get(exporting) else {
            let known = self.nodes.keys().cloned().collect();
            return Err(ComposeError::Unknown { name: exporting.to_owned(), known }.into());
        };
        let wiring = Wiring::of(self)?;
        let order = wiring.order()?;
        let used = used(&wiring, exporting);
        let mut graph = CompositionGraph::new();
        let mut instances: BTreeMap<&str, NodeId> = BTreeMap::new();
        for name in order.into_iter().filter(|name| used.contains(name)) {
            let unreadable = |source| AheadError::Component { node: name.to_owned(), source };
            let package = Package::from_bytes(name, None, bytes(name), graph.types_mut());
            let package = package.map_err(|error| unreadable(error.into()))?;
            let package = graph.register_package(package).map_err(|error| unreadable(error.into()))?;
            let instance = graph.instantiate(package);
            instances.insert(name, instance);
            for (import, wire) in wiring.of_importer(name) {
                let misfit = |source| AheadError::Fit {
                    importer: name.to_owned(),
                    interface: import.clone(),
                    exporter: wire.exporter.to_owned(),
                    source,
                };
                let Some(exporter) = instances.get(wire.exporter) else { continue };
                let export = graph.alias_instance_export(*exporter, &wire.export);
                let export = export.map_err(|error| misfit(error.into()))?;
                let connected = graph.set_instantiation_argument(instance, import, export);
                connected.map_err(|error| misfit(error.into()))?;
            }
        }
        if let Some(instance) = instances.get(exporting) {
            let ty = last.component_type();
            for (export, _) in ty.exports(last.engine()) {
                let alias = graph.alias_instance_export(*instance, export);
                let alias = alias.map_err(|error| AheadError::Encode { source: error.into() })?;
                graph.export(alias, export).map_err(|error| AheadError::Encode { source: error.into() })?;
            }
        }
        graph.encode(EncodeOptions::default()).map_err(|error| AheadError::Encode { source: error.into() })
    }
}

/// `exporting` and everything it imports from.
fn used<'a>(wiring: &Wiring<'a>, exporting: &'a str) -> BTreeSet<&'a str> {
    let mut used = BTreeSet::new();
    let mut next = vec![exporting];
    while let Some(name) = next.pop() {
        if used.insert(name) {
            next.extend(wiring.of_importer(name).values().map(|wire| wire.exporter));
        }
    }
    used
}

/// Why [`Components::compose_ahead`] made no component.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AheadError {
    /// It is not clear what is to be connected with what.
    #[error(transparent)]
    Wiring(#[from] ComposeError),
    /// The bytes of a component cannot be read.
    #[error("the bytes of {} are no component", quoted(.node))]
    Component {
        /// The component's name.
        node: String,
        /// What is wrong with them.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// What one component exports is not what another imports.
    #[error("{} cannot get {} from {}", quoted(.importer), quoted(.interface), quoted(.exporter))]
    Fit {
        /// The component that imports the interface.
        importer: String,
        /// The interface, as it is imported.
        interface: String,
        /// The component that exports it.
        exporter: String,
        /// The difference.
        source: Box<dyn StdError + Send + Sync>,
    },
    /// The components cannot be written as one.
    #[error("the components cannot be written as one")]
    Encode {
        /// Why.
        source: Box<dyn StdError + Send + Sync>,
    },
}
