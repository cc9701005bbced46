//! Integration tests, a module per subject.

mod guests;
mod types;

mod failures;
mod handles;
mod inspect;
mod json;
mod log;
mod missing;
mod properties;
mod schema;
mod typed;
mod untyped;
mod wave;
mod wrong_types;
