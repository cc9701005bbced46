#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod bindings;
pub mod interfaces;
pub mod log;
pub mod plugin;

mod call;
mod exports;
pub mod json;
pub mod wave;

pub mod doctor;
pub mod inspect;

mod check;
mod names;
mod path;
mod wit;

pub use call::{CallError, call, call_async};
pub use check::ArgumentError;
pub use exports::{ExportedFunction, FindError, exports, find};
pub use log::{HasLog, Log};
pub use names::InterfaceName;
pub use wit::type_text;
