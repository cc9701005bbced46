//! Linear memory and table elements are summed over the store.

use host_limits::{Bytes, Exceeded, Limits, OnRefusal, arm};

use crate::{Host, run, run_in};

/// Grows by one MiB until refused, and returns how often it grew.
const GROW: &str = r#"(module
    (memory 0)
    (func (export "run") (result i32) (local i32)
        (loop (if (i32.ne (memory.grow (i32.const 16)) (i32.const -1))
            (then (local.set 0 (i32.add (local.get 0) (i32.const 1))) (br 1))))
        (local.get 0)))"#;

fn limits(memory: Bytes) -> Limits {
    Limits { memory, ..Limits::default() }
}

#[test]
pub(crate) fn a_refused_growth_gives_the_guest_minus_one() {
    let run = run(limits(Bytes::mebi(10)), GROW);
    assert_eq!(run.result.unwrap(), 10);
    assert_eq!(run.usage.peak_memory, Bytes::mebi(10));
    assert_eq!(run.usage.memory, Bytes::mebi(10));
    assert_eq!(run.usage.refusals, 1);
}

#[test]
pub(crate) fn a_refused_growth_traps_on_request() {
    let run = run(Limits { on_refusal: OnRefusal::Trap, ..limits(Bytes::mebi(10)) }, GROW);
    let expected = Exceeded::Memory { allowed: Bytes::mebi(10), asked: Bytes::mebi(11) };
    assert_eq!(Exceeded::find(&run.result.unwrap_err()), Some(&expected));
    assert_eq!(run.reason, Some(expected));
}

#[test]
fn the_guest_that_gives_up_after_a_refusal_died_of_the_budget() {
    let wat = r#"(module (memory 0) (func (export "run") (result i32)
        (if (i32.eq (memory.grow (i32.const 1024)) (i32.const -1)) (then unreachable)) (i32.const 0)))"#;
    let refused = run(limits(Bytes::mebi(10)), wat);
    assert_eq!(refused.reason, Some(Exceeded::Memory { allowed: Bytes::mebi(10), asked: Bytes::mebi(64) }));
    // A plain `unreachable` did not.
    let plain = run(limits(Bytes::mebi(10)), r#"(module (func (export "run") (result i32) unreachable))"#);
    assert!(plain.result.is_err());
    assert_eq!(plain.reason, None);
}

#[test]
fn several_memories_and_instances_share_one_budget() {
    let host = Host::new(limits(Bytes::mebi(10)));
    let mut store = host.store();
    assert_eq!(
        run_in(&host, &mut store, GROW.replace("(memory 0)", "(memory 0 64)").as_str()).result.unwrap(),
        4
    );
    let second = run_in(&host, &mut store, GROW);
    assert_eq!(second.result.unwrap(), 6);
    assert_eq!(second.usage.peak_memory, Bytes::mebi(10));
}

#[test]
fn a_declared_minimum_counts_and_its_refusal_names_the_budget() {
    let wat = r#"(module (memory 100) (memory 100) (func (export "run") (result i32) (i32.const 0)))"#;
    let run = run(limits(Bytes::mebi(10)), wat);
    let asked = Bytes::kibi(200 * 64);
    assert_eq!(run.reason, Some(Exceeded::Memory { allowed: Bytes::mebi(10), asked }));
}

#[test]
fn growths_that_must_fail_do_not_talk_the_count_down() {
    // After each MiB it asks for 4 GiB, which no 32-bit memory can have.
    let wat = r#"(module
        (memory 0)
        (func (export "run") (result i32) (local i32)
            (loop (if (i32.ne (memory.grow (i32.const 16)) (i32.const -1))
                (then
                    (drop (memory.grow (i32.const 65536)))
                    (local.set 0 (i32.add (local.get 0) (i32.const 1))) (br 1))))
            (local.get 0)))"#;
    assert_eq!(run(limits(Bytes::mebi(10)), wat).result.unwrap(), 10);
}

