//! Memory that the host allocates by a guest's functions in async stores.

use host_core::{Allocator, FaultKind, MemoryAccess, MemoryError, Profile, guard, guard_async};
use host_limits::Limits;
use wasmtime::{AsContextMut, Caller, Instance, Store, Trap};

use crate::allocator::{ADDRESS_SIZE, SIZE, check_calls, global, guest, names, shapes};
use crate::{Data, Host};

async fn start(host: &Host, wat: &str) -> (Store<Data>, Instance, Allocator) {
    let mut store = host.async_store();
    let instance = host.linker.instantiate_async(&mut store, &host.module(wat)).await.unwrap();
    let allocator = Allocator::find(&mut store, &instance, names()).unwrap();
    (store, instance, allocator)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_reads_what_was_allocated_and_gets_it_back() {
    let host = Host::new(Limits::untrusted());
    let (mut store, instance, allocator) = start(&host, &guest("i32", SIZE, ADDRESS_SIZE)).await;
    // On another thread: the future can be sent.
    let task = tokio::spawn(async move {
        let outcome = guard_async(&mut store, async |store| {
            let memory = allocator.memory();
            allocator
                .with_allocation_async(store, 5u32, 1, async |mut store, address| {
                    memory.write_bytes(&mut store, address, b"hello")?;
                    let first = instance.get_typed_func::<u32, u32>(&mut store, "first")?;
                    first.call_async(&mut store, address as u32).await
                })
                .await
        })
        .await;
        (store, outcome.unwrap().value)
    });
    let (mut store, first) = task.await.unwrap();
    assert_eq!(first, u32::from(b'h'));
    assert_eq!(global(&mut store, &instance, "frees"), 1);
    assert_eq!(global(&mut store, &instance, "free_address"), 1024);
    assert_eq!(global(&mut store, &instance, "free_size"), 5);
}

#[tokio::test]
async fn every_shape_of_function_gets_its_arguments() {
    let host = Host::with_profile(Profile::Development, Limits::untrusted());
    for int in ["i32", "i64"] {
        for shape in shapes(int) {
            let mut store = host.async_store();
            let module = host.module(&guest(int, &shape.0, &shape.1));
            let instance = host.linker.instantiate_async(&mut store, &module).await.unwrap();
            let allocator = Allocator::find(&mut store, &instance, shape.2.clone()).unwrap();
            allocator.with_allocation_async(&mut store, 24u32, 8, async |_, _| Ok(())).await.unwrap();
            check_calls(&mut store, &instance, &shape);
        }
    }
}

#[tokio::test]
async fn after_a_fault_nothing_is_freed() {
    let host = Host::new(Limits::untrusted());
    let (mut store, instance, allocator) = start(&host, &guest("i32", SIZE, ADDRESS_SIZE)).await;
    let fault = guard_async(&mut store, async |store| {
        allocator
            .with_allocation_async(store, 5u32, 1, async |_, _| Err::<(), _>(Trap::Interrupt.into()))
            .await
    })
    .await
    .unwrap_err();
    assert_eq!(fault.trap(), Some(Trap::Interrupt));
    assert_eq!(global(&mut store, &instance, "frees"), 0);
}

#[tokio::test]
async fn what_is_handed_over_is_the_guests() {
    let host = Host::new(Limits::untrusted());
    let (mut store, instance, allocator) = start(&host, &guest("i32", SIZE, ADDRESS_SIZE)).await;
    let address = allocator.hand_over_async(&mut store, b"yours").await.unwrap();
    assert_eq!(allocator.memory().read_bytes(&store, address, 5u32).unwrap(), b"yours");
    assert_eq!(global(&mut store, &instance, "frees"), 0);
}

#[tokio::test]
async fn no_answer_of_an_allocator_hurts_its_host() {
    let host = Host::new(Limits::untrusted());
    let wat = r#"(module (memory (export "memory") 1)
        (func (export "alloc") (param i32) (result i32) (i32.const -2)) (func (export "free") (param i32)))"#;
    let outside =
        FaultKind::BadArgument(MemoryError::OutOfBounds { address: 0xffff_fffe, length: 4, size: 65_536 });
    let (mut store, _, allocator) = start(&host, wat).await;
    let fault = guard_async(&mut store, async |store| {
        allocator.with_allocation_async(store, 4u32, 1, async |_, _| Ok(())).await
    });
    assert_eq!(*fault.await.unwrap_err().kind(), outside);
    let (mut store, _, allocator) = start(&host, wat).await;
    let fault = guard_async(&mut store, async |store| allocator.hand_over_async(store, b"four").await);
    assert_eq!(*fault.await.unwrap_err().kind(), outside);
}

#[tokio::test]
async fn an_async_host_function_gives_its_caller_text() {
    let mut host = Host::new(Limits::untrusted());
    host.linker
        .func_wrap_async("env", "host_name", |mut caller: Caller<'_, Data>, ()| {
            Box::new(async move {
                tokio::task::yield_now().await;
                let allocator = Allocator::of_caller(&mut caller, names())?;
                Ok(allocator.hand_over_async(&mut caller, b"name").await? as u32)
            })
        })
        .unwrap();
    let wat = r#"(module (import "env" "host_name" (func $name (result i32))) (memory (export "memory") 1)
        (func (export "alloc") (param i32) (result i32) (i32.const 640))
        (func (export "free") (param i32))
        (func (export "run") (result i32) (i32.load (call $name))))"#;
    let (mut store, instance, _) = start(&host, wat).await;
    let outcome = guard_async(&mut store, async |store| {
        instance.get_typed_func::<(), i32>(store.as_context_mut(), "run")?.call_async(store, ()).await
    });
    assert_eq!(outcome.await.unwrap().value, i32::from_le_bytes(*b"name"));
}

#[tokio::test]
async fn a_sync_call_in_a_store_that_needs_async_is_an_error() {
    let mut host = Host::new(Limits::untrusted());
    host.linker
        .func_wrap_async("env", "host_wait", |_: Caller<'_, Data>, ()| Box::new(tokio::task::yield_now()))
        .unwrap();
    let wat =
        guest("i32", SIZE, ADDRESS_SIZE).replace("(module ", r#"(module (import "env" "host_wait" (func)) "#);
    let (mut store, instance, allocator) = start(&host, &wat).await;
    let fault = guard(&mut store, |store| allocator.allocate(store, 8u32, 1).map(drop)).unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Host);
    assert_eq!(global(&mut store, &instance, "alloc_size"), 99);
}
