//! Integration tests, a module per subject.

mod guests;

mod inspect;
mod json;
mod log;
mod missing;
mod typed;
mod untyped;
mod wave;
mod wrong_types;
