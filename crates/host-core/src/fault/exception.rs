//! `Exception`: what a guest threw and did not catch, taken out of its store.

use std::fmt;

use wasmtime::{AsContextMut, RootScope};

use crate::values::value_text;

/// What a guest threw and did not catch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Exception {
    /// The types that its tag carries, such as `i32, i64`; `None` where the store could not be asked.
    pub tag: Option<String>,
    /// The values that it carries, as text. Only the first 16.
    pub values: Vec<String>,
}

impl Exception {
    /// Takes the pending exception out of a store, so that nothing of it is kept alive or thrown again.
    pub(crate) fn take(store: impl AsContextMut) -> Option<Exception> {
        const KEPT: usize = 16;
        let mut scope = RootScope::new(store);
        let thrown = scope.as_context_mut().take_pending_exception()?;
        let tag = thrown.tag(&mut scope).ok().map(|tag| {
            let types: Vec<String> =
                tag.ty(&scope).ty().params().take(KEPT).map(|ty| ty.to_string()).collect();
            types.join(", ")
        });
        let values = thrown
            .fields(scope.as_context_mut())
            .map(|fields| fields.take(KEPT).map(|value| value_text(&value)).collect())
            .unwrap_or_default();
        Some(Exception { tag, values })
    }
}

/// In words, without who threw it.
impl fmt::Display for Exception {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("threw an exception that it does not catch")?;
        match &self.tag {
            Some(tag) if tag.is_empty() => Ok(()),
            Some(tag) => write!(f, " ({tag}: {})", self.values.join(", ")),
            None => Ok(()),
        }
    }
}
