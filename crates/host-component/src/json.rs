//! How are values of the component model written as JSON, and read back?
//!
//! | WIT type | JSON | example |
//! |---|---|---|
//! | `bool` | boolean | `true` |
//! | `u8` … `u64`, `s8` … `s64` | number, all 64 bits kept | `18446744073709551615` |
//! | `f32`, `f64` | number, or one of three strings | `1.5`, `"NaN"`, `"Infinity"`, `"-Infinity"` |
//! | `char` | string of one character | `"ß"` |
//! | `string` | string | `"text"` |
//! | `list<T>` | array | `[1, 2]` |
//! | `list<T, N>` | array of N | `[1, 2]` |
//! | `map<K, V>` | array of pairs | `[["a", 1], ["b", 2]]` |
//! | `tuple<A, B>` | array of all items | `[1, "x"]` |
//! | `record` | object with all fields; an `option` field may be left out | `{"name": "x", "debug": true}` |
//! | `variant`, a case without payload | the case's name | `"off"` |
//! | `variant`, a case with payload | object with one key | `{"on": 7}` |
//! | `enum` | the case's name | `"red"` |
//! | `flags` | array of the names that are set, each once | `["read", "write"]` |
//! | `option<T>` | `null`, or the value | `null`, `7` |
//! | `option<option<T>>` | `null`, or an object with the key `some` | `null`, `{"some": null}`, `{"some": 7}` |
//! | `result<T, E>` | object with the key `ok` or `err` | `{"ok": 7}`, `{"err": "no"}` |
//! | `result` without payload | the same with `null` | `{"ok": null}` |
//! | resource, `own` or `borrow` | object with the key `handle`; see [`Handles`] | `{"handle": 3}` |
//! | `stream`, `future`, `error-context` | none: [`JsonProblem::NoJson`] | |
//!
//! Nothing is lost in either direction, with two exceptions that WebAssembly makes itself: which of the many NaN a NaN was,
//! and the order in which flags were given. Integers may also be written as `1.0` or `1e3`. Numbers for `f32` and `f64` are
//! rounded to the nearest value; one too large for the type is an error.
//!
//! What `serde_json` makes of text counts: it keeps the last of several fields of one name, and gives a number with a point,
//! an exponent, or more than 64 bits as the nearest `f64`. `9007199254740993.0` is 9007199254740992 by then; without the point
//! it is exact.
//!
//! Text may be read and written by way of a `Value`, or directly ([`arguments_from_str`], [`results_to_string`]), which is
//! faster and means the same: text that is no JSON comes before what does not fit.
//!
//! [`schema`](crate::schema) says the same as a JSON Schema.

mod array;
mod object;
mod read;
mod scalar;
mod text;
mod visit;
mod write;

use serde_json::Value;
use thiserror::Error;
use wasmtime::component::{Type, Val};

use crate::exports::ExportedFunction;
use crate::handles::{HandleError, Handles};
use crate::names;
use crate::path::Path;

use read::{Arguments, OfType};
pub use text::{
    ParseError, TextError, arguments_from_str, arguments_from_str_with, parse, results_to_string,
    results_to_string_with, val_from_str, val_from_str_with, val_to_string, val_to_string_with,
};
use visit::Form as _;

/// Reads `json` as a value of the type `ty`. Resources have no JSON form here; see [`to_val_with`].
///
/// # Errors
///
/// Where `json` does not fit; the error names the place.
pub fn to_val(ty: &Type, json: &Value) -> Result<Val, JsonError> {
    Ok(OfType { handles: None, ty }.read_value(json)?)
}

/// [`to_val`], with resources by their handles.
///
/// Whether a resource is of the right type is seen when it is passed to a call.
///
/// # Errors
///
/// As [`to_val`], and where a handle stands for no resource.
pub fn to_val_with(handles: &Handles, ty: &Type, json: &Value) -> Result<Val, JsonError> {
    Ok(OfType { handles: Some(handles), ty }.read_value(json)?)
}

/// Writes `val` as JSON. Resources have no JSON form here; see [`from_val_with`].
///
/// # Errors
///
/// When there is a resource, a stream, a future or an error context in it, or it nests more than 128 deep.
pub fn from_val(val: &Val) -> Result<Value, JsonError> {
    write::values(None, std::slice::from_ref(val), |vals| serde_json::to_value(vals))
}

