//! The values that scripts write, in Wasmtime's types.

use host_component::{ExportedFunction, json};
use wasmtime::component::Val;
use wast::component::WastVal;
use wast::{WastArg, WastRet};

pub(super) fn argument(argument: &WastArg<'_>) -> Result<Val, String> {
    match argument {
        WastArg::Component(value) => Ok(val(value)),
        other => Err(format!("{other:?} is no value of a component")),
    }
}

pub(super) fn result(result: &WastRet<'_>) -> Result<Val, String> {
    match result {
        WastRet::Component(value) => Ok(val(value)),
        other => Err(format!("{other:?} is no value of a component")),
    }
}

fn val(value: &WastVal<'_>) -> Val {
    let payload = |value: &Option<Box<WastVal<'_>>>| value.as_ref().map(|value| Box::new(val(value)));
    match value {
        WastVal::Bool(value) => Val::Bool(*value),
        WastVal::U8(value) => Val::U8(*value),
        WastVal::S8(value) => Val::S8(*value),
        WastVal::U16(value) => Val::U16(*value),
        WastVal::S16(value) => Val::S16(*value),
        WastVal::U32(value) => Val::U32(*value),
        WastVal::S32(value) => Val::S32(*value),
        WastVal::U64(value) => Val::U64(*value),
        WastVal::S64(value) => Val::S64(*value),
        WastVal::F32(value) => Val::Float32(f32::from_bits(value.bits)),
        WastVal::F64(value) => Val::Float64(f64::from_bits(value.bits)),
        WastVal::Char(value) => Val::Char(*value),
        WastVal::String(value) => Val::String((*value).to_owned()),
        WastVal::List(values) => Val::List(values.iter().map(val).collect()),
        WastVal::Record(fields) => {
            Val::Record(fields.iter().map(|(name, value)| ((*name).to_owned(), val(value))).collect())
        }
        WastVal::Tuple(values) => Val::Tuple(values.iter().map(val).collect()),
        WastVal::Variant(case, value) => Val::Variant((*case).to_owned(), payload(value)),
        WastVal::Enum(case) => Val::Enum((*case).to_owned()),
        WastVal::Option(value) => Val::Option(payload(value)),
        WastVal::Result(value) => Val::Result(match value {
            Ok(value) => Ok(payload(value)),
            Err(value) => Err(payload(value)),
        }),
        WastVal::Flags(names) => Val::Flags(names.iter().map(|name| (*name).to_owned()).collect()),
    }
}

/// What `function` gave, written as JSON and read again, must be the same.
pub(super) fn survive_json(function: &ExportedFunction, results: &[Val]) -> Result<(), String> {
    for (ty, result) in function.results().zip(results) {
        let Ok(text) = json::from_val(result) else { continue };
        let again = json::to_val(&ty, &text).map_err(|error| error.to_string())?;
        if again != *result {
            return Err(format!("{result:?} comes back as {again:?} from {text}"));
        }
    }
    Ok(())
}
