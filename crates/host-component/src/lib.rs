#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

pub mod bindings;
pub mod interfaces;
pub mod log;
pub mod plugin;

mod call;
mod exports;
mod handles;
pub mod json;
pub mod schema;
pub mod wave;

pub mod compare;
pub mod doctor;
pub mod inspect;
mod stubs;
mod world;

pub mod compose;

mod check;
mod names;
mod path;
mod wit;

pub use call::{CallError, call, call_async};
pub use check::ArgumentError;
pub use compose::{Components, Composition, HasComposition, LinkedComponents};
pub use exports::{ExportedFunction, FindError, exports, find};
pub use handles::{HandleError, Handles, ReleaseError};
pub use log::{HasLog, Log};
pub use names::InterfaceName;
pub use stubs::{StubCalled, Stubs, stub_missing_imports};
pub use wit::type_text;
pub use world::World;
#[cfg(feature = "wit")]
pub use world::WorldError;