/// [`from_val`], with resources as handles: those that `handles` does not have yet are put there.
///
/// # Errors
///
/// When there is a stream, a future or an error context in it, when it nests more than 128 deep, or when `handles` is full;
/// nothing is put there then.
pub fn from_val_with(handles: &mut Handles, val: &Val) -> Result<Value, JsonError> {
    write::values(Some(handles), std::slice::from_ref(val), |vals| serde_json::to_value(vals))
}

/// Reads the arguments of `function`: an array with one item for each parameter, or an object with the parameters' names,
/// in which an `option` may be left out.
///
/// # Errors
///
/// Where `json` does not fit; the error names the place, such as `$[0].name` or `$.input`.
pub fn arguments(function: &ExportedFunction, json: &Value) -> Result<Vec<Val>, JsonError> {
    Ok(Arguments { handles: None, function }.read_value(json)?)
}

/// [`arguments`], with resources by their handles.
///
/// # Errors
///
/// As [`arguments`], and where a handle stands for no resource.
pub fn arguments_with(
    handles: &Handles,
    function: &ExportedFunction,
    json: &Value,
) -> Result<Vec<Val>, JsonError> {
    Ok(Arguments { handles: Some(handles), function }.read_value(json)?)
}

/// Writes the results of a call: `null`, or the one value.
///
/// # Errors
///
/// As [`from_val`].
pub fn results(results: &[Val]) -> Result<Value, JsonError> {
    write::values(None, results, |vals| serde_json::to_value(vals))
}

/// [`results`], with resources as handles: they are put among `handles`.
///
/// # Errors
///
/// As [`from_val_with`].
pub fn results_with(handles: &mut Handles, results: &[Val]) -> Result<Value, JsonError> {
    write::values(Some(handles), results, |vals| serde_json::to_value(vals))
}

/// What does not fit, and where.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("at `{path}`: {problem}")]
#[non_exhaustive]
pub struct JsonError {
    /// The place inside the value: `$` for all of it, or `$.items[3].name`.
    pub path: String,
    /// What is wrong there.
    pub problem: JsonProblem,
}

/// What can be wrong at one place of a JSON value.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum JsonProblem {
    /// The JSON there is of another kind than the type needs, or out of its range.
    #[error("expected {expected}, found {found}")]
    Mismatch {
        /// What belongs there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// An object lacks a field.
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
    /// The type has no JSON form.
    #[error("a {kind} has no JSON form")]
    NoJson {
        /// What it is: `stream`, `future`, `error-context`, or `resource` where there are no handles.
        kind: &'static str,
    },
    /// A handle stands for no resource, or a resource gets none.
    #[error(transparent)]
    Handle(HandleError),
    /// The value nests deeper than a value of WebAssembly can.
    #[error("the value nests more than {deepest} deep")]
    TooDeep {
        /// How deep it may nest.
        deepest: usize,
    },
}

/// A problem on its way up, collecting the path.
struct Misfit {
    path: Path,
    /// Asked only if it is this one that is told: the text of a type may be long, and many problems are found and forgotten.
    problem: Box<dyn FnOnce() -> JsonProblem>,
}

impl Misfit {
    fn new(problem: JsonProblem) -> Misfit {
        Misfit::later(|| problem)
    }

    fn later(problem: impl FnOnce() -> JsonProblem + 'static) -> Misfit {
        Misfit { path: Path::default(), problem: Box::new(problem) }
    }

    /// An error that is not one of ours. None is known, since a `Value` is JSON already, and every value of a `Val` can be.
    fn serde(error: &serde_json::Error) -> Misfit {
        Misfit::new(JsonProblem::Mismatch { expected: "JSON".to_owned(), found: error.to_string() })
    }

    fn no_json(kind: &'static str) -> Misfit {
        Misfit::new(JsonProblem::NoJson { kind })
    }

    fn under(self, name: &str) -> Misfit {
        Misfit { path: self.path.under(name), ..self }
    }

    fn at(self, index: usize) -> Misfit {
        Misfit { path: self.path.at(index), ..self }
    }
}

impl From<Misfit> for JsonError {
    fn from(misfit: Misfit) -> JsonError {
        JsonError { path: misfit.path.to_string(), problem: (misfit.problem)() }
    }
}
