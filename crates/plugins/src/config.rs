//! Which configuration values does a guest find in `wasi:config/store`?

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, LazyLock};

use wasmtime_wasi_config::{WasiConfig, WasiConfigVariables};

/// The full name of the interface.
pub(crate) const INTERFACE: &str = "wasi:config/store@0.2.0-rc.1";

static NOTHING: LazyLock<WasiConfigVariables> = LazyLock::new(WasiConfigVariables::new);

/// Configuration values by key, for a guest to read by `wasi:config/store`. Default: none.
///
/// They are made once and shared: a clone copies nothing. The order in which a guest gets them all is not told.
#[derive(Clone, Default)]
pub struct ConfigValues(Option<Arc<WasiConfigVariables>>);

impl ConfigValues {
    /// None.
    pub const fn new() -> ConfigValues {
        ConfigValues(None)
    }

    pub(crate) fn view(&self) -> WasiConfig<'_> {
        WasiConfig::from(self.0.as_deref().unwrap_or(&NOTHING))
    }
}

impl<S: Into<String>> FromIterator<(S, S)> for ConfigValues {
    fn from_iter<I: IntoIterator<Item = (S, S)>>(values: I) -> ConfigValues {
        let mut values = values.into_iter().peekable();
        ConfigValues(values.peek().is_some().then(|| Arc::new(values.collect())))
    }
}

impl From<&BTreeMap<String, String>> for ConfigValues {
    fn from(values: &BTreeMap<String, String>) -> ConfigValues {
        values.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
    }
}

/// Without the values: they may be secrets.
impl fmt::Debug for ConfigValues {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("ConfigValues").field("any", &self.0.is_some()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::ConfigValues;

    #[test]
    fn values_are_shared_and_kept_out_of_debug() {
        let values: ConfigValues = [("key", "secret")].into_iter().collect();
        let clone = values.clone();
        assert!(Arc::ptr_eq(values.0.as_ref().unwrap(), clone.0.as_ref().unwrap()));
        assert!(!format!("{values:?}").contains("secret"));
        assert!(ConfigValues::from_iter::<[(&str, &str); 0]>([]).0.is_none());
    }
}
