//! Which Rust functions can be a guest's import: what they take and give, and how one is defined in a linker.

use std::future::{Future, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

use wasmtime::{
    Caller, Func, GcRef, I31, Linker, NoExtern, NoFunc, NoneRef, OwnedRooted, Rooted, V128, ValType, WasmRet,
    WasmTy, WasmTyList,
};

use self::sealed::{Function, WithCaller};
use crate::guard::panicked;
use crate::type_text::signature_text;

/// A Rust function that a guest can import: `Fn(A, B, ..) -> R` or `Fn(Caller<'_, T>, A, B, ..) -> R` of up to 17
/// arguments, with [`R: HostResult`](HostResult).
///
/// Implemented for what [`HostFunctions::func`](crate::HostFunctions::func) takes, and not by hand.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be a host function",
    note = "it takes `Caller<'_, T>` first or not at all, then up to 17 WebAssembly values; \
            write out the type of each argument and of the result"
)]
pub trait HostFunction<T: 'static, Params, Results>: Function<T, Params, Results> {}

impl<T: 'static, Params, Results, F: Function<T, Params, Results>> HostFunction<T, Params, Results> for F {}

/// What a host function gives: a value, a tuple of values or nothing, or a `Result` of these whose error converts into a
/// `wasmtime::Error`, as every `std::error::Error` does.
pub trait HostResult {
    /// What the guest gets.
    type Values: HostValues;

    /// The values, or the error that ends the guest's call.
    ///
    /// # Errors
    ///
    /// The host function's.
    fn into_result(self) -> wasmtime::Result<Self::Values>;
}

impl<V: HostValues> HostResult for V {
    type Values = V;

    fn into_result(self) -> wasmtime::Result<V> {
        Ok(self)
    }
}

impl<V: HostValues, E: Into<wasmtime::Error>> HostResult for Result<V, E> {
    type Values = V;

    fn into_result(self) -> wasmtime::Result<V> {
        self.map_err(Into::into)
    }
}

/// What a guest gets from a host function that does not fail.
pub trait HostValues: WasmRet {
    /// Its types, as a list of arguments of the same types has them.
    type Types: WasmTyList;
}

macro_rules! single_values {
    ($($V:ty)*) => { $(impl HostValues for $V { type Types = ($V,); })* };
}

single_values!(i32 u32 i64 u64 f32 f64 V128 Func NoFunc NoExtern NoneRef I31);

impl<R> HostValues for Option<R>
where
    Option<R>: WasmTy,
{
    type Types = (Option<R>,);
}

impl<R: GcRef> HostValues for Rooted<R>
where
    Rooted<R>: WasmTy,
{
    type Types = (Rooted<R>,);
}

impl<R: GcRef> HostValues for OwnedRooted<R>
where
    OwnedRooted<R>: WasmTy,
{
    type Types = (OwnedRooted<R>,);
}

mod sealed {
    use std::marker::PhantomData;
    use std::sync::Arc;

    use wasmtime::Linker;

    /// What `HostFunction` needs, and what nobody else implements.
    pub trait Function<T: 'static, Params, Results>: Send + Sync + Sized + 'static {
        fn define(
            function: Arc<Self>,
            linker: &mut Linker<T>,
            module: &str,
            name: &str,
        ) -> wasmtime::Result<()>;

        fn text() -> String;
    }

    /// The arguments of a function that takes a `Caller` before them.
    pub struct WithCaller<Params>(PhantomData<Params>);
}

/// The type of a function in a few words.
pub(super) fn text<Params: WasmTyList, R: HostResult>() -> String {
    let params: Vec<ValType> = Params::valtypes().collect();
    let results: Vec<ValType> = <<R::Values as HostValues>::Types as WasmTyList>::valtypes().collect();
    signature_text(params.into_iter(), results.into_iter())
}

macro_rules! of_arity {
    ($(($A:ident $a:ident))*) => {
        impl<T, F, R, $($A,)*> Function<T, ($($A,)*), R> for F
        where
            T: 'static,
            F: Fn($($A),*) -> R + Send + Sync + 'static,
            R: HostResult,
            $($A: WasmTy + 'static,)*
        {
            fn define(function: Arc<F>, linker: &mut Linker<T>, module: &str, name: &str) -> wasmtime::Result<()> {
                linker.func_wrap(module, name, move |_: Caller<'_, T>, $($a: $A),*| {
                    caught(|| function($($a),*).into_result())
                })?;
                Ok(())
            }

            fn text() -> String {
                text::<($($A,)*), R>()
            }
        }

        impl<T, F, R, $($A,)*> Function<T, WithCaller<($($A,)*)>, R> for F
        where
            T: 'static,
            F: Fn(Caller<'_, T>, $($A),*) -> R + Send + Sync + 'static,
            R: HostResult,
            $($A: WasmTy + 'static,)*
        {
            fn define(function: Arc<F>, linker: &mut Linker<T>, module: &str, name: &str) -> wasmtime::Result<()> {
                linker.func_wrap(module, name, move |caller: Caller<'_, T>, $($a: $A),*| {
                    caught(|| function(caller, $($a),*).into_result())
                })?;
                Ok(())
            }

            fn text() -> String {
                text::<($($A,)*), R>()
            }
        }

        impl<$($A: WasmTy,)*> HostValues for ($($A,)*) {
            type Types = ($($A,)*);
        }
    };
}

/// Implements all of it for no argument, for one, and so on to 17, which is what Wasmtime has.
macro_rules! of_every_arity {
    ([$($done:tt)*]) => { of_arity!($($done)*); };
    ([$($done:tt)*] $next:tt $($rest:tt)*) => {
        of_arity!($($done)*);
        of_every_arity!([$($done)* $next] $($rest)*);
    };
}

of_every_arity!([]
    (A1 a1) (A2 a2) (A3 a3) (A4 a4) (A5 a5) (A6 a6) (A7 a7) (A8 a8) (A9 a9)
    (A10 a10) (A11 a11) (A12 a12) (A13 a13) (A14 a14) (A15 a15) (A16 a16) (A17 a17));

/// Defines a function that may wait.
pub(super) fn define_async<T, Params, R, F>(
    function: Arc<F>,
    linker: &mut Linker<T>,
    module: &str,
    name: &str,
) -> wasmtime::Result<()>
where
    T: Send + 'static,
    F: for<'a> Fn(Caller<'a, T>, Params) -> Box<dyn Future<Output = R> + Send + 'a> + Send + Sync + 'static,
    Params: WasmTyList + 'static,
    R: HostResult + 'static,
{
    linker.func_wrap_async(module, name, move |caller: Caller<'_, T>, params: Params| {
        let future = caught(|| Ok(Pin::from(function(caller, params))));
        Box::new(async move {
            let mut future = future?;
            // Caught as near to the function as can be: what it holds is not dropped while a panic unwinds.
            let result = poll_fn(|context| {
                caught(|| Ok(future.as_mut().poll(context).map(HostResult::into_result)))
                    .unwrap_or_else(|panicked| Poll::Ready(Err(panicked)))
            });
            let result = result.await;
            let _ = caught(|| {
                drop(future);
                Ok(())
            });
            result
        })
    })?;
    Ok(())
}

fn caught<R>(work: impl FnOnce() -> wasmtime::Result<R>) -> wasmtime::Result<R> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| Err(panicked(panic)))
}
