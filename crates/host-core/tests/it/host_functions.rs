//! Sets of host functions: what they take and give, how they fail, and that a panic stays with its own call.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use host_core::{FaultKind, HostFunctions, HostFunctionsError, HostPanic, guard, guard_async};
use host_limits::{HasMeter, Limits};
use wasmtime::{Caller, Engine, ExternRef, Func, Linker, Module, Rooted, Store, V128};

use crate::{Data, Host};

/// A store without a meter, and a guest in it whose `run` calls `env.f` with `arguments` and gives its result.
fn calling(env: &HostFunctions<u32>, signature: &str, arguments: &str) -> wasmtime::Result<i64> {
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    env.add_to_linker(&mut linker)?;
    let wat = format!(
        r#"(module (import "env" "f" (func $f {signature} (result i64)))
            (func (export "run") (result i64) {arguments} (call $f)))"#
    );
    let mut store = Store::new(&engine, 0);
    let instance = linker.instantiate(&mut store, &Module::new(&engine, wat)?)?;
    instance.get_typed_func::<(), i64>(&mut store, "run")?.call(&mut store, ())
}

// What they take and give.

macro_rules! check_arity {
    ($($argument:ident)*) => {
        let names: &[&str] = &[$(stringify!($argument)),*];
        let count = names.len();
        let signature = format!("(param {})", "i64 ".repeat(count));
        let arguments: String = (1..=count).map(|n| format!("(i64.const {n})")).collect();
        let sum: i64 = (1..=count as i64).sum();
        let plain = HostFunctions::new("env").func("f", |$($argument: i64),*| -> i64 { 0 $(+ $argument)* });
        let with_caller = HostFunctions::new("env").func(
            "f",
            |mut caller: Caller<'_, u32>, $($argument: i64),*| -> io::Result<i64> {
                *caller.data_mut() += 1;
                Ok(0 $(+ $argument)*)
            },
        );
        for env in [plain, with_caller] {
            assert_eq!(calling(&env, &signature, &arguments).unwrap(), sum, "{count} arguments");
            let types = vec!["i64"; count].join(", ");
            assert_eq!(env.list().collect::<Vec<_>>(), [("f", &*format!("func({types}) -> i64"))]);
        }
    };
}

#[test]
fn functions_of_every_arity_with_and_without_the_caller() {
    check_arity!();
    check_arity!(a);
    check_arity!(a b);
    check_arity!(a b c);
    check_arity!(a b c d);
    check_arity!(a b c d e f g h);
    check_arity!(a b c d e f g h i j k l m n o p);
    check_arity!(a b c d e f g h i j k l m n o p q);
}

