//! `Instances`: what linked modules become in a store.

use std::collections::BTreeMap;
use std::ops::Index;
use std::sync::Arc;

use wasmtime::Instance;

use crate::text::one_line;

/// The instances of linked modules in one store, by the names under which the modules were added: `instances["app"]`.
#[derive(Clone, Debug)]
pub struct Instances {
    positions: Arc<BTreeMap<String, usize>>,
    instances: Vec<Instance>,
}

impl Instances {
    pub(super) fn new(positions: Arc<BTreeMap<String, usize>>, instances: Vec<Instance>) -> Instances {
        Instances { positions, instances }
    }

    /// The instance of the module that was added under `name`.
    pub fn get(&self, name: &str) -> Option<Instance> {
        self.positions.get(name).map(|position| self.instances[*position])
    }

    /// All of them, by their names in alphabetical order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, Instance)> {
        self.positions.iter().map(|(name, position)| (name.as_str(), self.instances[*position]))
    }
}

/// # Panics
///
/// If no module was added under this name.
impl Index<&str> for Instances {
    type Output = Instance;

    fn index(&self, name: &str) -> &Instance {
        match self.positions.get(name) {
            Some(position) => &self.instances[*position],
            None => panic!("no module named `{}` was linked", one_line(name)),
        }
    }
}
