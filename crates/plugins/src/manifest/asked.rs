//! `Asked`: settings together with which of their keys were written.

use std::collections::BTreeSet;

use serde::de::DeserializeOwned;
use serde::{Serialize, Serializer, ser};
use serde_json::{Map, Value};

/// Settings, and which of their keys were written. What was not written has some value here, too, and does not count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Asked<T> {
    value: T,
    keys: BTreeSet<String>,
}

impl<T> Asked<T> {
    /// `value`, of which only `keys` count, each as it is written in a file.
    pub fn some(value: T, keys: impl IntoIterator<Item = impl Into<String>>) -> Asked<T> {
        Asked { value, keys: keys.into_iter().map(Into::into).collect() }
    }

    /// The settings. What was not written has its own default.
    pub fn value(&self) -> &T {
        &self.value
    }

    /// Whether `key` was written.
    pub fn names(&self, key: &str) -> bool {
        self.keys.contains(key)
    }

    pub(super) fn value_mut(&mut self) -> &mut T {
        &mut self.value
    }
}

impl<T: Serialize + DeserializeOwned> Asked<T> {
    /// `base`, with what was written in its place.
    pub(super) fn over(&self, base: &T) -> Result<T, serde_json::Error> {
        let mut table = as_table(base)?;
        table.extend(self.written()?);
        serde_json::from_value(Value::Object(table))
    }

    fn written(&self) -> Result<Map<String, Value>, serde_json::Error> {
        Ok(as_table(&self.value)?.into_iter().filter(|(key, _)| self.keys.contains(key)).collect())
    }
}

/// Settings as a table by key.
pub(super) fn as_table(settings: &impl Serialize) -> Result<Map<String, Value>, serde_json::Error> {
    serde_json::from_value(serde_json::to_value(settings)?)
}

/// Only what was written.
impl<T: Serialize + DeserializeOwned> Serialize for Asked<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.written().map_err(ser::Error::custom)?)
    }
}
