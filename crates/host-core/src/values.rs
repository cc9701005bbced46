//! Calls of a core module's export by name, with arguments and results as text.

use wasmtime::{AsContextMut, ExternType, FuncType, Instance, Module, Val, ValType};

use crate::text::some_of;

/// Why an export cannot be called with these arguments.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvokeError {
    /// The module exports no function of that name.
    #[error("the module exports no function named `{name}`; it exports {}", some_of(.offered).unwrap_or_else(|| "none".to_owned()))]
    NoFunction {
        /// The name that was asked for.
        name: String,
        /// The functions that it exports, with their types.
        offered: Vec<String>,
    },
    /// Too many arguments, or too few.
    #[error("`{name}` takes {expected} arguments ({types}), but {given} were given")]
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
    #[error("argument {position} of `{name}`: `{text}` is not a value of type {wanted}")]
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
    #[error("argument {position} of `{name}` is a {wanted}, which cannot be written as text")]
    Unwritable {
        /// The export.
        name: String,
        /// Which argument, counted from one.
        position: usize,
        /// Its type.
        wanted: String,
    },
}

/// The values that `arguments` write, as the export `name` of `module` takes them.
///
/// Integers may be written signed or unsigned, in decimal or with `0x`. Floats are written as Rust writes them, such as
/// `1.5`, `-0.0`, `inf` or `NaN`.
///
/// # Errors
///
/// [`InvokeError`]: no such export, another number of arguments, or one that is no value of its type.
pub fn parse_arguments(
    module: &Module,
    name: &str,
    arguments: &[impl AsRef<str>],
) -> Result<Vec<Val>, InvokeError> {
    let Some(ExternType::Func(func)) = module.get_export(name) else {
        let offered = module.exports().filter_map(|export| match export.ty() {
            ExternType::Func(func) => Some(format!("{}({})", export.name(), params(&func))),
            _ => None,
        });
        return Err(InvokeError::NoFunction { name: name.to_owned(), offered: offered.collect() });
    };
    if func.params().len() != arguments.len() {
        return Err(InvokeError::Count {
            name: name.to_owned(),
            expected: func.params().len(),
            given: arguments.len(),
            types: params(&func),
        });
    }
    (1..)
        .zip(func.params())
        .zip(arguments)
        .map(|((position, ty), text)| {
            let text = text.as_ref();
            let value = match &ty {
                ValType::I32 => parse_i32(text).map(Val::I32),
                ValType::I64 => parse_i64(text).map(Val::I64),
                ValType::F32 => text.parse().ok().map(|value: f32| Val::F32(value.to_bits())),
                ValType::F64 => text.parse().ok().map(|value: f64| Val::F64(value.to_bits())),
                _ => {
                    let (name, wanted) = (name.to_owned(), ty.to_string());
                    return Err(InvokeError::Unwritable { name, position, wanted });
                }
            };
            value.ok_or_else(|| InvokeError::Value {
                name: name.to_owned(),
                position,
                text: text.to_owned(),
                wanted: ty.to_string(),
            })
        })
        .collect()
}

/// Calls the export `name` of `instance` and gives its results as text; references are written by their kind.
///
/// # Errors
///
/// Whatever ends the call; also if there is no such function, or `arguments` are not what it takes.
pub async fn invoke_async(
    mut store: impl AsContextMut<Data: Send>,
    instance: &Instance,
    name: &str,
    arguments: &[Val],
) -> wasmtime::Result<Vec<String>> {
    let func = instance
        .get_func(&mut store, name)
        .ok_or_else(|| wasmtime::format_err!("the instance exports no function named `{name}`"))?;
    let mut results = vec![Val::I32(0); func.ty(&store).results().len()];
    func.call_async(&mut store, arguments, &mut results).await?;
    Ok(results.iter().map(text).collect())
}

fn params(func: &FuncType) -> String {
    func.params().map(|ty| ty.to_string()).collect::<Vec<_>>().join(", ")
}

fn parse_i32(text: &str) -> Option<i32> {
    if let Some(digits) = text.strip_prefix("0x") {
        return u32::from_str_radix(digits, 16).ok().map(u32::cast_signed);
    }
    text.parse().ok().or_else(|| text.parse().ok().map(u32::cast_signed))
}

fn parse_i64(text: &str) -> Option<i64> {
    if let Some(digits) = text.strip_prefix("0x") {
        return u64::from_str_radix(digits, 16).ok().map(u64::cast_signed);
    }
    text.parse().ok().or_else(|| text.parse().ok().map(u64::cast_signed))
}

fn text(value: &Val) -> String {
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

fn nullable(kind: &str, is_null: bool) -> String {
    if is_null { format!("null {kind}") } else { kind.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmtime::Engine;

    fn parse(params: &str, arguments: &[&str]) -> Result<Vec<String>, InvokeError> {
        let wat = format!("(module (func (export \"f\") (param {params})) (memory (export \"m\") 1))");
        let module = Module::new(&Engine::default(), wat).unwrap();
        parse_arguments(&module, "f", arguments).map(|values| values.iter().map(text).collect())
    }

    #[test]
    fn every_number_is_read() {
        let cases = [
            ("i32", "-1", "-1"),
            ("i32", "4294967295", "-1"),
            ("i32", "0xffffffff", "-1"),
            ("i64", "18446744073709551615", "-1"),
            ("i64", "-9223372036854775808", "-9223372036854775808"),
            ("f32", "1.5", "1.5"),
            ("f64", "-0.0", "-0"),
            ("f64", "NaN", "NaN"),
            ("f64", "inf", "inf"),
        ];
        for (ty, given, read) in cases {
            assert_eq!(parse(ty, &[given]), Ok(vec![read.to_owned()]), "{ty} {given}");
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let error = parse("i32 f64", &["1"]).unwrap_err().to_string();
        assert_eq!(error, "`f` takes 2 arguments (i32, f64), but 1 were given");
        for (ty, given) in [("i32", "4294967296"), ("i32", "one"), ("i64", "1.5"), ("f32", ""), ("i32", "0x")]
        {
            let error = parse(ty, &[given]).unwrap_err();
            assert!(matches!(error, InvokeError::Value { position: 1, .. }), "{ty} {given}: {error}");
        }
        assert!(matches!(parse("v128", &["1"]), Err(InvokeError::Unwritable { .. })));
    }

    #[test]
    fn a_missing_export_says_what_there_is() {
        let module = Module::new(&Engine::default(), "(module (func (export \"f\") (param i32)))").unwrap();
        for name in ["g", "m"] {
            let error = parse_arguments(&module, name, &["1"]).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("the module exports no function named `{name}`; it exports f(i32)")
            );
        }
    }
}
