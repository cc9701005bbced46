#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

mod limits;

mod arm;
mod meter;

mod account;
mod ledger;

mod deadline;
mod ticker;

mod exceeded;
mod usage;

mod static_limits;

mod bytes;
#[doc(hidden)]
pub mod text;

pub use crate::arm::{ArmError, arm, arm_async, disarm};
pub use crate::bytes::{Bytes, ParseBytesError};
pub use crate::deadline::{CancelHandle, Deadline};
pub use crate::exceeded::Exceeded;
pub use crate::ledger::{Ledger, LedgerLimits, LedgerUsage};
pub use crate::limits::{Limits, OnRefusal};
pub use crate::meter::{HasMeter, Meter, Nested};
pub use crate::static_limits::{
    ParseProposalError, Proposal, Proposals, Rejected, Shape, StaticLimit, StaticLimits,
};
pub use crate::ticker::{StartError, Ticker};
pub use crate::usage::{Usage, usage};