#[test]
fn a_list_names_every_type() {
    type External = Option<Rooted<ExternRef>>;
    let all = HostFunctions::<u32>::new("env")
        .func("nothing", || ())
        .func("numbers", |_: i32, _: u32, _: i64, _: u64, _: f32, _: f64, _: V128| -> u32 { 0 })
        .func("pair", || (1_u64, 0.5_f32))
        .func("single", || -> io::Result<(V128,)> { Err(io::ErrorKind::NotFound.into()) })
        .func("fails", |_: Caller<'_, u32>| -> wasmtime::Result<()> { Ok(()) })
        .func("references", |given: External, _: Option<Func>| -> External { given })
        .func_async("waits", |_, (_, _): (i32, f64)| Box::new(async { Ok::<_, io::Error>((1_i32, 2_i32)) }));
    let list: Vec<String> = all.list().map(|(name, text)| format!("{name} {text}")).collect();
    assert_eq!(
        list,
        [
            "nothing func()",
            "numbers func(i32, i32, i64, i64, f32, f64, v128) -> i32",
            "pair func() -> (i64, f32)",
            "single func() -> v128",
            "fails func()",
            "references func((ref null extern), (ref null func)) -> (ref null extern)",
            "waits func(i32, f64) -> (i32, i32)",
        ]
    );
    assert_eq!((all.module(), all.list().len()), ("env", 7));
    assert!(format!("{all:?}").contains(r#""env.nothing": "func()""#), "{all:?}");

    // And it says what a linker has.
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    all.add_to_linker(&mut linker).unwrap();
    let mut store = Store::new(&engine, 0);
    let found: Vec<_> = linker.iter(&mut store).map(|(_, name, item)| (name, item)).collect();
    for (name, item) in found {
        let text = host_core::type_text(&item.ty(&store));
        assert!(all.list().any(|(listed, listed_text)| (listed, listed_text) == (name, &*text)), "{name}");
    }
}

#[test]
fn one_set_serves_several_engines() {
    let env = HostFunctions::new("env").func("f", || 7_i64);
    for env in [&env, &env.clone()] {
        assert_eq!(calling(env, "", "").unwrap(), 7);
    }
}

// Names.

#[test]
fn a_name_stands_for_one_function_and_an_error_leaves_the_linker_as_it_was() {
    let twice = HostFunctions::<u32>::new("env").func("a", || ()).func("b", || ()).func("b", |_: i32| ());
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    let error = twice.add_to_linker(&mut linker).unwrap_err();
    assert_eq!(error.to_string(), "there are two host functions named `env.b`; a name stands for one");
    assert!(matches!(&error, HostFunctionsError::Duplicate { name, .. } if name == "b"), "{error:?}");
    assert_eq!(linker.iter(&mut Store::new(&engine, 0)).count(), 0);

    linker.func_wrap("env", "z", || ()).unwrap();
    let taken = HostFunctions::<u32>::new("env").func("a", || ()).func("z", || ());
    let error = taken.add_to_linker(&mut linker).unwrap_err();
    assert_eq!(error.to_string(), "the host function `env.z` cannot be added to the linker");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(cause.contains("defined twice"), "{cause}");
    assert_eq!(linker.iter(&mut Store::new(&engine, 0)).count(), 1);

    linker.allow_shadowing(true);
    taken.add_to_linker(&mut linker).unwrap();
    assert_eq!(linker.iter(&mut Store::new(&engine, 0)).count(), 2);
}

// Errors.

#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[error("no user {0}")]
struct NoUser(u32);

#[test]
fn an_error_can_be_found_again_as_it_was() {
    let typed = HostFunctions::new("env").func("f", |id: u32| -> Result<i64, NoUser> { Err(NoUser(id)) });
    let error = calling(&typed, "(param i32)", "(i32.const 17)").unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&NoUser(17)));

    let context = HostFunctions::new("env")
        .func("f", || -> wasmtime::Result<i64> { Err(wasmtime::Error::from(NoUser(3)).context("asking")) });
    let error = calling(&context, "", "").unwrap_err();
    assert_eq!(error.downcast_ref(), Some(&NoUser(3)));
    assert!(format!("{error:?}").contains("asking"), "{error:?}");
}

// Panics.

/// Panics when it is dropped.
struct Sharp;

impl Drop for Sharp {
    fn drop(&mut self) {
        panic!("dropped");
    }
}

fn panicking() -> HostFunctions<u32> {
    HostFunctions::new("env").func("f", |how: u32| -> i64 {
        match how {
            0 => panic!("no such\nuser: {}", 17),
            1 => std::panic::panic_any(42),
            2 => std::panic::panic_any(Sharp),
            _ => i64::from(how),
        }
    })
}

#[test]
fn a_panic_becomes_an_error_also_without_a_guard() {
    for (how, message) in [(0, "no such\nuser: 17"), (1, "no message"), (2, "no message")] {
        let error = calling(&panicking(), "(param i32)", &format!("(i32.const {how})")).unwrap_err();
        let panic: &HostPanic = error.downcast_ref().unwrap();
        assert_eq!(panic.message(), message);
        assert!(!panic.to_string().contains('\n'), "{panic}");
    }
    assert_eq!(calling(&panicking(), "(param i32)", "(i32.const 9)").unwrap(), 9);
}

#[test]
fn a_panic_is_the_hosts_fault_and_ends_its_own_call_only() {
    let mut host = Host::new(Limits::untrusted());
    let set = HostFunctions::<Data>::new("set").func("boom", |mut caller: Caller<'_, Data>, panics: i32| {
        caller.data_mut().lines.push("called".into());
        assert!(panics == 0, "asked to");
    });
    set.add_to_linker(&mut host.linker).unwrap();
    let module = host.module(
        r#"(module (import "set" "boom" (func $boom (param i32)))
            (func $caller (export "run") (param i32) (call $boom (local.get 0))))"#,
    );
    let (mut good, mut bad) = (host.store(), host.store());
    let call = |store: &mut Store<Data>, panics: i32| {
        guard(store, |store| {
            let instance = host.linker.instantiate(&mut *store, &module)?;
            instance.get_typed_func::<i32, ()>(&mut *store, "run")?.call(store, panics)
        })
    };
    call(&mut good, 0).unwrap();
    let fault = call(&mut bad, 1).unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Panic("asked to".into()));
    assert_eq!(fault.kind().who(), "host");
    // The guest's stack is told, which a panic that unwinds through it would lose.
    assert_eq!(fault.backtrace()[0].function.as_deref(), Some("caller"));
    call(&mut good, 0).unwrap();
    assert_eq!(good.data().lines.len(), 2);
    assert!(good.data_mut().meter().deadline().is_some());
}

