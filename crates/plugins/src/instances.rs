//! Instances of plugins: how long one lives, and where it waits between calls.

mod idle;
mod live;
mod policy;

pub use self::policy::InstancePolicy;

pub(crate) use self::idle::Idle;
pub(crate) use self::live::{BytesExport, Live, Running};
