//! `Cost`: what one instance takes.

/// What one instance takes, all that it instantiates included.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Cost {
    pub(crate) instances: u64,
    pub(crate) memories: u64,
    /// In bytes, from the start.
    pub(crate) memory: u64,
    pub(crate) tables: u64,
    pub(crate) table_elements: u64,
    /// Instances of modules that are not known here: each may be of the largest one.
    pub(crate) unknown_modules: u64,
}

impl Cost {
    /// One instance of nothing.
    pub(crate) const INSTANCE: Cost =
        Cost { instances: 1, memories: 0, memory: 0, tables: 0, table_elements: 0, unknown_modules: 0 };

    /// Both together.
    pub(crate) fn add(&mut self, other: Cost) {
        *self = self.zip(other, u64::saturating_add);
    }

    /// The larger of each.
    pub(crate) fn max(&mut self, other: Cost) {
        *self = self.zip(other, u64::max);
    }

    /// The same, where each module that is not known is taken for `largest`.
    pub(crate) fn with_unknown(mut self, largest: Cost) -> Cost {
        let unknown = self.unknown_modules;
        // The instances themselves are counted already.
        self.add(Cost { instances: 0, ..largest.zip(largest, |each, _| each.saturating_mul(unknown)) });
        self
    }

    fn zip(self, other: Cost, both: impl Fn(u64, u64) -> u64) -> Cost {
        Cost {
            instances: both(self.instances, other.instances),
            memories: both(self.memories, other.memories),
            memory: both(self.memory, other.memory),
            tables: both(self.tables, other.tables),
            table_elements: both(self.table_elements, other.table_elements),
            unknown_modules: both(self.unknown_modules, other.unknown_modules),
        }
    }
}
