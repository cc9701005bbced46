//! Calls of a core module's export by name, with values as Wasmtime's `Val` or as text.

mod error;

use tracing::{Instrument, Span};
use wasmtime::{AsContext, AsContextMut, ExternType, Func, FuncType, Instance, Module, Val, ValType};

pub use self::error::InvokeError;
use crate::trace;
use crate::type_text::type_text;
use crate::values::{parse_value, value_text};

/// The values that `arguments` write, as the export `name` of `module` takes them.
///
/// Integers may be written signed or unsigned, in decimal or with `0x`, vectors as one unsigned integer of 128 bits. Floats
/// are written as Rust writes them, such as `1.5`, `-0.0`, `inf` or `NaN`. A reference can only be `null`.
///
/// # Errors
///
/// [`InvokeError`]: no such export, another number of arguments, or one that is no value of its type.
pub fn parse_arguments(
    module: &Module,
    name: &str,
    arguments: &[impl AsRef<str>],
) -> Result<Vec<Val>, InvokeError> {
    let func = func_type(module, name)?;
    check_count(name, &func, arguments.len())?;
    (1..)
        .zip(func.params())
        .zip(arguments)
        .map(|((position, ty), text)| {
            let text = text.as_ref();
            parse_value(&ty, text).ok_or_else(|| {
                let (name, wanted) = (name.to_owned(), ty.to_string());
                match ty {
                    ValType::Ref(reference) if !reference.is_nullable() => {
                        InvokeError::Unwritable { name, position, wanted }
                    }
                    _ => InvokeError::Value { name, position, text: text.to_owned(), wanted },
                }
            })
        })
        .collect()
}

/// Calls the export `name` of `instance` and gives its results as text; see [`value_text`]. Call it inside a
/// [`guard`](crate::guard), so that it is limited.
///
/// # Errors
///
/// Whatever ends the call. An [`InvokeError`], which can be found by `downcast_ref`, if there is no such function, or
/// `arguments` are not what it takes; no code of the guest has run then.
pub fn invoke(
    store: impl AsContextMut,
    instance: &Instance,
    name: &str,
    arguments: &[Val],
) -> wasmtime::Result<Vec<String>> {
    Ok(texts(&invoke_values(store, instance, name, arguments)?))
}

/// As [`invoke`], in an async store.
///
/// # Errors
///
/// As [`invoke`].
pub async fn invoke_async(
    store: impl AsContextMut<Data: Send>,
    instance: &Instance,
    name: &str,
    arguments: &[Val],
) -> wasmtime::Result<Vec<String>> {
    Ok(texts(&invoke_values_async(store, instance, name, arguments).await?))
}

/// As [`invoke`], but gives the results as they are.
///
/// # Errors
///
/// As [`invoke`].
pub fn invoke_values(
    mut store: impl AsContextMut,
    instance: &Instance,
    name: &str,
    arguments: &[Val],
) -> wasmtime::Result<Vec<Val>> {
    let call = Call::begin(&mut store, instance, name, arguments)?;
    let mut results = call.results();
    let result = call.span.in_scope(|| call.func.call(&mut store, arguments, &mut results));
    call.tell(&store, instance, &result);
    result.map(|()| results)
}

/// As [`invoke_values`], in an async store.
///
/// # Errors
///
/// As [`invoke`].
pub async fn invoke_values_async(
    mut store: impl AsContextMut<Data: Send>,
    instance: &Instance,
    name: &str,
    arguments: &[Val],
) -> wasmtime::Result<Vec<Val>> {
    let call = Call::begin(&mut store, instance, name, arguments)?;
    let mut results = call.results();
    let running = call.func.call_async(&mut store, arguments, &mut results);
    let result = running.instrument(call.span.clone()).await;
    call.tell(&store, instance, &result);
    result.map(|()| results)
}

/// The function that `instance` exports under `name`.
pub(crate) fn find_func(
    mut store: impl AsContextMut,
    instance: &Instance,
    name: &str,
) -> Result<Func, InvokeError> {
    match instance.get_func(&mut store, name) {
        Some(func) => Ok(func),
        None => Err(no_func(instance.module(store.as_context()), name)),
    }
}

/// A call whose arguments were checked.
struct Call {
    func: Func,
    ty: FuncType,
    span: Span,
    fuel: Option<u64>,
}

impl Call {
    fn begin(
        mut store: impl AsContextMut,
        instance: &Instance,
        name: &str,
        arguments: &[Val],
    ) -> Result<Call, InvokeError> {
        let func = find_func(&mut store, instance, name)?;
        let ty = func.ty(&store);
        check_values(name, &ty, arguments)?;
        let span = trace::call(name);
        let fuel = if span.is_disabled() { None } else { store.as_context().get_fuel().ok() };
        Ok(Call { func, ty, span, fuel })
    }

    fn results(&self) -> Vec<Val> {
        vec![Val::I32(0); self.ty.results().len()]
    }

