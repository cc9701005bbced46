//! From text to values and back, without a `Value` in between; and to a `Value`, with the place where text stops being JSON.

use serde_json::{Deserializer, Value};
use thiserror::Error;
use wasmtime::component::{Type, Val};

use super::read::{Arguments, OfType};
use super::visit::Form;
use super::{JsonError, write};
use crate::exports::ExportedFunction;
use crate::handles::Handles;

/// Reads JSON text. It may nest no more than 127 deep.
///
/// # Errors
///
/// Where `text` is no JSON.
pub fn parse(text: &str) -> Result<Value, ParseError> {
    serde_json::from_str(text).map_err(ParseError::new)
}

/// [`parse`] and [`to_val`](super::to_val) in one, which is faster.
///
/// # Errors
///
/// Where `text` is no JSON, or else does not fit.
pub fn val_from_str(ty: &Type, text: &str) -> Result<Val, TextError> {
    read(OfType { handles: None, ty }, text)
}

/// [`val_from_str`], with resources by their handles.
///
/// # Errors
///
/// As [`val_from_str`], and where a handle stands for no resource.
pub fn val_from_str_with(handles: &Handles, ty: &Type, text: &str) -> Result<Val, TextError> {
    read(OfType { handles: Some(handles), ty }, text)
}

/// [`from_val`](super::from_val) as text, which is faster than by way of a `Value`. The fields of a record stand in the order
/// of its type.
///
/// # Errors
///
/// As [`from_val`](super::from_val).
pub fn val_to_string(val: &Val) -> Result<String, JsonError> {
    write::values(None, std::slice::from_ref(val), |vals| serde_json::to_string(vals))
}

/// [`val_to_string`], with resources as handles.
///
/// # Errors
///
/// As [`from_val_with`](super::from_val_with).
pub fn val_to_string_with(handles: &mut Handles, val: &Val) -> Result<String, JsonError> {
    write::values(Some(handles), std::slice::from_ref(val), |vals| serde_json::to_string(vals))
}

/// [`parse`] and [`arguments`](super::arguments) in one, which is faster.
///
/// # Errors
///
/// Where `text` is no JSON, or else does not fit; the error names the place.
pub fn arguments_from_str(function: &ExportedFunction, text: &str) -> Result<Vec<Val>, TextError> {
    read(Arguments { handles: None, function }, text)
}

/// [`arguments_from_str`], with resources by their handles.
///
/// # Errors
///
/// As [`arguments_from_str`], and where a handle stands for no resource.
pub fn arguments_from_str_with(
    handles: &Handles,
    function: &ExportedFunction,
    text: &str,
) -> Result<Vec<Val>, TextError> {
    read(Arguments { handles: Some(handles), function }, text)
}

/// Writes the results of a call as text: [`results`](super::results), and as [`val_to_string`] does.
///
/// # Errors
///
/// As [`from_val`](super::from_val).
pub fn results_to_string(results: &[Val]) -> Result<String, JsonError> {
    write::values(None, results, |vals| serde_json::to_string(vals))
}

/// [`results_to_string`], with resources as handles: they are put among `handles`.
///
/// # Errors
///
/// As [`from_val_with`](super::from_val_with).
pub fn results_to_string_with(handles: &mut Handles, results: &[Val]) -> Result<String, JsonError> {
    write::values(Some(handles), results, |vals| serde_json::to_string(vals))
}

fn read<F: Form>(form: F, text: &str) -> Result<F::Out, TextError> {
    let mut json = Deserializer::from_str(text);
    let read = form.read(&mut json).and_then(|read| json.end().map(|()| read)).map_err(ParseError::new)?;
    Ok(read.map_err(JsonError::from)?)
}

/// Where text is no JSON.
#[derive(Debug, Error)]
#[error("the text is not JSON at line {line}, column {column}")]
#[non_exhaustive]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// The column, in bytes from 1; 0 where the line before it ended too early.
    pub column: usize,
    /// What `serde_json` says.
    pub source: serde_json::Error,
}

impl ParseError {
    fn new(source: serde_json::Error) -> ParseError {
        ParseError { line: source.line(), column: source.column(), source }
    }
}

/// Why text gives no value.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TextError {
    /// It is no JSON.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// It is JSON that does not fit.
    #[error(transparent)]
    Fit(#[from] JsonError),
}
