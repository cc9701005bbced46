//! stub
use std::sync::Arc;
use std::time::Duration;
/// stub
#[derive(Clone, Debug, thiserror::Error)]
#[error("busy")]
#[non_exhaustive]
pub struct Busy { /// s
 pub why: BusyReason, /// s
 pub waited: Duration, /// s
 pub tenant: Option<Arc<str>> }
/// stub
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BusyReason { /// s
 QueueFull, /// s
 Waited, /// s
 Pool }
#[derive(Clone)]
pub(crate) struct FairQueue;
pub(crate) struct Lane;
pub(crate) struct Permit;
impl FairQueue { pub(crate) fn close(&self) {} }
impl Lane { pub(crate) async fn admit(&self) -> Result<Permit, Busy> { Ok(Permit) } }
/// stub
#[derive(Clone, Debug, Default, PartialEq)]
pub struct QueueSettings { /// s
 pub wait: Duration }
