//! Integration tests, a module per subject.

mod guests;

mod binary;
mod compare;
mod inspect;
mod json;
mod log;
mod missing;
mod stubs;
mod typed;
mod untyped;
mod wave;
mod worlds;
mod wrong_types;
