//! Resources by number: used, lent, given away, dropped, and refused before the guest is entered.

mod things;

use host_component::{ArgumentError, CallError, HandleError, Handles, ReleaseError, find, json, wave};
use host_component::{ExportedFunction, json::JsonProblem, wave::WaveError};
use serde_json::{Value, json};
use wasmtime::component::{Linker, ResourceAny, Val};
use wasmtime::{Engine, Store, Trap};

use crate::guests::Alone;

use things::THINGS;

struct Things {
    alone: Alone,
    handles: Handles,
}

impl Things {
    fn new(limit: usize) -> Things {
        Things { alone: Alone::new(THINGS), handles: Handles::with_limit(limit) }
    }

    fn function(&self, name: &str) -> ExportedFunction {
        find(&self.alone.component, name).unwrap()
    }

    /// Calls with JSON and gives JSON.
    fn call(&mut self, name: &str, arguments: &Value) -> Value {
        let arguments = json::arguments_with(&self.handles, &self.function(name), arguments).unwrap();
        let results = self.call_vals(name, &arguments).unwrap();
        json::results_with(&mut self.handles, &results).unwrap()
    }

    fn call_vals(&mut self, name: &str, arguments: &[Val]) -> Result<Vec<Val>, CallError> {
        let function = self.function(name);
        self.handles.call(&mut self.alone.store, &self.alone.instance, &function, arguments)
    }

    fn resource(&self, handle: u32) -> ResourceAny {
        self.handles.get(handle).unwrap()
    }

    /// Refused before the guest is entered: nothing is lost, and the instance works.
    #[track_caller]
    fn refused(&mut self, name: &str, arguments: &[Val], expected: &str) {
        let (kept, dropped) = (self.handles.len(), self.call("dropped", &json!([])));
        let error = self.call_vals(name, arguments).unwrap_err();
        assert!(matches!(error, CallError::Arguments(_)), "{error}");
        assert!(!error.retires_store());
        assert_eq!(error.to_string(), expected);
        assert_eq!(self.handles.len(), kept);
        assert_eq!(self.call("dropped", &json!([])), dropped, "the instance still works");
    }
}

#[test]
fn a_resource_lives_from_json_to_json() {
    let mut things = Things::new(10);
    assert_eq!(things.call("make", &json!([41])), json!({"handle": 1}));
    assert_eq!(things.call("make", &json!({"number": 42})), json!({"handle": 2}));
    assert_eq!(things.call("read", &json!([{"handle": 2}])), json!(42));
    assert_eq!(things.call("read", &json!({"thing": {"handle": 2}})), json!(42), "lent, not given away");
    assert_eq!(things.handles.len(), 2);

    assert_eq!(things.call("take", &json!([{"handle": 1}])), json!(41));
    assert_eq!(things.handles.len(), 1, "given away");
    assert_eq!(things.call("dropped", &json!([])), json!(1));
    things.handles.drop_resource(&mut things.alone.store, 2).unwrap();
    assert!(things.handles.is_empty());
    assert_eq!(things.call("dropped", &json!([])), json!(2), "the destructor ran");
    assert_eq!(things.call("make", &json!([7])), json!({"handle": 3}), "numbers are not used twice");
}

#[test]
fn a_resource_lives_from_wave_to_wave() {
    let mut things = Things::new(10);
    let call = |things: &mut Things, text: &str| {
        let (function, arguments) =
            wave::parse_call_with(&things.handles, &things.alone.component, text).unwrap();
        let Things { alone, handles } = things;
        let results = handles.call(&mut alone.store, &alone.instance, &function, &arguments).unwrap();
        wave::results_with(handles, &results).unwrap()
    };
    assert_eq!(call(&mut things, "make(41)"), "handle(1)");
    assert_eq!(call(&mut things, "pair()"), "(handle(2), handle(3))");
    assert_eq!(call(&mut things, "read(handle(1))"), "41");
    assert_eq!(call(&mut things, "all([handle(1), handle(2), handle(1)])"), "3");
    assert_eq!(call(&mut things, "maybe({it: handle(2)})"), "");
    assert_eq!(call(&mut things, "maybe({:})"), "");
    assert_eq!(things.handles.len(), 2);
    let read = things.function("read");
    for (list, problem) in [
        ("(handle(2))", "the resource with the handle 2 is gone: it was dropped or given away"),
        ("(handle(9))", "there is no resource with the handle 9"),
        ("(handle(0))", "there is no resource with the handle 0"),
        ("(handle)", "a resource is written `handle(1)`"),
        ("(3)", "a resource is written `handle(1)`"),
        ("(handle(-1))", "invalid value"),
    ] {
        let error = wave::arguments_with(&things.handles, &read, list).unwrap_err();
        let WaveError::Value { source, .. } = &error else { panic!("{list}: {error}") };
        assert_eq!(source.to_string(), problem, "{list}");
    }
}