    fn tell(&self, store: impl AsContext, instance: &Instance, result: &wasmtime::Result<()>) {
        if self.span.is_disabled() {
            return;
        }
        let store = store.as_context();
        trace::module(&self.span, instance.module(&store));
        let left = store.get_fuel().ok();
        trace::fuel(&self.span, self.fuel.zip(left).map(|(had, left)| had.saturating_sub(left)));
        // The error's own line would be Wasmtime's backtrace.
        trace::result(&self.span, &result.as_ref().map_err(|error| error.root_cause()));
    }
}

fn func_type(module: &Module, name: &str) -> Result<FuncType, InvokeError> {
    match module.get_export(name) {
        Some(ExternType::Func(func)) => Ok(func),
        _ => Err(no_func(module, name)),
    }
}

fn no_func(module: &Module, name: &str) -> InvokeError {
    if let Some(other) = module.get_export(name) {
        return InvokeError::NotAFunction { name: name.to_owned(), found: type_text(&other) };
    }
    let funcs = module.exports().filter_map(|export| Some((export.name(), export.ty().func()?.clone())));
    let (names, offered): (Vec<&str>, Vec<String>) =
        funcs.map(|(name, func)| (name, format!("{name}({})", params(&func)))).unzip();
    InvokeError::NoFunction { name: name.to_owned(), near: error::near(name, &names), offered }
}

fn check_count(name: &str, func: &FuncType, given: usize) -> Result<(), InvokeError> {
    let expected = func.params().len();
    if expected == given {
        return Ok(());
    }
    Err(InvokeError::Count { name: name.to_owned(), expected, given, types: params(func) })
}

/// Checks numbers by type. Wasmtime checks references itself, and which store they are of.
fn check_values(name: &str, func: &FuncType, arguments: &[Val]) -> Result<(), InvokeError> {
    check_count(name, func, arguments.len())?;
    for ((position, ty), value) in (1..).zip(func.params()).zip(arguments) {
        let fits = match (&ty, value) {
            (ValType::I32, Val::I32(_))
            | (ValType::I64, Val::I64(_))
            | (ValType::F32, Val::F32(_))
            | (ValType::F64, Val::F64(_))
            | (ValType::V128, Val::V128(_)) => true,
            (ValType::Ref(_), value) => value.ref_().is_some(),
            _ => false,
        };
        if !fits {
            let (name, text, wanted) = (name.to_owned(), value_text(value), ty.to_string());
            return Err(InvokeError::Value { name, position, text, wanted });
        }
    }
    Ok(())
}

fn texts(values: &[Val]) -> Vec<String> {
    values.iter().map(value_text).collect()
}

fn params(func: &FuncType) -> String {
    func.params().map(|ty| ty.to_string()).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmtime::Engine;

    fn parse(params: &str, arguments: &[&str]) -> Result<Vec<String>, InvokeError> {
        let wat = format!("(module (func (export \"f\") (param {params})) (memory (export \"m\") 1))");
        let module = Module::new(&Engine::default(), wat).unwrap();
        parse_arguments(&module, "f", arguments).map(|values| texts(&values))
    }

    #[test]
    fn every_value_is_read() {
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
            ("v128", "258", "0x00000000000000000000000000000102"),
            ("v128", "0x102", "0x00000000000000000000000000000102"),
            ("funcref", "null", "null funcref"),
            ("externref", "null", "null externref"),
            ("anyref", "null", "null anyref"),
        ];
        for (ty, given, read) in cases {
            assert_eq!(parse(ty, &[given]), Ok(vec![read.to_owned()]), "{ty} {given}");
        }
    }

    #[test]
    fn what_does_not_fit_is_named() {
        let error = parse("i32 f64", &["1"]).unwrap_err().to_string();
        assert_eq!(error, "`f` takes 2 arguments (i32, f64), but 1 were given");
        for (ty, given) in [
            ("i32", "4294967296"),
            ("i32", "one"),
            ("i64", "1.5"),
            ("f32", ""),
            ("i32", "0x"),
            ("i32", "0x+1"),
            ("v128", "-1"),
            ("funcref", "f"),
        ] {
            let error = parse(ty, &[given]).unwrap_err();
            assert!(matches!(error, InvokeError::Value { position: 1, .. }), "{ty} {given}: {error}");
        }
        assert!(matches!(parse("(ref func)", &["null"]), Err(InvokeError::Unwritable { .. })));
    }

    #[test]
    fn a_missing_export_says_what_there_is() {
        let wat = "(module (func (export \"greet\") (param i32)) (memory (export \"m\") 1))";
        let module = Module::new(&Engine::default(), wat).unwrap();
        let text = |name| parse_arguments(&module, name, &["1"]).unwrap_err().to_string();
        let missing = "the module exports no function named `g`; it exports greet(i32)";
        assert_eq!(text("g"), missing);
        let near =
            "the module exports no function named `great`; it exports greet(i32); did you mean `greet`?";
        assert_eq!(text("great"), near);
        assert_eq!(text("m"), "the export `m` is no function, but a memory of 1 or more pages");
    }
}
