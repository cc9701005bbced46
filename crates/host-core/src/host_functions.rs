//! `HostFunctions`: the functions that guests import from one module of the host, as a set that can be listed.

mod function;

use std::collections::BTreeSet;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use wasmtime::{Caller, Linker, WasmTyList};

pub use self::function::{HostFunction, HostResult, HostValues};
use crate::text::one_line;

/// Functions of the host, under one module name: `(import "env" "log" ...)` of a guest is the function `log` of the set
/// `env`.
///
/// A function is a closure or `fn` of up to 17 numbers, vectors or references, as for
/// [`Linker::func_wrap`](wasmtime::Linker::func_wrap), with a [`Caller`] before them if it needs the store's data or the
/// guest's memory. It gives a value, a tuple of values, nothing, or a [`Result`] of these with any error that converts
/// into a `wasmtime::Error`. An error ends the guest's call, and can be found in what the call gives with
/// `downcast_ref`. A closure needs its return type written out, since several would do.
///
/// A panic in one of these functions ends the guest's call, too, with [`HostPanic`](crate::HostPanic); it neither
/// reaches the embedder's frames nor ends the process, whether the guest is called through
/// [`guard`](crate::guard) or not. (A program compiled with `panic = "abort"` ends all the same.)
///
/// ```
/// use host_core::HostFunctions;
/// use wasmtime::{Caller, Engine, Linker, Module, Store};
///
/// #[derive(Debug, PartialEq, thiserror::Error)]
/// #[error("{0} is not lucky")]
/// struct Unlucky(u32);
///
/// let env = HostFunctions::<Vec<u32>>::new("env")
///     .func("double", |number: i32| number * 2)
///     .func("note", |mut caller: Caller<'_, Vec<u32>>, number: u32| -> Result<(), Unlucky> {
///         if number == 13 {
///             return Err(Unlucky(number));
///         }
///         caller.data_mut().push(number);
///         Ok(())
///     });
/// let list: Vec<String> = env.list().map(|(name, text)| format!("{name}: {text}")).collect();
/// assert_eq!(list, ["double: func(i32) -> i32", "note: func(i32)"]);
///
/// let engine = Engine::default();
/// let mut linker = Linker::new(&engine);
/// env.add_to_linker(&mut linker)?;
///
/// let module = Module::new(&engine, r#"(module (import "env" "note" (func $note (param i32)))
///     (func (export "run") (call $note (i32.const 7)) (call $note (i32.const 13))))"#)?;
/// let mut store = Store::new(&engine, Vec::new());
/// let run = linker.instantiate(&mut store, &module)?.get_typed_func::<(), ()>(&mut store, "run")?;
/// let error = run.call(&mut store, ()).unwrap_err();
/// assert_eq!(error.downcast_ref(), Some(&Unlucky(13)));
/// assert_eq!(*store.data(), [7]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct HostFunctions<T: 'static> {
    module: String,
    functions: Vec<Entry<T>>,
}

struct Entry<T: 'static> {
    name: String,
    text: String,
    define: Arc<Define<T>>,
}

/// Defines one function in a linker, under a module name and a name.
type Define<T> = dyn Fn(&mut Linker<T>, &str, &str) -> wasmtime::Result<()> + Send + Sync;

/// Why a set of host functions was not added to a linker.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HostFunctionsError {
    /// Two functions of one name in the set.
    #[error("there are two host functions named `{}.{}`; a name stands for one", one_line(.module), one_line(.name))]
    Duplicate {
        /// The module name of the set.
        module: String,
        /// The name.
        name: String,
    },
    /// The linker does not take it: it holds something else of that name, and does not allow shadowing.
    #[error("the host function `{}.{}` cannot be added to the linker", one_line(.module), one_line(.name))]
    Define {
        /// The module name of the set.
        module: String,
        /// The name.
        name: String,
        /// What Wasmtime says.
        #[source]
        error: wasmtime::Error,
    },
}

