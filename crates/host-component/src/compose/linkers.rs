//! What does the host offer to which component?

use std::collections::BTreeMap;

use wasmtime::Engine;
use wasmtime::component::Linker;

use super::{Components, ComposeError};
use crate::names::printable;

/// The linkers of a graph: one for all its components, and others for single ones.
///
/// `&Linker` can be used in its place where all have the same.
#[derive(Clone)]
pub struct Linkers<'a, T: 'static> {
    all: &'a Linker<T>,
    own: BTreeMap<String, &'a Linker<T>>,
}

impl<'a, T: 'static> Linkers<'a, T> {
    /// `linker` for every component.
    pub fn new(linker: &'a Linker<T>) -> Linkers<'a, T> {
        Linkers { all: linker, own: BTreeMap::new() }
    }

    /// Gives the component `name` another linker.
    #[must_use]
    pub fn node(mut self, name: impl Into<String>, linker: &'a Linker<T>) -> Linkers<'a, T> {
        self.own.insert(name.into(), linker);
        self
    }

    pub(super) fn of(&self, name: &str) -> &'a Linker<T> {
        self.own.get(name).copied().unwrap_or(self.all)
    }

    pub(super) fn engine(&self) -> &'a Engine {
        self.all.engine()
    }

    /// Whether every linker is for a component there is, and of one engine.
    pub(super) fn check(&self, components: &Components) -> Result<(), ComposeError> {
        if let Some((name, _)) = self.own.iter().find(|(_, own)| !Engine::same(own.engine(), self.engine())) {
            return Err(ComposeError::OtherEngine { what: format!("the linker of `{}`", printable(name)) });
        }
        match self.own.keys().find(|name| components.get(name).is_none()) {
            None => Ok(()),
            Some(name) => Err(ComposeError::Unknown {
                name: name.clone(),
                known: components.nodes.keys().cloned().collect(),
            }),
        }
    }
}

impl<'a, T: 'static> From<&'a Linker<T>> for Linkers<'a, T> {
    fn from(linker: &'a Linker<T>) -> Linkers<'a, T> {
        Linkers::new(linker)
    }
}
