//! Does a call get a fresh instance, or one that has served before?
mod policy;

pub use policy::InstancePolicy;
