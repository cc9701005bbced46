//! What a guest can make the host hold, by what it passes, returns and opens: each way ends at a budget.

use std::fmt::Write as _;

use host_component::{CallError, call, find, json, wave};
use host_core::{Fault, FaultKind, Profile, guard};
use host_limits::{Bytes, Exceeded, HasMeter, Limits, Meter, Ticker, arm};
use wasmtime::component::types::ComponentItem;
use wasmtime::component::{Component, Linker, Resource, ResourceTable, ResourceType, Type, Val};
use wasmtime::{Engine, Store, StoreContextMut};

/// A thing of the host's that guests can open.
struct Thing;

struct Data {
    meter: Meter,
    table: ResourceTable,
    taken: usize,
}

impl HasMeter for Data {
    fn meter(&mut self) -> &mut Meter {
        &mut self.meter
    }
}

struct Host {
    limits: Limits,
    engine: Engine,
    ticker: Ticker,
    linker: Linker<Data>,
}

impl Host {
    fn new(limits: Limits) -> Host {
        let mut config = Profile::Untrusted.config();
        let engine = Engine::new(limits.configure(config.concurrency_support(false))).unwrap();
        let ticker = Ticker::start(&engine).unwrap();
        let mut linker = Linker::<Data>::new(&engine);
        let mut root = linker.root();
        root.func_wrap("text", |mut store: StoreContextMut<'_, Data>, (text,): (String,)| {
            store.data_mut().taken += text.len();
            Ok(())
        })
        .unwrap();
        root.func_wrap("lists", |mut store: StoreContextMut<'_, Data>, (lists,): (Vec<Vec<u8>>,)| {
            store.data_mut().taken += lists.len();
            Ok(())
        })
        .unwrap();
        root.resource("thing", ResourceType::host::<Thing>(), |mut store, rep| {
            store.data_mut().table.delete(Resource::<Thing>::new_own(rep))?;
            Ok(())
        })
        .unwrap();
        root.func_wrap("open", |mut store: StoreContextMut<'_, Data>, ()| {
            Ok((store.data_mut().table.push(Thing)?,))
        })
        .unwrap();
        Host { limits, engine, ticker, linker }
    }

    fn store(&self) -> Store<Data> {
        let mut table = ResourceTable::new();
        table.set_max_capacity(self.limits.resources as usize);
        let meter = Meter::new(self.limits.clone());
        let mut store = Store::new(&self.engine, Data { meter, table, taken: 0 });
        arm(&mut store, &self.ticker).unwrap();
        store
    }

    /// Calls an export through the untyped call, in a store of its own.
    fn run(&self, wat: &str, name: &str, arguments: &[Val]) -> (Store<Data>, Result<Vec<Val>, Fault>) {
        let component = Component::new(&self.engine, wat).unwrap();
        let function = find(&component, name).unwrap();
        let mut store = self.store();
        let outcome = guard(&mut store, |store| {
            let instance = self.linker.instantiate(&mut *store, &component)?;
            call(store, &instance, &function, arguments).map_err(|error| match error {
                CallError::Failed { source, .. } => source,
                error => error.into(),
            })
        });
        (store, outcome.map(|outcome| outcome.value))
    }
}

fn lifted(kibi: u64) -> Limits {
    Limits { lifted: Bytes::kibi(kibi), ..Limits::untrusted() }
}

fn is_too_much(result: Result<Vec<Val>, Fault>, kibi: u64) {
    let fault = result.unwrap_err();
    assert_eq!(*fault.kind(), FaultKind::Budget(Exceeded::Lifted { allowed: Bytes::kibi(kibi) }));
    assert!(fault.to_string().contains("`lifted`"), "{fault}");
}