#[test]
fn the_guest_s_own_maximum_is_no_refusal_of_ours() {
    let run = run(limits(Bytes::mebi(10)), &GROW.replace("(memory 0)", "(memory 0 32)"));
    assert_eq!(run.result.unwrap(), 2);
    assert_eq!(run.usage.refusals, 0);
    let wat = r#"(module (table 0 5 funcref) (func (export "run") (result i32)
        (drop (table.grow (ref.null func) (i32.const 5)))
        (table.grow (ref.null func) (i32.const 1))))"#;
    let run = crate::run(Limits::default(), wat);
    assert_eq!((run.result.unwrap(), run.usage.refusals, run.usage.peak_table_elements), (-1, 0, 5));
}

#[test]
fn a_refusal_is_forgotten_when_the_store_is_armed_again() {
    let host = Host::new(limits(Bytes::mebi(10)));
    let mut store = host.store();
    assert_eq!(run_in(&host, &mut store, GROW).usage.refusals, 1);
    arm(&mut store, &host.ticker).unwrap();
    assert_eq!(store.data().meter.last_refusal(), None);
    // It gives up for another reason.
    let plain = run_in(&host, &mut store, r#"(module (func (export "run") (result i32) unreachable))"#);
    assert!(plain.result.is_err());
    assert_eq!((plain.reason, plain.usage.refusals), (None, 0));
}

#[test]
fn memory64_counts_like_any_other() {
    let wat = r#"(module (memory i64 0) (func (export "run") (result i32)
        (i64.eq (memory.grow (i64.const 1000000)) (i64.const -1))))"#;
    let run = run(limits(Bytes::mebi(10)), wat);
    assert_eq!((run.result.unwrap(), run.usage.refusals), (1, 1));
}

#[test]
pub(crate) fn tables_share_one_budget() {
    let wat = r#"(module
        (table $a 10 funcref) (table $b 0 funcref)
        (func (export "run") (result i32) (local i32)
            (drop (table.grow $a (ref.null func) (i32.const 40)))
            (loop (if (i32.ne (table.grow $b (ref.null func) (i32.const 10)) (i32.const -1))
                (then (local.set 0 (i32.add (local.get 0) (i32.const 1))) (br 1))))
            (local.get 0)))"#;
    let limits = Limits { table_elements: 100, ..Limits::default() };
    let fails = run(limits.clone(), wat);
    assert_eq!((fails.result.unwrap(), fails.usage.peak_table_elements), (5, 100));
    let traps = run(Limits { on_refusal: OnRefusal::Trap, ..limits }, wat);
    assert_eq!(traps.reason, Some(Exceeded::TableElements { allowed: 100, asked: 110 }));
}

#[test]
fn a_growth_again_and_again_after_its_refusal_is_refused_again_and_again() {
    let wat = r#"(module (memory 160)
        (func (export "run") (result i32) (local i32)
            (loop
                (if (i32.ne (memory.grow (i32.const 1)) (i32.const -1)) (then unreachable))
                (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 10000))))
            (local.get 0)))"#;
    let run = run(limits(Bytes::mebi(10)), wat);
    assert_eq!(run.result.unwrap(), 10_000);
    assert_eq!((run.usage.refusals, run.usage.memory), (10_000, Bytes::mebi(10)));
}

#[test]
fn ten_thousand_tiny_growths_add_up() {
    // One page, ten thousand times: 625 MiB.
    let wat = r#"(module (memory 0)
        (func (export "run") (result i32) (local i32)
            (loop
                (drop (memory.grow (i32.const 1)))
                (br_if 0 (i32.lt_u (local.tee 0 (i32.add (local.get 0) (i32.const 1))) (i32.const 10000))))
            (memory.size)))"#;
    let run = run(limits(Bytes::mebi(10)), wat);
    assert_eq!(run.result.unwrap(), 160);
    assert_eq!(run.usage.refusals, 10_000 - 160);
}

#[test]
fn a_bomb_in_many_instances_goes_off_in_none() {
    let host = Host::new(Limits { instances: 100, memories: 100, ..limits(Bytes::mebi(10)) });
    let mut store = host.store();
    for _ in 0..50 {
        let grown = run_in(&host, &mut store, GROW);
        assert!(grown.usage.memory <= Bytes::mebi(10));
    }
    assert_eq!(store.data().meter.last_refusal().unwrap().to_string(), MEMORY_REFUSED);
}

