//! From JSON to numbers, characters and resources, and what is said when something else is there.

use serde_json::Value;
use wasmtime::component::{Type, Val};

use super::{JsonProblem, Misfit};
use crate::handles::Handles;
use crate::names;
use crate::wit::type_text;

pub(super) fn integer<N: TryFrom<i128>>(ty: &Type, json: &Value) -> Result<N, Misfit> {
    whole(json)
        .and_then(|number| N::try_from(number).ok())
        .ok_or_else(|| mismatch(format!("a whole number that is a {}", type_text(ty)), json))
}

/// The whole number that `json` is, also when it is written `1.0` or `1e3`.
fn whole(json: &Value) -> Option<i128> {
    /// Far beyond every integer there is, and exact as `i128`.
    const BEYOND: f64 = 1e30;
    let Value::Number(number) = json else {
        return None;
    };
    if let Some(number) = number.as_u64() {
        return Some(number.into());
    }
    if let Some(number) = number.as_i64() {
        return Some(number.into());
    }
    #[expect(clippy::cast_possible_truncation, reason = "whole, and within the range of an i128")]
    number
        .as_f64()
        .filter(|number| number.fract() == 0.0 && number.abs() < BEYOND)
        .map(|number| number as i128)
}

pub(super) fn float64(json: &Value) -> Result<f64, Misfit> {
    let number = match json {
        Value::Number(number) => number.as_f64(),
        Value::String(text) => match text.as_str() {
            "NaN" => Some(f64::NAN),
            "Infinity" => Some(f64::INFINITY),
            "-Infinity" => Some(f64::NEG_INFINITY),
            _ => None,
        },
        _ => None,
    };
    number.ok_or_else(|| mismatch("a number, \"NaN\", \"Infinity\" or \"-Infinity\"", json))
}

pub(super) fn float32(json: &Value) -> Result<f32, Misfit> {
    let wide = float64(json)?;
    #[expect(clippy::cast_possible_truncation, reason = "rounding to the nearest f32 is what is wanted")]
    let narrow = wide as f32;
    if narrow.is_infinite() && wide.is_finite() {
        Err(mismatch("a number that fits f32", json))
    } else {
        Ok(narrow)
    }
}

pub(super) fn character(json: &Value) -> Result<char, Misfit> {
    let only = json.as_str().and_then(|text| {
        let mut characters = text.chars();
        characters.next().filter(|_| characters.next().is_none())
    });
    only.ok_or_else(|| mismatch("a string of one character", json))
}

pub(super) fn resource(handles: Option<&Handles>, json: &Value) -> Result<Val, Misfit> {
    let handles = handles.ok_or_else(|| Misfit::no_json("resource"))?;
    let number = json.as_object().filter(|object| object.len() == 1).and_then(|object| object.get("handle"));
    let number = number.ok_or_else(|| mismatch("an object with the one key `handle`", json))?;
    let handle = integer(&Type::U32, number).map_err(|misfit| misfit.under("handle"))?;
    let found = handles.get(handle).map(Val::Resource);
    found.map_err(|error| Misfit::new(JsonProblem::Handle(error)).under("handle"))
}

pub(super) fn mismatch(expected: impl Into<String> + 'static, json: &Value) -> Misfit {
    mismatch_later(|| expected.into(), json)
}

/// [`mismatch`], with words that take long to find.
pub(super) fn mismatch_later(expected: impl FnOnce() -> String + 'static, json: &Value) -> Misfit {
    let found = match json {
        Value::Null => "null".to_owned(),
        Value::Bool(bool) => bool.to_string(),
        Value::Number(number) => number.to_string(),
        Value::String(text) => format!("the string \"{}\"", names::printable(text)),
        Value::Array(items) => format!("an array of {}", items.len()),
        Value::Object(fields) => match fields.len() {
            0 => "an empty object".to_owned(),
            _ => format!("an object with {}", names::list(fields.keys().map(String::as_str))),
        },
    };
    Misfit::later(|| JsonProblem::Mismatch { expected: expected(), found })
}
