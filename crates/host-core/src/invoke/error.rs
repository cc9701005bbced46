//! `InvokeError`: why an export cannot be called so.

use crate::near::{LOOKED_AT, NEAR, distance, nearest};
use crate::text::{one_line, some_of};

/// Why an export cannot be called, or cannot be called with these arguments. No code of the guest has run.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvokeError {
    /// The module exports nothing of that name.
    #[error(
        "the module exports no function named `{}`; it exports {}{}",
        one_line(name), some_of(.offered).unwrap_or_else(|| "none".to_owned()), did_you_mean(.near)
    )]
    NoFunction {
        /// The name that was asked for.
        name: String,
        /// The functions that it exports, with their types.
        offered: Vec<String>,
        /// Up to three of their names that are similar to the one asked for.
        near: Vec<String>,
    },
    /// What the module exports under that name is no function.
    #[error("the export `{}` is no function, but a {found}", one_line(name))]
    NotAFunction {
        /// The name that was asked for.
        name: String,
        /// What it is.
        found: String,
    },
    /// The function has another type than the one it is asked for.
    #[error("`{}` has another type: asked for as {wanted}, but it is {found}", one_line(name))]
    WrongType {
        /// The export.
        name: String,
        /// The type by which the host would call it, in Rust's words.
        wanted: String,
        /// The type that it has.
        found: String,
    },
    /// Too many arguments, or too few.
    #[error("`{}` takes {expected} arguments ({types}), but {given} were given", one_line(name))]
    Count {
        /// The export.
        name: String,
        /// How many it takes.
        expected: usize,
        /// How many were given.
        given: usize,
        /// The types it takes.
        types: String,
    },
    /// An argument that is no value of its type.
    #[error(
        "argument {position} of `{}`: `{}` is not a value of type {wanted}",
        one_line(name),
        one_line(text)
    )]
    Value {
        /// The export.
        name: String,
        /// Which argument, counted from one.
        position: usize,
        /// The argument.
        text: String,
        /// What it should be.
        wanted: String,
    },
    /// A parameter of a type that cannot be written as text.
    #[error("argument {position} of `{}` is a {wanted}, which cannot be written as text", one_line(name))]
    Unwritable {
        /// The export.
        name: String,
        /// Which argument, counted from one.
        position: usize,
        /// Its type.
        wanted: String,
    },
}

fn did_you_mean(near: &[String]) -> String {
    if near.is_empty() {
        return String::new();
    }
    let near: Vec<String> = near.iter().map(|name| one_line(name)).collect();
    format!("; did you mean `{}`?", near.join("` or `"))
}

/// Up to three of `names` that a misspelt `name` may have meant.
pub(super) fn near(name: &str, names: &[&str]) -> Vec<String> {
    let ranked = names.iter().take(LOOKED_AT).filter_map(|other| {
        let distance = distance(name, other)?;
        // Short names that share little are not near.
        let is_near = distance <= NEAR && distance * 2 <= name.len().max(other.len());
        is_near.then(|| (distance, (*other).to_owned()))
    });
    nearest(ranked.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_few_and_share_something() {
        assert_eq!(near("ad", &["add", "sub", "b"]), ["add"]);
        assert_eq!(near("x", &["y"]), Vec::<String>::new());
        assert_eq!(near("run1", &["run5", "run4", "run3", "run2"]), ["run2", "run3", "run4"]);
        let long = "x".repeat(100_000);
        assert_eq!(near(&long, &[&long]), Vec::<String>::new());
    }
}