/// Each with a table of its own, which it grows by 100 elements until it is refused.
#[test]
fn a_table_bomb_in_many_instances_goes_off_in_none() {
    let wat = r#"(module (table 0 funcref) (func (export "run") (result i32) (local i32)
        (loop (if (i32.ne (table.grow (ref.null func) (i32.const 100)) (i32.const -1))
            (then (local.set 0 (i32.add (local.get 0) (i32.const 1))) (br 1))))
        (local.get 0)))"#;
    let limits = Limits { instances: 100, tables: 100, table_elements: 1_050, ..Limits::default() };
    let host = Host::new(limits.clone());
    let mut store = host.store();
    assert_eq!(run_in(&host, &mut store, wat).result.unwrap(), 10);
    for _ in 0..49 {
        let grown = run_in(&host, &mut store, wat);
        assert_eq!((grown.result.unwrap(), grown.usage.peak_table_elements), (0, 1_000));
    }
    let refusal = Exceeded::TableElements { allowed: 1_050, asked: 1_100 };
    assert_eq!(store.data().meter.last_refusal(), Some(&refusal));

    // What they have from the start counts too.
    let mut store = host.store_with(limits);
    let fixed = wat.replace("(table 0", "(table 500");
    assert_eq!(run_in(&host, &mut store, &fixed).result.unwrap(), 5);
    let second = run_in(&host, &mut store, &fixed);
    assert_eq!(second.reason, Some(Exceeded::TableElements { allowed: 1_050, asked: 1_500 }));
}

const MEMORY_REFUSED: &str = "memory budget of 10MiB exceeded: the guest asked for 11MiB in total";

#[test]
fn many_memories_of_one_module_share_the_budget() {
    let memories = "(memory 16)".repeat(11);
    let wat = format!(r#"(module {memories} (func (export "run") (result i32) (i32.const 1)))"#);
    let run = run(Limits { memories: 100, ..limits(Bytes::mebi(10)) }, &wat);
    assert_eq!(run.reason.unwrap().to_string(), MEMORY_REFUSED);
}

/// A list that grows for ever, in the heap of garbage-collected values.
const GC_BOMB: &str = r#"(module
    (type $list (struct (field (ref null $list)) (field i64 i64 i64 i64)))
    (func (export "run") (result i32) (local $list (ref null $list))
        (loop
            (local.set $list (struct.new $list (local.get $list)
                (i64.const 0) (i64.const 0) (i64.const 0) (i64.const 0)))
            (br 0))
        (i32.const 0)))"#;

#[test]
fn the_heap_of_garbage_collected_values_counts() {
    let run = run(limits(Bytes::mebi(4)), GC_BOMB);
    assert!(matches!(run.reason, Some(Exceeded::Memory { .. })), "{:?}", run.reason);
    assert!(run.usage.peak_memory > Bytes::new(0) && run.usage.peak_memory <= Bytes::mebi(4));
}

#[tokio::test]
async fn the_async_limiter_decides_alike() {
    let limits = Limits { table_elements: 10, memories: 1, ..limits(Bytes::mebi(10)) };
    let host = Host::new(limits);
    let mut store = host.store();
    store.limiter_async(|data| &mut data.meter);
    let wat = GROW.replace("(memory 0)", "(memory 0) (table (export \"t\") 0 funcref)");
    let module = wasmtime::Module::new(&host.engine, wat).unwrap();
    let instance = host.linker.instantiate_async(&mut store, &module).await.unwrap();
    let run = instance.get_typed_func::<(), i32>(&mut store, "run").unwrap();
    assert_eq!(run.call_async(&mut store, ()).await.unwrap(), 10);
    assert_eq!(store.data().meter.last_refusal().unwrap().to_string(), MEMORY_REFUSED);
    let table = instance.get_table(&mut store, "t").unwrap();
    table.grow_async(&mut store, 11, wasmtime::Ref::Func(None)).await.unwrap_err();
    let refusal = Exceeded::TableElements { allowed: 10, asked: 11 };
    assert_eq!(store.data().meter.last_refusal(), Some(&refusal));
    let error = host.linker.instantiate_async(&mut store, &module).await.unwrap_err();
    let too_many = Exceeded::Memories { allowed: 1, asked: 2 };
    assert_eq!(store.data().meter.explain(&error), Some(too_many));
}
