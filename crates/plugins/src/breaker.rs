//! stub
mod settings;
pub use settings::{BreakerSettings, BreakerScope};
use std::sync::Arc;
use std::time::{Duration, Instant};
pub(crate) struct Breakers;
pub(crate) struct Admission;
pub(crate) struct Open { pub(crate) retry_after: Duration }
/// stub
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum BreakerState { /// s
 Closed, /// s
 Open, /// s
 HalfOpen }
impl Breakers {
    pub(crate) fn new(_: BreakerSettings) -> Breakers { Breakers }
    pub(crate) fn admit(&self, _: Option<&Arc<str>>, _: Instant) -> Result<Admission, Open> { Ok(Admission) }
    pub(crate) fn record(&self, _: Option<&Arc<str>>, _: Admission, _: Instant, _bad: bool) -> Option<BreakerState> { None }
}