impl<T: 'static> HostFunctions<T> {
    /// No functions yet, under the module name by which guests import them.
    pub fn new(module: impl Into<String>) -> HostFunctions<T> {
        HostFunctions { module: module.into(), functions: Vec::new() }
    }

    /// Adds a function; a second one of the same name is reported by [`add_to_linker`](HostFunctions::add_to_linker).
    #[must_use]
    pub fn func<Params, Results, F>(self, name: impl Into<String>, function: F) -> HostFunctions<T>
    where
        F: HostFunction<T, Params, Results>,
    {
        let function = Arc::new(function);
        self.entry(name.into(), F::text(), move |linker, module, name| {
            F::define(Arc::clone(&function), linker, module, name)
        })
    }

    /// Adds a function that may wait. It takes its arguments as a tuple and gives a boxed future, as for
    /// [`Linker::func_wrap_async`](wasmtime::Linker::func_wrap_async); guests that import it must be instantiated and
    /// called with the async forms.
    ///
    /// ```
    /// use host_core::HostFunctions;
    /// use wasmtime::Caller;
    ///
    /// let env = HostFunctions::<()>::new("env").func_async("wait", |_: Caller<'_, ()>, (turns,): (u32,)| {
    ///     Box::new(async move {
    ///         for _ in 0..turns {
    ///             tokio::task::yield_now().await;
    ///         }
    ///         Ok::<u32, std::io::Error>(turns)
    ///     })
    /// });
    /// assert_eq!(env.list().next(), Some(("wait", "func(i32) -> i32")));
    /// ```
    #[must_use]
    pub fn func_async<Params, R, F>(self, name: impl Into<String>, function: F) -> HostFunctions<T>
    where
        T: Send,
        F: for<'a> Fn(Caller<'a, T>, Params) -> Box<dyn Future<Output = R> + Send + 'a>
            + Send
            + Sync
            + 'static,
        Params: WasmTyList + 'static,
        R: HostResult + 'static,
    {
        let function = Arc::new(function);
        self.entry(name.into(), function::text::<Params, R>(), move |linker, module, name| {
            function::define_async(Arc::clone(&function), linker, module, name)
        })
    }

    /// The module name by which guests import these functions.
    pub fn module(&self) -> &str {
        &self.module
    }

    /// The name of each function and its type in a few words, such as `func(i32, i32) -> i32`, in the order they were
    /// added in.
    pub fn list(&self) -> impl ExactSizeIterator<Item = (&str, &str)> {
        self.functions.iter().map(|entry| (entry.name.as_str(), entry.text.as_str()))
    }

    /// Adds the functions to `linker`: all of them, or none if there is an error. The set may be added to any number of
    /// linkers.
    ///
    /// # Errors
    ///
    /// [`HostFunctionsError::Duplicate`] if two functions have one name; [`HostFunctionsError::Define`] if the linker
    /// holds one of the names already and does not [allow shadowing](wasmtime::Linker::allow_shadowing).
    pub fn add_to_linker(&self, linker: &mut Linker<T>) -> Result<(), HostFunctionsError> {
        let mut names = BTreeSet::new();
        if let Some(twice) = self.functions.iter().find(|entry| !names.insert(&entry.name)) {
            let (module, name) = (self.module.clone(), twice.name.clone());
            return Err(HostFunctionsError::Duplicate { module, name });
        }
        let mut copy = linker.clone();
        for entry in &self.functions {
            (entry.define)(&mut copy, &self.module, &entry.name).map_err(|error| {
                HostFunctionsError::Define { module: self.module.clone(), name: entry.name.clone(), error }
            })?;
        }
        *linker = copy;
        Ok(())
    }

    fn entry(
        mut self,
        name: String,
        text: String,
        define: impl Fn(&mut Linker<T>, &str, &str) -> wasmtime::Result<()> + Send + Sync + 'static,
    ) -> HostFunctions<T> {
        self.functions.push(Entry { name, text, define: Arc::new(define) });
        self
    }
}

impl<T: 'static> Clone for HostFunctions<T> {
    fn clone(&self) -> HostFunctions<T> {
        HostFunctions { module: self.module.clone(), functions: self.functions.clone() }
    }
}

impl<T: 'static> Clone for Entry<T> {
    fn clone(&self) -> Entry<T> {
        Entry { name: self.name.clone(), text: self.text.clone(), define: Arc::clone(&self.define) }
    }
}

impl<T: 'static> fmt::Debug for HostFunctions<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HostFunctions ")?;
        f.debug_map()
            .entries(self.list().map(|(name, text)| (format!("{}.{name}", self.module), text)))
            .finish()
    }
}
