//! Which addresses, names and URLs may a guest reach? One policy, which all ways out ask.

mod address;
mod answers;
mod host;
mod name;
mod path;
mod policy;
mod resolve;
mod rule;
mod slots;

pub use host::{Host, Ports};
pub use name::NamePattern;
pub use path::PathPattern;
pub(crate) use policy::{LookUpError, NetworkPolicy};
pub(crate) use resolve::SystemResolver;
pub use resolve::{Resolve, Resolving};
pub use rule::{NetworkRule, NetworkRuleError};
pub(crate) use slots::Slots;