#[test]
fn what_json_says_of_handles_is_checked() {
    let mut things = Things::new(10);
    things.call("make", &json!([1]));
    things.handles.drop_resource(&mut things.alone.store, 1).unwrap();
    let read = things.function("read");
    for (json, expected) in [
        (
            json!([{"handle": 1}]),
            "at `$[0].handle`: the resource with the handle 1 is gone: it was dropped or given away",
        ),
        (json!([{"handle": 2}]), "at `$[0].handle`: there is no resource with the handle 2"),
        (json!([{"handle": -1}]), "at `$[0].handle`: expected a whole number that is a u32, found -1"),
        (json!([1]), "at `$[0]`: expected an object with the one key `handle`, found 1"),
    ] {
        let error = json::arguments_with(&things.handles, &read, &json).unwrap_err();
        assert_eq!(error.to_string(), expected, "{json}");
        let error = json::arguments_from_str_with(&things.handles, &read, &json.to_string()).unwrap_err();
        assert_eq!(error.to_string(), expected, "{json}");
    }
    let error = json::arguments(&read, &json!([{"handle": 1}])).unwrap_err();
    assert_eq!(error.problem, JsonProblem::NoJson { kind: "resource" });
}

#[test]
fn a_resource_that_is_gone_is_refused_before_the_guest_is_entered() {
    let mut things = Things::new(10);
    things.call("make", &json!([1]));
    things.call("make", &json!([2]));
    let [first, second] = [1, 2].map(|handle| Val::Resource(things.resource(handle)));
    let gone = |name: &str, parameter: &str, path: &str| {
        format!(
            "the resource at `{path}` of argument `{parameter}` of `{name}` is not among the handles: it was dropped, given away, or never put there"
        )
    };
    things.call("take", &json!([{"handle": 1}]));
    things.refused("read", std::slice::from_ref(&first), &gone("read", "thing", "$"));
    things.refused("take", std::slice::from_ref(&first), &gone("take", "thing", "$"));
    things.refused("both", &[first.clone(), second.clone()], &gone("both", "lent", "$"));
    let list = Val::List(vec![second.clone(), first.clone()]);
    things.refused("all", &[list], &gone("all", "things", "$[1]"));
    let bag = |val| Val::Record(vec![("it".to_owned(), Val::Option(Some(Box::new(val))))]);
    things.refused("maybe", &[bag(first)], &gone("maybe", "bag", "$.it.some"));

    things.handles.drop_resource(&mut things.alone.store, 2).unwrap();
    things.refused("read", &[second], &gone("read", "thing", "$"));
    let error = things.handles.drop_resource(&mut things.alone.store, 2).unwrap_err();
    assert!(matches!(error, ReleaseError::Handle(HandleError::Gone { handle: 2 })), "{error}");
}

#[test]
fn wasmtime_alone_enters_the_guest_with_a_resource_that_is_gone() {
    // The reason for the check: with concurrency, the mistake costs the instance.
    let engine = Engine::default();
    let component = wasmtime::component::Component::new(&engine, THINGS).unwrap();
    let mut store = Store::new(&engine, ());
    let instance = Linker::new(&engine).instantiate(&mut store, &component).unwrap();
    let [make, read] = ["make", "read"].map(|name| find(&component, name).unwrap());
    let made = host_component::call(&mut store, &instance, &make, &[Val::U32(1)]).unwrap();
    let mut handles = Handles::new();
    let Val::Resource(thing) = made[0] else { panic!("{made:?}") };
    let handle = handles.insert(thing).unwrap();
    handles.drop_resource(&mut store, handle).unwrap();
    let error = handles.call(&mut store, &instance, &read, &made).unwrap_err();
    assert!(!error.retires_store(), "{error}");
    assert!(handles.call(&mut store, &instance, &make, &[Val::U32(2)]).is_ok(), "the instance still works");
    let error = host_component::call(&mut store, &instance, &read, &made).unwrap_err();
    assert!(error.retires_store(), "{error}");
    if engine.get_concurrency_support() {
        let error = host_component::call(&mut store, &instance, &make, &[Val::U32(2)]).unwrap_err();
        assert_eq!(error.into_wasmtime().downcast_ref(), Some(&Trap::CannotEnterComponent));
    }
}

#[test]
fn a_resource_is_given_away_once() {
    let mut things = Things::new(10);
    things.call("make", &json!([1]));
    things.call("make", &json!([2]));
    let [first, second] = [1, 2].map(|handle| Val::Resource(things.resource(handle)));
    let expected =
        "the resource at `$` of argument `given` of `both` is given away and used again in the same call";
    things.refused("both", &[first.clone(), first.clone()], expected);
    things.call_vals("both", &[first.clone(), second]).unwrap();
    assert_eq!(things.handles.len(), 1);
    let error = things.call_vals("take", &[Val::U32(1)]).unwrap_err();
    assert!(matches!(error, CallError::Arguments(ArgumentError::Type { .. })), "{error}");
    assert_eq!(things.handles.len(), 1, "a call that is refused loses nothing");
    assert_eq!(things.handles.insert(things.resource(1)), Ok(1), "it has a number already");
}

