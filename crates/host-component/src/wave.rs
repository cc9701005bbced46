//! How are calls and values written as text a person types? In WAVE, the component model's value notation.
//!
//! `process("x")`, `move({x: 1, y: -2}, some(fast))`. Beyond the notation as it is published:
//!
//! | WIT type | written | example |
//! |---|---|---|
//! | `map<K, V>` | list of pairs | `[("a", 1), ("b", 2)]` |
//! | resource, `own` or `borrow` | its number among [`Handles`] | `handle(3)` |
//! | `stream`, `future`, `error-context` | not at all | |
//!
//! Options at the end of a list of arguments or in a record may be left out, and so may `some(..)` and `ok(..)` around a value
//! that is no option or result itself. Text may nest 100 deep.

mod error;
mod read;
mod write;

use wasmtime::component::wasm_wave::parser::ParserError;
use wasmtime::component::wasm_wave::untyped::UntypedValue;
use wasmtime::component::{Component, Type, Val};

use crate::exports::{ExportedFunction, find};
use crate::handles::Handles;
use crate::names;

pub use error::{WaveError, WaveProblem};
use read::{Misfit, Reader, malformed, parse};

/// Reads a call such as `process("x")`: finds the function in `component` and gives the arguments their types.
///
/// The name may be spelled in every way [`find`] understands.
///
/// # Errors
///
/// When the text is not a call, names no function, or an argument is not of the parameter's type; positions count bytes
/// from the beginning of `text`.
pub fn parse_call(component: &Component, text: &str) -> Result<(ExportedFunction, Vec<Val>), WaveError> {
    call(None, component, text)
}

/// [`parse_call`], with resources by their handles.
///
/// Whether a resource is of the right type is seen when it is passed to a call.
///
/// # Errors
///
/// As [`parse_call`], and where a handle stands for no resource.
pub fn parse_call_with(
    handles: &Handles,
    component: &Component,
    text: &str,
) -> Result<(ExportedFunction, Vec<Val>), WaveError> {
    call(Some(handles), component, text)
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
    arguments_at(None, function, list, 0)
}

/// [`arguments`], with resources by their handles.
///
/// # Errors
///
/// As [`arguments`], and where a handle stands for no resource.
pub fn arguments_with(
    handles: &Handles,
    function: &ExportedFunction,
    list: &str,
) -> Result<Vec<Val>, WaveError> {
    arguments_at(Some(handles), function, list, 0)
}

/// Reads one value of the type `ty`.
///
/// # Errors
///
/// When the text is no such value.
pub fn to_val(ty: &Type, text: &str) -> Result<Val, WaveError> {
    value(None, ty, text).map_err(|misfit| WaveError::value(None, 0, misfit))
}

/// [`to_val`], with resources by their handles.
///
/// # Errors
///
/// As [`to_val`], and where a handle stands for no resource.
pub fn to_val_with(handles: &Handles, ty: &Type, text: &str) -> Result<Val, WaveError> {
    value(Some(handles), ty, text).map_err(|misfit| WaveError::value(None, 0, misfit))
}

/// Writes one value as WAVE.
///
/// # Errors
///
/// When there is a resource, a stream, a future or an error context in it, or it nests more than 128 deep.
pub fn from_val(val: &Val) -> Result<String, WaveError> {
    write::values(None, std::slice::from_ref(val))
}

/// [`from_val`], with resources as handles: those that `handles` does not have yet are put there.
///
/// # Errors
///
/// When there is a stream, a future or an error context in it, when it nests more than 128 deep, or when `handles` is full;
/// nothing is put there then.
pub fn from_val_with(handles: &mut Handles, val: &Val) -> Result<String, WaveError> {
    write::values(Some(handles), std::slice::from_ref(val))
}

/// Writes the results of a call: nothing, or the one value.
///
/// # Errors
///
/// As [`from_val`].
pub fn results(results: &[Val]) -> Result<String, WaveError> {
    write::values(None, results)
}

/// [`results`], with resources as handles: they are put among `handles`.
///
/// # Errors
///
/// As [`from_val_with`].
pub fn results_with(handles: &mut Handles, results: &[Val]) -> Result<String, WaveError> {
    write::values(Some(handles), results)
}

fn call(
    handles: Option<&Handles>,
    component: &Component,
    text: &str,
) -> Result<(ExportedFunction, Vec<Val>), WaveError> {
    let (name, list) = split_call(text)?;
    let function = find(component, name)?;
    let offset = text.len() - list.len();
    let arguments = arguments_at(handles, &function, list, offset)?;
    Ok((function, arguments))
}

fn value(handles: Option<&Handles>, ty: &Type, text: &str) -> Result<Val, Misfit> {
    let untyped = parse(text).map_err(|error| malformed(ty, &error))?;
    Reader { text, handles }.read(ty, untyped.node())
}

fn arguments_at(
    handles: Option<&Handles>,
    function: &ExportedFunction,
    list: &str,
    offset: usize,
) -> Result<Vec<Val>, WaveError> {
    let not_well_formed = |source: ParserError| WaveError::List {
        position: offset.saturating_add(source.span().start),
        expected: function.signature(),
        source,
    };
    let tuple = parse_list(list).map_err(not_well_formed)?;
    let nodes: Vec<_> = match &tuple {
        Some(tuple) => tuple.node().as_tuple().map_err(not_well_formed)?.collect(),
        None => Vec::new(),
    };
    let missing_are_options =
        || function.params().skip(nodes.len()).all(|(_, ty)| matches!(ty, Type::Option(_)));
    if nodes.len() > function.params().len() || !missing_are_options() {
        return Err(WaveError::Count {
            function: names::printable(&function.full_name()),
            signature: function.signature(),
            expected: function.params().len(),
            given: nodes.len(),
        });
    }
    let reader = Reader { text: list, handles };
    let mut nodes = nodes.into_iter();
    let read = |(name, ty): (&str, Type)| match nodes.next() {
        Some(node) => reader.read(&ty, node).map_err(|misfit| WaveError::value(Some(name), offset, misfit)),
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
    parse(list).map(Some)
}
