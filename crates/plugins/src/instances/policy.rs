//! stub
use serde::{Deserialize, Serialize};
use std::time::Duration;
/// stub
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InstancePolicy {
    /// stub
    #[default]
    Fresh,
    /// stub
    Warm {
        /// s
        max_idle: u32,
        /// s
        max_calls: u32,
        /// s
        max_age: Duration,
    },
}
