//! Why is text no call and no value, or why has a value no text?

use thiserror::Error;
use wasmtime::component::wasm_wave::parser::{ParserError, ParserErrorKind};

use super::read::Misfit;
use crate::exports::FindError;
use crate::handles::HandleError;
use crate::names;

/// Why text is no call, or a value has no text.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum WaveError {
    /// The text has no name followed by a list in parentheses.
    #[error("expected a call such as `name(\"text\", 42)`, but there is none at byte {position}")]
    NotACall {
        /// Where it should have been, in bytes from the beginning.
        position: usize,
    },
    /// No function answers to the name.
    #[error(transparent)]
    Function(#[from] FindError),
    /// The list of arguments is not well-formed.
    #[error("the list of arguments is not well-formed at byte {position}: expected `{expected}`")]
    List {
        /// Where, in bytes from the beginning of the text.
        position: usize,
        /// The function's parameters.
        expected: String,
        /// What the parser says.
        source: ParserError,
    },
    /// There are too few or too many arguments.
    #[error("`{function}` is `{signature}`: {given} given where {expected} are needed")]
    Count {
        /// The function's full name.
        function: String,
        /// The function's type.
        signature: String,
        /// How many arguments it takes.
        expected: usize,
        /// How many were given.
        given: usize,
    },
    /// A value is not of its type.
    #[error("{}expected `{expected}` at byte {position}", .parameter.as_ref().map(|name| format!("argument `{name}`: ")).unwrap_or_default())]
    Value {
        /// The parameter the value is for, in a call.
        parameter: Option<String>,
        /// The type of the innermost value that is wrong.
        expected: String,
        /// Where that value is, in bytes from the beginning of the text.
        position: usize,
        /// What is wrong there.
        source: WaveProblem,
    },
    /// A value cannot be written as WAVE.
    #[error("a {kind} has no WAVE notation")]
    NoNotation {
        /// What it is.
        kind: &'static str,
    },
    /// A resource gets no handle.
    #[error(transparent)]
    Handle(#[from] HandleError),
    /// A value nests deeper than a value of WebAssembly can.
    #[error("the value nests more than {deepest} deep")]
    TooDeep {
        /// How deep it may nest.
        deepest: usize,
    },
}

/// What can be wrong at one place of a WAVE value.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum WaveProblem {
    /// The text there is a value of another type.
    #[error("a value of another type is there")]
    OtherType,
    /// The text there is no value, or none of the type's.
    #[error("{0}")]
    Malformed(ParserErrorKind),
    /// A number is too large for its type.
    #[error("the number is out of range")]
    Range,
    /// Too few or too many items.
    #[error("{given} items where {expected} are needed")]
    Count {
        /// How many the type has.
        expected: usize,
        /// How many were given.
        given: usize,
    },
    /// A record lacks a field.
    #[error("the field {} is missing", names::quoted(.field))]
    MissingField {
        /// The name of the field.
        field: String,
    },
    /// A name is not one of those the type knows.
    #[error("{what} {} is unknown; there is {}", names::quoted(.name), names::list(.known))]
    UnknownName {
        /// What it should name: `the field`, `the case`, `the flag`.
        what: &'static str,
        /// The name that was given.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A case has a payload, and none was given.
    #[error("{} needs a payload in parentheses", names::quoted(.case))]
    MissingPayload {
        /// The name of the case.
        case: String,
    },
    /// A case has no payload, and one was given.
    #[error("{} has no payload", names::quoted(.case))]
    UnexpectedPayload {
        /// The name of the case.
        case: String,
    },
    /// Something else is there than a handle.
    #[error("a resource is written `handle(1)`")]
    NoHandle,
    /// A handle stands for no resource.
    #[error(transparent)]
    Handle(HandleError),
    /// The type has no WAVE notation.
    #[error("a {kind} has no WAVE notation")]
    NoNotation {
        /// What it is: `stream`, `future`, `error-context`, or `resource` where there are no handles.
        kind: &'static str,
    },
}

impl WaveError {
    /// A value that does not fit; its text begins `offset` bytes into the whole.
    pub(super) fn value(parameter: Option<&str>, offset: usize, misfit: Misfit) -> WaveError {
        WaveError::Value {
            parameter: parameter.map(names::printable),
            expected: misfit.expected,
            position: offset.saturating_add(misfit.position),
            source: misfit.problem,
        }
    }
}
