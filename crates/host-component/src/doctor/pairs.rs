//! Which resources of a component and of a world are the same one?

use wasmtime::component::ResourceType;

/// Resources of the left and of the right that are known to be the same one.
#[derive(Default)]
pub(super) struct Pairs(Vec<(ResourceType, ResourceType)>);

/// Resources paired; more than that are taken to be the same if they have the same name.
const PAIRED: usize = 2_000;

impl Pairs {
    /// Notes that two resources have the same name in the same interface. Says whether that contradicts what is known.
    pub(super) fn note(&mut self, left: ResourceType, right: ResourceType) -> bool {
        match self.agree(&left, &right) {
            Some(agree) => agree,
            None => {
                if self.0.len() < PAIRED {
                    self.0.push((left, right));
                }
                true
            }
        }
    }

    /// Whether the left one has a partner.
    pub(super) fn knows(&self, left: &ResourceType) -> bool {
        self.0.iter().any(|(known, _)| known == left)
    }

    /// Whether the two are the same resource, if that is known.
    pub(super) fn agree(&self, left: &ResourceType, right: &ResourceType) -> Option<bool> {
        self.0.iter().find(|(a, b)| a == left || b == right).map(|(a, b)| a == left && b == right)
    }
}
