//! The files that do not pass, each with its reason.

/// A file in which some directives do not give what the standard says.
pub(super) struct Listed {
    /// `suite/name.wast`.
    pub(super) file: &'static str,
    /// How many directives fail; another number, none above all, fails the run.
    pub(super) failing: usize,
    /// Why.
    pub(super) because: &'static str,
}

pub(super) const LISTED: &[Listed] = &[];
