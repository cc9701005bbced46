//! Which addresses, names and URLs may a guest reach? One policy, which all ways out ask.

mod address;
mod answers;
mod covers;
mod host;
mod name;
mod names;
mod path;
mod policy;
#[cfg(feature = "http")]
mod requests;
mod resolve;
mod rule;
mod slots;

pub use host::{Host, Ports};
pub use name::NamePattern;
pub(crate) use names::{Names, NamesView, names_view};
pub use path::PathPattern;
pub(crate) use policy::{LookUpError, NetworkPolicy};
#[cfg(feature = "http")]
pub(crate) use requests::{Target, TargetHost};
pub(crate) use resolve::SystemResolver;
pub use resolve::{Resolve, Resolving};
pub use rule::{NetworkRule, NetworkRuleError};
#[cfg(feature = "http")]
pub(crate) use slots::Slot;
pub(crate) use slots::Slots;
