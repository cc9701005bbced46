//! stub
use std::time::Duration;
use serde::{Deserialize, Serialize};
/// stub
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct BreakerSettings { /// s
 pub faults: u32, /// s
 pub within: Duration }
/// stub
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum BreakerScope { /// s
#[default] Tenant, /// s
 Plugin }
