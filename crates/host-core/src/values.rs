//! Values of core WebAssembly as text, and back.

use wasmtime::{Val, ValType};

/// A value as text: numbers as Rust writes them, vectors as `0x` and 32 digits, references by their kind, such as
/// `externref`, or `null funcref` where they are null.
///
/// ```
/// use host_core::value_text;
/// use wasmtime::Val;
///
/// assert_eq!(value_text(&Val::I32(-1)), "-1");
/// assert_eq!(value_text(&Val::F64(1.5f64.to_bits())), "1.5");
/// assert_eq!(value_text(&Val::null_func_ref()), "null funcref");
/// ```
pub fn value_text(value: &Val) -> String {
    match value {
        Val::I32(value) => value.to_string(),
        Val::I64(value) => value.to_string(),
        Val::F32(bits) => f32::from_bits(*bits).to_string(),
        Val::F64(bits) => f64::from_bits(*bits).to_string(),
        Val::V128(value) => format!("{:#034x}", value.as_u128()),
        Val::FuncRef(reference) => nullable("funcref", reference.is_none()),
        Val::ExternRef(reference) => nullable("externref", reference.is_none()),
        Val::AnyRef(reference) => nullable("anyref", reference.is_none()),
        other => nullable("reference", other.ref_().is_none_or(|reference| reference.is_null())),
    }
}

/// The value of type `ty` that `text` writes, if it is one.
pub(crate) fn parse_value(ty: &ValType, text: &str) -> Option<Val> {
    match ty {
        ValType::I32 => {
            let value =
                text.parse().ok().or_else(|| u32::try_from(unsigned(text)?).ok().map(u32::cast_signed));
            value.map(Val::I32)
        }
        ValType::I64 => {
            let value =
                text.parse().ok().or_else(|| u64::try_from(unsigned(text)?).ok().map(u64::cast_signed));
            value.map(Val::I64)
        }
        ValType::F32 => text.parse().ok().map(|value: f32| Val::F32(value.to_bits())),
        ValType::F64 => text.parse().ok().map(|value: f64| Val::F64(value.to_bits())),
        ValType::V128 => unsigned(text).map(|value| Val::V128(value.into())),
        ValType::Ref(reference) => {
            (text == "null" && reference.is_nullable()).then(|| Val::null_ref(reference.heap_type()))
        }
    }
}

/// A number from 0 up, in decimal or with `0x`. Nothing stands between `0x` and its digits, a sign neither.
fn unsigned(text: &str) -> Option<u128> {
    match text.strip_prefix("0x") {
        Some(digits) if digits.starts_with('+') => None,
        Some(digits) => u128::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

fn nullable(kind: &str, is_null: bool) -> String {
    if is_null { format!("null {kind}") } else { kind.to_owned() }
}
