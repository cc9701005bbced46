//! Integration tests, a module per subject.

mod guests;
mod types;

mod failures;
mod handles;
mod binary;
mod compare;
mod compose;
mod compose_chain;
mod compose_resources;
mod inspect;
mod json;
mod log;
mod missing;
mod properties;
mod schema;
mod stubs;
mod typed;
mod untyped;
mod wave;
mod worlds;
mod wrong_types;
