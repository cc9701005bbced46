//! When is a plugin that keeps failing left alone for a while?
mod settings;

pub use settings::{BreakerScope, BreakerSettings};