// Functions that wait.

/// Pending once, and then done.
async fn yield_once() {
    let mut yielded = false;
    poll_fn(|context| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Panics when it is polled, and again when it is dropped.
struct Jagged(Sharp);

impl Future for Jagged {
    type Output = Result<u32, NoUser>;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Self::Output> {
        panic!("polled");
    }
}

fn waiting() -> HostFunctions<Data> {
    HostFunctions::new("set").func_async("wait", |mut caller: Caller<'_, Data>, (how,): (u32,)| {
        assert!(how != 1, "before it waits");
        if how == 3 {
            return Box::new(Jagged(Sharp));
        }
        Box::new(async move {
            yield_once().await;
            assert!(how != 2, "while it waits");
            if how == 4 {
                return Err(NoUser(how));
            }
            caller.data_mut().lines.push("waited".into());
            Ok(how * 2)
        })
    })
}

const WAITS: &str = r#"(module (import "set" "wait" (func $wait (param i32) (result i32)))
    (func $caller (export "run") (param i32) (result i32) (call $wait (local.get 0))))"#;

#[tokio::test]
async fn async_functions_wait_fail_and_panic_in_their_own_call() {
    let mut host = Host::new(Limits::untrusted());
    waiting().add_to_linker(&mut host.linker).unwrap();
    let module = host.module(WAITS);
    let call = async |how: u32| {
        let mut store = host.async_store();
        let result = guard_async(&mut store, async |store| {
            let instance = host.linker.instantiate_async(&mut *store, &module).await?;
            instance.get_typed_func::<u32, u32>(&mut *store, "run")?.call_async(store, how).await
        })
        .await;
        result.map(|outcome| (outcome.value, store.into_data().lines.len()))
    };
    assert_eq!(call(21).await.unwrap(), (42, 1));
    let fault = call(4).await.unwrap_err();
    assert_eq!(fault.error().downcast_ref(), Some(&NoUser(4)));
    for (how, message) in [(1, "before it waits"), (2, "while it waits"), (3, "polled")] {
        let fault = call(how).await.unwrap_err();
        assert_eq!(*fault.kind(), FaultKind::Panic(message.into()));
        assert_eq!(fault.backtrace()[0].function.as_deref(), Some("caller"));
    }
}

#[tokio::test]
async fn a_panic_of_an_async_function_becomes_an_error_also_without_a_guard() {
    let mut host = Host::new(Limits::untrusted());
    waiting().add_to_linker(&mut host.linker).unwrap();
    let module = host.module(WAITS);
    for (how, message) in [(1, "before it waits"), (2, "while it waits"), (3, "polled")] {
        let mut store = host.async_store();
        let instance = host.linker.instantiate_async(&mut store, &module).await.unwrap();
        let run = instance.get_typed_func::<u32, u32>(&mut store, "run").unwrap();
        let error = run.call_async(&mut store, how).await.unwrap_err();
        assert_eq!(error.downcast_ref::<HostPanic>().map(HostPanic::message), Some(message));
    }
}
