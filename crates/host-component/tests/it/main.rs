//! Integration tests, a module per subject.

mod armed;
mod guests;
mod types;

mod binary;
mod compare;
mod compose;
mod compose_chain;
mod compose_resources;
mod failures;
mod handles;
mod host_memory;
mod inspect;
mod json;
mod json_text;
mod log;
mod missing;
mod properties;
mod resources;
mod schema;
mod storage;
#[cfg(feature = "component-model-async")]
mod streams;
mod stubs;
mod typed;
mod untyped;
mod versions;
mod waiting;
mod wave;
mod worlds;
mod wrong_types;
