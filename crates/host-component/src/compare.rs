//! Where do two types differ, and what stands on either side there?
//!
//! Types of two components are compared by their shape, as Wasmtime does when it links: names of records and of
//! parameters do not matter, names and order of fields and cases do. Only the innermost place is reported (`input.size`),
//! with the type around it as WIT text on both sides.

mod side;
mod walk;

use std::cell::Cell;
use std::fmt;

use serde::Serialize;
use wasmtime::component::Type;
use wasmtime::component::types::ComponentFunc;

pub use side::Side;
pub(crate) use walk::Comparer;

use crate::names::quoted;
use crate::wit::Scope;

/// Steps of one comparison; types of a few bytes can be huge when they are spelled out.
const PATIENCE: usize = 500_000;

/// The steps that a comparison may take, for all that share it.
pub(crate) fn patience() -> Cell<usize> {
    Cell::new(PATIENCE)
}

/// What came of a comparison.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Comparison {
    /// The places that differ, at most 20 of them; empty if there are none.
    pub differences: Vec<Difference>,
    /// Whether not all was compared, because the types are too large.
    pub cut: bool,
}

/// One place at which two types differ.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Difference {
    /// Where: `input.size`, `items[].name`, `result.err`; empty if the whole differs. `result` is what a function returns.
    pub path: String,
    /// What the left one has there.
    pub left: Side,
    /// What the right one has there.
    pub right: Side,
}

impl Difference {
    /// The difference in one line; `left` and `right` say whose the sides are, such as `the component` and `the host`.
    pub fn sentence(&self, left: &str, right: &str) -> String {
        let place = if self.path.is_empty() { "it".to_owned() } else { quoted(&self.path) };
        match (&self.left.what, &self.right.what) {
            (Some(a), Some(b)) => {
                format!("{place} is {} in {left}, but {} in {right}", quoted(a), quoted(b))
            }
            (Some(a), None) => format!("only {left} has {place}, {}", quoted(a)),
            (None, Some(b)) => format!("only {right} has {place}, {}", quoted(b)),
            (None, None) => format!("{place} differs"),
        }
    }

    /// Both sides, each on a line with marks under what differs: a text of four lines or fewer, without an end of line.
    pub fn sides(&self, left: &str, right: &str) -> String {
        let width = left.len().max(right.len());
        let side = |name: &str, side: &Side| {
            let text = format!("{:width$}  {}", format!("{name}:"), side.text, width = width + 1);
            match side.marks() {
                Some(marks) => format!("{text}\n{:width$}  {marks}", "", width = width + 1),
                None => text,
            }
        };
        format!("{}\n{}", side(left, &self.left), side(right, &self.right))
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence("the left one", "the right one"))
    }
}

/// Compares two types of values.
///
/// Resources have no name here, so that any resource is like any other.
pub fn types(left: &Type, right: &Type) -> Comparison {
    let (scopes, patience) = ([Scope::default(), Scope::default()], patience());
    let mut comparer = Comparer::new([&scopes[0], &scopes[1]], &patience, &|_, _| None);
    comparer.types(left, right);
    comparer.finish()
}

/// Compares two functions: whether they are async, the types of their parameters by position, and of their results.
///
/// Resources have no name here, so that any resource is like any other.
///
/// ```
/// use host_component::{compare, exports};
/// use wasmtime::Engine;
/// use wasmtime::component::Component;
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let engine = Engine::default();
/// let component = Component::new(
///     &engine,
///     r#"(component
///         (core module $m (func (export "a") (param i32)) (func (export "b") (param i64)))
///         (core instance $i (instantiate $m))
///         (func (export "a") (param "size" u32) (canon lift (core func $i "a")))
///         (func (export "b") (param "size" u64) (canon lift (core func $i "b"))))"#,
/// )?;
/// let both = exports(&component);
/// let comparison = compare::functions(both[0].ty(), both[1].ty());
/// assert_eq!(
///     comparison.differences[0].sides("guest", "host"),
///     "\
/// guest:  func(size: u32)
///              ^^^^^^^^^
/// host:   func(size: u64)
///              ^^^^^^^^^"
/// );
/// # Ok(())
/// # }
/// ```
pub fn functions(left: &ComponentFunc, right: &ComponentFunc) -> Comparison {
    let (scopes, patience) = ([Scope::default(), Scope::default()], patience());
    let mut comparer = Comparer::new([&scopes[0], &scopes[1]], &patience, &|_, _| None);
    comparer.functions(left, right);
    comparer.finish()
}
