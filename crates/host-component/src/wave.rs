//! How are calls and values written as text a person types? In WAVE, the component model's value notation.
//!
//! `process("x")`, `move({x: 1, y: -2}, some(fast))`. Resources, maps and streams have no WAVE form.

use thiserror::Error;
use wasmtime::component::wasm_wave::parser::{Parser, ParserError};
use wasmtime::component::wasm_wave::untyped::UntypedValue;
use wasmtime::component::{Component, Type, Val, wasm_wave};

use crate::check::kind;
use crate::exports::{ExportedFunction, FindError, find};
use crate::wit::type_text;

/// Reads a call such as `process("x")`: finds the function in `component` and gives the arguments their types.
///
/// The name may be spelled in every way [`find`] understands.
///
/// # Errors
///
/// When the text is not a call, names no function, or an argument is not of the parameter's type; positions count bytes
/// from the beginning of `text`.
pub fn parse_call(component: &Component, text: &str) -> Result<(ExportedFunction, Vec<Val>), WaveError> {
    let (name, list) = split_call(text)?;
    let function = find(component, name)?;
    let offset = text.len() - list.len();
    let arguments = arguments_at(&function, list, offset)?;
    Ok((function, arguments))
}

/// Takes `process("x")` apart into `process` and `("x")`.
///
/// # Errors
///
/// When there is no name or no list in parentheses.
pub fn split_call(text: &str) -> Result<(&str, &str), WaveError> {
    let position = text.find('(').ok_or(WaveError::NotACall { position: text.len() })?;
    let (name, list) = text.split_at(position);
    if name.trim().is_empty() {
        return Err(WaveError::NotACall { position: 0 });
    }
    Ok((name.trim(), list))
}

/// Reads the arguments of `function` from a list in parentheses: `("x", 3)`.
///
/// Options at the end may be left out.
///
/// # Errors
///
/// When the text is not such a list or an argument is not of the parameter's type.
pub fn arguments(function: &ExportedFunction, list: &str) -> Result<Vec<Val>, WaveError> {
    arguments_at(function, list, 0)
}

/// Reads one value of the type `ty`.
///
/// # Errors
///
/// When the text is no such value.
pub fn to_val(ty: &Type, text: &str) -> Result<Val, WaveError> {
    wasm_wave::from_str(ty, text).map_err(|source| WaveError::value(None, ty, 0, source))
}

/// Writes one value as WAVE.
///
/// # Errors
///
/// When there is a resource, a map, a stream, a future or an error context in it.
pub fn from_val(val: &Val) -> Result<String, WaveError> {
    // Wasmtime's writer panics at what it cannot write; a guest decides what comes out of a call.
    if let Some(kind) = first_without_notation(val) {
        return Err(WaveError::NoNotation { kind });
    }
    // The writer only fails where writing to a string does.
    wasm_wave::to_string(val).map_err(|_| WaveError::NoNotation { kind: kind(val) })
}

/// Writes the results of a call: nothing, or the one value.
///
/// # Errors
///
/// As [`from_val`].
pub fn results(results: &[Val]) -> Result<String, WaveError> {
    let texts = results.iter().map(from_val).collect::<Result<Vec<_>, _>>()?;
    Ok(texts.join(", "))
}

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
        /// The type it should have.
        expected: String,
        /// Where, in bytes from the beginning of the text.
        position: usize,
        /// What the parser says.
        source: ParserError,
    },
    /// A value cannot be written as WAVE.
    #[error("a {kind} has no WAVE notation")]
    NoNotation {
        /// What it is.
        kind: &'static str,
    },
}

impl WaveError {
    fn value(parameter: Option<&str>, ty: &Type, offset: usize, source: ParserError) -> WaveError {
        WaveError::Value {
            parameter: parameter.map(str::to_owned),
            expected: type_text(ty),
            position: offset.saturating_add(source.span().start),
            source,
        }
    }
}

fn arguments_at(function: &ExportedFunction, list: &str, offset: usize) -> Result<Vec<Val>, WaveError> {
    let not_well_formed = |source: ParserError| WaveError::List {
        position: offset.saturating_add(source.span().start),
        expected: function.signature(),
        source,
    };
    let tuple = match parse_list(list) {
        Ok(tuple) => tuple,
        Err(source) => return Err(not_well_formed(source)),
    };
    let nodes: Vec<_> = match &tuple {
        Some(tuple) => tuple.node().as_tuple().map_err(not_well_formed)?.collect(),
        None => Vec::new(),
    };
    let missing_are_options =
        || function.params().skip(nodes.len()).all(|(_, ty)| matches!(ty, Type::Option(_)));
    if nodes.len() > function.params().len() || !missing_are_options() {
        return Err(WaveError::Count {
            function: function.full_name(),
            signature: function.signature(),
            expected: function.params().len(),
            given: nodes.len(),
        });
    }
    let mut nodes = nodes.into_iter();
    let read = |(name, ty): (&str, Type)| match nodes.next() {
        Some(node) => {
            node.to_wasm_value(&ty, list).map_err(|source| WaveError::value(Some(name), &ty, offset, source))
        }
        None => Ok(Val::Option(None)),
    };
    function.params().map(read).collect()
}

/// The list as a tuple; none for `()`, which WAVE does not count as a value.
fn parse_list(list: &str) -> Result<Option<UntypedValue<'_>>, ParserError> {
    let inside = list.trim().strip_prefix('(').and_then(|rest| rest.strip_suffix(')'));
    if inside.is_some_and(|inside| inside.trim().is_empty()) {
        return Ok(None);
    }
    let mut parser = Parser::new(list);
    let tuple = parser.parse_raw_value()?;
    parser.finish()?;
    Ok(Some(tuple))
}

fn first_without_notation(val: &Val) -> Option<&'static str> {
    match val {
        Val::Resource(_) | Val::Map(_) | Val::Future(_) | Val::Stream(_) | Val::ErrorContext(_) => {
            Some(kind(val))
        }
        Val::List(items) | Val::FixedLengthList(items) | Val::Tuple(items) => {
            items.iter().find_map(first_without_notation)
        }
        Val::Record(fields) => fields.iter().find_map(|(_, val)| first_without_notation(val)),
        Val::Variant(_, Some(val)) | Val::Option(Some(val)) | Val::Result(Ok(Some(val)) | Err(Some(val))) => {
            first_without_notation(val)
        }
        _ => None,
    }
}
