//! Integration tests, a module per subject.

mod guests;
mod types;

mod failures;
mod handles;
mod binary;
mod compare;
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