/// `text(n)` and `lists(n)` pass so many bytes or empty lists; `give-..(n)` return them. All is zero in 4 MiB of memory.
const COPIES: &str = r#"
(component
    (import "text" (func $text (param "text" string)))
    (import "lists" (func $lists (param "lists" (list (list u8)))))
    (type $flags' (flags "a" "b" "c" "d" "e" "f" "g" "h"))
    (export $flags "small" (type $flags'))
    (core module $libc (memory (export "memory") 64)
        (func (export "fill") (param i32) (memory.fill (i32.const 0) (local.get 0) (i32.const 4194304))))
    (core instance $libc (instantiate $libc))
    (core func $text' (canon lower (func $text) (memory (core memory $libc "memory"))))
    (core func $lists' (canon lower (func $lists) (memory (core memory $libc "memory"))))
    (core module $m
        (import "host" "text" (func $text (param i32 i32)))
        (import "host" "lists" (func $lists (param i32 i32)))
        (import "libc" "memory" (memory 64))
        (func (export "text") (param i32) (call $text (i32.const 0) (local.get 0)))
        (func (export "lists") (param i32) (call $lists (i32.const 0) (local.get 0)))
        (func (export "again") (param $times i32) (param $length i32)
            (loop $again
                (call $text (i32.const 0) (local.get $length))
                (local.set $times (i32.sub (local.get $times) (i32.const 1)))
                (br_if $again (local.get $times))))
        (func (export "give") (param i32) (result i32)
            ;; The pair of pointer and length stands behind what it points to.
            (i32.store (i32.const 4194296) (i32.const 0))
            (i32.store (i32.const 4194300) (local.get 0))
            (i32.const 4194296))
        (func (export "set") (param i32) (result i32)
            (memory.fill (i32.const 0) (i32.const 255) (local.get 0))
            (i32.store (i32.const 4194296) (i32.const 0))
            (i32.store (i32.const 4194300) (local.get 0))
            (i32.const 4194296)))
    (core instance $i (instantiate $m
        (with "libc" (instance $libc))
        (with "host" (instance (export "text" (func $text')) (export "lists" (func $lists'))))))
    (alias core export $libc "memory" (core memory $memory))
    (func (export "pass-text") (param "n" u32) (canon lift (core func $i "text")))
    (func (export "pass-lists") (param "n" u32) (canon lift (core func $i "lists")))
    (func (export "pass-again") (param "times" u32) (param "n" u32) (canon lift (core func $i "again")))
    (func (export "give-text") (param "n" u32) (result string) (canon lift (core func $i "give") (memory $memory)))
    (func (export "give-bytes") (param "n" u32) (result (list u8)) (canon lift (core func $i "give") (memory $memory)))
    (func (export "give-lists") (param "n" u32) (result (list (list u8)))
        (canon lift (core func $i "give") (memory $memory)))
    (func (export "give-flags") (param "n" u32) (result (list $flags))
        (canon lift (core func $i "set") (memory $memory))))
"#;

#[test]
fn text_that_an_import_is_given() {
    let host = Host::new(lifted(64));
    let (store, result) = host.run(COPIES, "pass-text", &[Val::U32(60_000)]);
    result.unwrap();
    assert_eq!(store.data().taken, 60_000);
    let (store, result) = host.run(COPIES, "pass-text", &[Val::U32(4_000_000)]);
    is_too_much(result, 64);
    assert_eq!(store.data().taken, 0, "the host function never saw it");
}

#[test]
fn the_budget_is_for_each_call_and_not_used_up_by_many() {
    let host = Host::new(lifted(64));
    let (store, result) = host.run(COPIES, "pass-again", &[Val::U32(100), Val::U32(60_000)]);
    result.unwrap();
    assert_eq!(store.data().taken, 6_000_000);
}

#[test]
fn lists_of_empty_lists_count_for_what_they_take_in_the_host() {
    let host = Host::new(lifted(64));
    let (store, result) = host.run(COPIES, "pass-lists", &[Val::U32(2_000)]);
    result.unwrap();
    assert_eq!(store.data().taken, 2_000);
    // 500,000 lists of nothing: 4 MB in the guest, 12 MB in the host.
    let (_, result) = host.run(COPIES, "pass-lists", &[Val::U32(500_000)]);
    is_too_much(result, 64);
    // In the guest these would fit the budget; in the host they do not.
    let (_, result) = host.run(COPIES, "pass-lists", &[Val::U32(8_000)]);
    is_too_much(result, 64);
}

#[test]
fn results_count_too() {
    let host = Host::new(lifted(64));
    for (name, fits, too_many) in [
        ("give-text", 60_000, 4_000_000),
        // Each element is a `Val`.
        ("give-bytes", 1_000, 10_000),
        ("give-lists", 1_000, 10_000),
    ] {
        let (_, result) = host.run(COPIES, name, &[Val::U32(fits)]);
        assert_eq!(result.unwrap().len(), 1, "{name}");
        let (_, result) = host.run(COPIES, name, &[Val::U32(too_many)]);
        is_too_much(result, 64);
    }
}

#[test]
fn a_result_past_the_guests_memory_is_the_guests_fault() {
    let (_, result) = Host::new(lifted(64)).run(COPIES, "give-bytes", &[Val::U32(u32::MAX)]);
    assert!(matches!(result.unwrap_err().kind(), FaultKind::BadValue(_)));
}

/// Wasmtime counts the letters of a flag's name, not the string around them: what a list of flags takes is more than
/// the budget says, by a factor that is bounded.
#[test]
fn flags_take_more_than_they_count_for_but_not_without_end() {
    let host = Host::new(lifted(64));
    let fits = |n| host.run(COPIES, "give-flags", &[Val::U32(n)]).1;
    let most = 64 * 1024 / (size_of::<Val>() as u32 + 8);
    let Some(Val::List(list)) = fits(most).unwrap().pop() else { panic!("a list") };
    let strings: usize = list
        .iter()
        .map(|flags| match flags {
            Val::Flags(names) => names.len(),
            other => panic!("{other:?}"),
        })
        .sum();
    assert_eq!(strings, most as usize * 8);
    is_too_much(fits(most + 1), 64);
}

/// `open(n)` opens so many things of the host's and keeps them; `make(n)` the same with a resource of its own.
const HOLDS: &str = r#"
(component
    (import "thing" (type $thing (sub resource)))
    (import "open" (func $open (result (own $thing))))
    (core func $open' (canon lower (func $open)))
    (type $own (resource (rep i32)))
    (core func $new (canon resource.new $own))
    (core func $drop (canon resource.drop $thing))
    (core module $m
        (import "host" "open" (func $open (result i32)))
        (import "host" "new" (func $new (param i32) (result i32)))
        (import "host" "drop" (func $drop (param i32)))
        (func (export "open") (param $n i32)
            (loop $again
                (drop (call $open))
                (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                (br_if $again (local.get $n))))
        (func (export "open-and-drop") (param $n i32)
            (loop $again
                (call $drop (call $open))
                (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                (br_if $again (local.get $n))))
        (func (export "make") (param $n i32)
            (loop $again
                (drop (call $new (i32.const 1)))
                (local.set $n (i32.sub (local.get $n) (i32.const 1)))
                (br_if $again (local.get $n)))))
    (core instance $i (instantiate $m (with "host" (instance
        (export "open" (func $open')) (export "new" (func $new)) (export "drop" (func $drop))))))
    (func (export "keep") (param "n" u32) (canon lift (core func $i "open")))
    (func (export "let-go") (param "n" u32) (canon lift (core func $i "open-and-drop")))
    (func (export "make") (param "n" u32) (canon lift (core func $i "make"))))
"#;

#[test]
fn a_hundred_thousand_handles() {
    let many = [Val::U32(100_000)];
    // What ends it first: the handles of the store, or the entries of the host's table.
    let limits = Limits { handles: 1_000, resources: 5_000, ..Limits::untrusted() };
    let handles = FaultKind::Budget(Exceeded::Handles { allowed: 1_000 });
    for name in ["keep", "make"] {
        let (_, result) = Host::new(limits.clone()).run(HOLDS, name, &many);
        assert_eq!(*result.unwrap_err().kind(), handles, "{name}");
    }
    let host = Host::new(Limits { handles: 5_000, resources: 1_000, ..Limits::untrusted() });
    let (store, result) = host.run(HOLDS, "keep", &many);
    let resources = FaultKind::Budget(Exceeded::Resources { allowed: 1_000 });
    assert_eq!(*result.unwrap_err().kind(), resources);
    assert!(!store.data().table.is_empty());
    // Who gives back what it opens may go on.
    let (store, result) = host.run(HOLDS, "let-go", &many);
    result.unwrap();
    assert!(store.data().table.is_empty());
}

/// A component whose `echo` takes and gives a value that nests `depth` options around a `u8`.
fn nested(depth: usize) -> String {
    let mut wat = String::from("(component (type $t0 (option u8))\n");
    for n in 1..depth {
        writeln!(wat, "(type $t{n} (option $t{}))", n - 1).unwrap();
    }
    let last = depth - 1;
    writeln!(
        wat,
        r#"(core module $m (memory (export "memory") 1)
            (func (export "echo") (param i32) (result i32) (local.get 0))
            (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 1024))
            (func (export "deep") (result i32) (memory.fill (i32.const 2048) (i32.const 1) (i32.const 1024)) (i32.const 2048)))
        (core instance $i (instantiate $m))
        (func (export "deep") (result $t{last}) (canon lift (core func $i "deep") (memory (core memory $i "memory")))))"#
    )
    .unwrap();
    wat
}

#[test]
fn values_nest_as_deep_as_their_types_and_those_are_bounded() {
    let host = Host::new(Limits::untrusted());
    // The deepest type that Wasmtime takes.
    let is_taken = |depth| Component::new(&host.engine, nested(depth)).is_ok();
    let deepest = (50..1_000).take_while(|depth| is_taken(*depth)).last().unwrap();
    assert!(deepest <= 100, "{deepest}");
    assert!(!is_taken(10_000));
    let wat = nested(deepest);
    let (_, result) = host.run(&wat, "deep", &[]);
    let results = result.unwrap();
    let mut value = &results[0];
    let mut depth = 0;
    while let Val::Option(Some(inner)) = value {
        depth += 1;
        value = inner;
    }
    assert_eq!((depth, value), (deepest, &Val::U8(1)));

    // Printed and read back, at that depth.
    let text = wave::results(&results).unwrap();
    assert!(text.starts_with("some(some("), "{text}");
    let json = json::results(&results).unwrap();
    let component = Component::new(&host.engine, &wat).unwrap();
    let Some(ComponentItem::ComponentFunc(function)) =
        component.component_type().exports(&host.engine).map(|(_, item)| item.ty).next()
    else {
        panic!("one function");
    };
    let ty: Type = function.results().next().unwrap();
    assert_eq!(json::to_val(&ty, &json).unwrap(), results[0]);
}
