//! `Export`: a guest's function, found once with its type checked, and called under the limits of its store.

use std::any::type_name;
use std::fmt;

use host_limits::HasMeter;
use tracing::{Instrument, Span};
use wasmtime::{AsContextMut, Instance, Store, TypedFunc, WasmParams, WasmResults};

use crate::fault::Fault;
use crate::guard::{Outcome, guard, guard_async};
use crate::invoke::{InvokeError, find_func};
use crate::trace;
use crate::type_text::type_text;

/// A function that an instance exports, with the type that the host calls it by.
///
/// Every call is a [`guard`] of its own: it gives an [`Outcome`] or a [`Fault`], and the store must be
/// [armed](host_limits::arm). To make several calls in one guard, or none, use [`func`](Export::func).
///
/// ```
/// use host_core::{Export, Profile, guard};
/// use host_limits::{Limits, Meter, Ticker, arm};
/// use wasmtime::{Engine, Instance, Module, Store};
///
/// let limits = Limits::untrusted();
/// let engine = Engine::new(limits.configure(&mut Profile::Untrusted.config()))?;
/// let ticker = Ticker::start(&engine)?;
/// let module = Module::new(&engine, r#"(module
///     (func (export "add") (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))"#)?;
/// let mut store = Store::new(&engine, Meter::new(limits));
/// arm(&mut store, &ticker)?;
/// let instance = guard(&mut store, |store| Instance::new(store, &module, &[]))?.value;
///
/// let add = Export::<(i32, i32), i32>::find(&mut store, &instance, "add")?;
/// assert_eq!(add.call(&mut store, (2, 3))?.value, 5);
/// let error = Export::<(), ()>::find(&mut store, &instance, "ad").unwrap_err();
/// assert!(error.to_string().ends_with("it exports add(i32, i32); did you mean `add`?"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Export<P, R> {
    name: Box<str>,
    instance: Instance,
    func: TypedFunc<P, R>,
}

impl<P, R> Export<P, R> {
    /// Wasmtime's function: the way down.
    pub fn func(&self) -> &TypedFunc<P, R> {
        &self.func
    }

    /// The name it is exported under.
    pub fn name(&self) -> &str {
        &self.name
    }
}

impl<P: WasmParams, R: WasmResults> Export<P, R> {
    /// Finds the export `name` of `instance`, as a function from `P` to `R`.
    ///
    /// # Errors
    ///
    /// [`InvokeError::NoFunction`] with what there is and near names, [`InvokeError::NotAFunction`], or
    /// [`InvokeError::WrongType`] with both types.
    ///
    /// # Panics
    ///
    /// If `instance` belongs to another store, as everywhere in Wasmtime.
    pub fn find<T: 'static>(
        mut store: impl AsContextMut<Data = T>,
        instance: &Instance,
        name: &str,
    ) -> Result<Export<P, R>, InvokeError> {
        let func = find_func(&mut store, instance, name)?;
        let func = func.typed::<P, R>(&store).map_err(|_| InvokeError::WrongType {
            name: name.to_owned(),
            wanted: format!("{} -> {}", rust_type::<P>(), rust_type::<R>()),
            found: type_text(&func.ty(&store).into()),
        })?;
        Ok(Export { name: name.into(), instance: *instance, func })
    }

    /// Calls it in an armed store.
    ///
    /// # Errors
    ///
    /// As [`guard`]: the store must not be used again then.
    pub fn call<T: HasMeter>(&self, store: &mut Store<T>, params: P) -> Result<Outcome<R>, Fault> {
        let span = trace::call(&self.name);
        let result = span.in_scope(|| guard(store, |store| self.func.call(store, params)));
        self.tell(&span, store, &result);
        result
    }

    /// As [`call`](Export::call), in a store that is [armed for async calls](host_limits::arm_async).
    ///
    /// # Errors
    ///
    /// As [`guard_async`].
    pub async fn call_async<T: HasMeter + Send>(
        &self,
        store: &mut Store<T>,
        params: P,
    ) -> Result<Outcome<R>, Fault>
    where
        P: Sync,
        R: Sync,
    {
        let span = trace::call(&self.name);
        let work = async |store: &mut Store<T>| self.func.call_async(store, params).await;
        let result = guard_async(store, work).instrument(span.clone()).await;
        self.tell(&span, store, &result);
        result
    }

    fn tell<T: 'static>(&self, span: &Span, store: &Store<T>, result: &Result<Outcome<R>, Fault>) {
        if span.is_disabled() {
            return;
        }
        trace::module(span, self.instance.module(store));
        trace::fuel(
            span,
            result.as_ref().map_or_else(|fault| fault.usage().fuel, |outcome| outcome.usage.fuel),
        );
        trace::result(span, result);
    }
}

impl<P, R> Clone for Export<P, R> {
    fn clone(&self) -> Export<P, R> {
        Export { name: self.name.clone(), instance: self.instance, func: self.func.clone() }
    }
}

impl<P, R> fmt::Debug for Export<P, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ty = format!("{} -> {}", rust_type::<P>(), rust_type::<R>());
        f.debug_struct("Export").field("name", &self.name).field("type", &ty).finish()
    }
}

/// The name of a type as a program writes it, without the paths.
fn rust_type<T>() -> String {
    let mut text = String::new();
    for part in type_name::<T>().split_inclusive(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':')) {
        text.push_str(part.rsplit("::").next().unwrap_or(part));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use wasmtime::Func;

    #[test]
    fn types_read_as_they_are_written() {
        assert_eq!(rust_type::<()>(), "()");
        assert_eq!(rust_type::<(i32, f64)>(), "(i32, f64)");
        assert_eq!(rust_type::<Option<Func>>(), "Option<Func>");
    }
}
