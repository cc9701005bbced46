//! The same jobs, each in the way of one runtime.

pub(crate) mod extism;
pub(crate) mod host;
pub(crate) mod raw;
pub(crate) mod trusted;
pub(crate) mod wasmer;