#[test]
fn only_so_many_are_kept_and_all_of_a_result_or_none() {
    let mut things = Things::new(2);
    things.call("make", &json!([1]));
    let pair = things.call_vals("pair", &[]).unwrap();
    let full = HandleError::Full { limit: 2 };
    let error = json::results_with(&mut things.handles, &pair).unwrap_err();
    assert_eq!(error.problem, JsonProblem::Handle(full.clone()));
    assert_eq!(error.path, "$[1]");
    assert_eq!(json::results_to_string_with(&mut things.handles, &pair), Err(error));
    let error = wave::results_with(&mut things.handles, &pair).unwrap_err();
    assert!(matches!(&error, WaveError::Handle(error) if *error == full), "{error}");
    assert_eq!(things.handles.len(), 1, "neither was put there");

    things.handles.drop_resource(&mut things.alone.store, 1).unwrap();
    assert_eq!(
        json::results_with(&mut things.handles, &pair).unwrap(),
        json!([{"handle": 2}, {"handle": 3}])
    );
    assert_eq!(
        json::results_with(&mut things.handles, &pair).unwrap(),
        json!([{"handle": 2}, {"handle": 3}]),
        "the same resources have the same numbers"
    );
    let text = json::results_to_string_with(&mut things.handles, &pair).unwrap();
    assert_eq!(text, r#"[{"handle":2},{"handle":3}]"#);
    let third = things.call_vals("make", &[Val::U32(1)]).unwrap();
    let Val::Resource(third) = third[0] else { panic!("{third:?}") };
    assert_eq!(things.handles.insert(third), Err(full));
    assert_eq!(things.handles.limit(), 2);
}

#[test]
fn one_that_is_taken_out_is_the_callers() {
    let mut things = Things::new(2);
    things.call("make", &json!([1]));
    let thing = things.handles.remove(1).unwrap();
    assert_eq!(things.handles.get(1), Err(HandleError::Gone { handle: 1 }));
    assert_eq!(things.call("dropped", &json!([])), json!(0));
    assert_eq!(things.handles.insert(thing), Ok(2));
    assert_eq!(things.call("read", &json!([{"handle": 2}])), json!(1));
}

#[test]
fn a_destructor_that_fails_is_told() {
    let mut things = Things::new(2);
    things.call("make", &json!([666]));
    let error = things.handles.drop_resource(&mut things.alone.store, 1).unwrap_err();
    assert_eq!(error.to_string(), "the destructor of the resource with the handle 1 failed");
    assert!(error.retires_store());
    let ReleaseError::Destructor { source, .. } = error else { panic!("{error}") };
    assert_eq!(source.downcast_ref(), Some(&Trap::UnreachableCodeReached));
    assert!(things.handles.is_empty());
    let error = things.call_vals("dropped", &[]).unwrap_err();
    assert!(error.retires_store(), "{error}");
}

#[tokio::test]
async fn async_calls_and_drops_do_the_same() {
    let mut things = Things::new(2);
    let [make, take, read] = ["make", "take", "read"].map(|name| things.function(name));
    let Things { alone, handles } = &mut things;
    let mut made = Vec::new();
    for number in [1, 2] {
        let results =
            handles.call_async(&mut alone.store, &alone.instance, &make, &[Val::U32(number)]).await.unwrap();
        json::results_with(handles, &results).unwrap();
        made.extend(results);
    }
    let taken = handles.call_async(&mut alone.store, &alone.instance, &take, &made[..1]).await.unwrap();
    assert_eq!(taken, [Val::U32(1)]);
    handles.drop_resource_async(&mut alone.store, 2).await.unwrap();
    for gone in made {
        let error = handles.call_async(&mut alone.store, &alone.instance, &read, &[gone]).await.unwrap_err();
        assert!(matches!(error, CallError::Arguments(ArgumentError::NotKept { .. })), "{error}");
    }
    assert_eq!(things.call("dropped", &json!([])), json!(2));
}

#[tokio::test]
async fn a_sync_call_in_an_async_store_is_refused_before_anything_is_lost() {
    let mut things = Things::new(10);
    things.call("make", &json!([7]));
    things.alone.store.epoch_deadline_async_yield_and_update(1);
    let take = things.function("take");
    let arguments = json::arguments_with(&things.handles, &take, &json!([{"handle": 1}])).unwrap();
    let error = things.call_vals("take", &arguments).unwrap_err();
    assert!(matches!(error, CallError::NeedsAsync { .. }) && !error.retires_store(), "{error:?}");
    let error = things.handles.drop_resource(&mut things.alone.store, 1).unwrap_err();
    assert!(matches!(error, ReleaseError::NeedsAsync { handle: 1 }) && !error.retires_store(), "{error:?}");

    let Things { alone, handles } = &mut things;
    let taken = handles.call_async(&mut alone.store, &alone.instance, &take, &arguments).await.unwrap();
    assert_eq!(taken, [Val::U32(7)]);
    assert!(handles.is_empty());
}
