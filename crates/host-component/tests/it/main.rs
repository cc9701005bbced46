//! Integration tests, a module per subject.

mod armed;
mod guests;

mod host_memory;
mod inspect;
mod json;
mod log;
mod missing;
mod resources;
mod storage;
#[cfg(feature = "component-model-async")]
mod streams;
mod typed;
mod untyped;
mod versions;
mod waiting;
mod wave;
mod wrong_types;
