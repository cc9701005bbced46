//! Integration tests, a module per subject.

mod guests;

mod compose;
mod compose_chain;
mod compose_resources;
mod inspect;
mod json;
mod log;
mod missing;
mod typed;
mod untyped;
mod wave;
mod wrong_types;
