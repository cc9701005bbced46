//! Good JSON gone wrong in one place.

use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};

/// One change at one place.
#[derive(Clone, Debug)]
pub(super) struct Mutation {
    place: Index,
    change: Change,
    inside: Index,
}

#[derive(Clone, Debug)]
enum Change {
    /// Another value in its place.
    Replace(Value),
    /// A field or an item more.
    Add(&'static str, Value),
    /// A field or an item less.
    Remove,
    /// An item twice, or a field under another name.
    Repeat(&'static str),
    /// The value inside an object or an array of its own, or out of it.
    Wrap(&'static str),
    Unwrap,
}

pub(super) fn mutation() -> impl Strategy<Value = Mutation> {
    let change = prop_oneof![
        4 => select(junk()).prop_map(Change::Replace),
        2 => (select(KEYS), select(junk())).prop_map(|(key, json)| Change::Add(key, json)),
        2 => Just(Change::Remove),
        1 => select(KEYS).prop_map(Change::Repeat),
        1 => select(KEYS).prop_map(Change::Wrap),
        1 => Just(Change::Unwrap),
    ];
    (any::<Index>(), change, any::<Index>()).prop_map(|(place, change, inside)| Mutation {
        place,
        change,
        inside,
    })
}

const KEYS: &[&str] = &["", "a", "some", "none", "ok", "err", "true", "null", "handle", "p0", "p1"];

fn junk() -> Vec<Value> {
    let mut all: Vec<Value> = KEYS.iter().map(|key| json!(key)).collect();
    all.extend(KEYS.iter().map(|key| json!({ *key: null })));
    all.extend(KEYS.iter().map(|key| json!([key])));
    all.extend([
        json!(null),
        json!(true),
        json!([]),
        json!({}),
        json!([null]),
        json!([[]]),
        json!({"ok": null, "err": null}),
        json!(0),
        json!(-0.0),
        json!(-1),
        json!(1.0),
        json!(1.5),
        json!(1e3),
        json!(1e18),
        json!(1e19),
        json!(1e308),
        json!(127),
        json!(128),
        json!(255),
        json!(256),
        json!(-128),
        json!(-129),
        json!(65_535),
        json!(65_536),
        json!(u32::MAX),
        json!(4_294_967_296_u64),
        json!(i64::MIN),
        json!(i64::MAX),
        json!(u64::MAX),
        json!(9_223_372_036_854_775_808.0),
        json!(-9_223_372_036_854_775_808.0),
        json!(18_446_744_073_709_551_616.0),
        json!(3.402_823_466_385_288_6e38),
        json!(3.402_823_567_797_336_3e38),
        json!(3.402_823_567_797_336_6e38),
        json!(-3.402_823_567_797_336_6e38),
        json!(5e-324),
        json!("x"),
        json!("xy"),
        json!("😀"),
        json!("e\u{301}"),
        json!("\u{0}"),
        json!("NaN"),
        json!("Infinity"),
        json!("-Infinity"),
        json!("nan"),
        json!("1"),
    ]);
    all
}

impl Mutation {
    pub(super) fn apply(&self, json: &mut Value) {
        let mut place = self.place.index(count(json));
        let target = find(json, &mut place).expect("the place is one of those that were counted");
        match (&self.change, &mut *target) {
            (Change::Replace(junk), _) => *target = junk.clone(),
            (Change::Add(key, junk), Value::Object(fields)) => {
                fields.insert((*key).to_owned(), junk.clone());
            }
            (Change::Add(_, junk), Value::Array(items)) => {
                items.insert(self.inside.index(items.len() + 1), junk.clone());
            }
            (Change::Remove, Value::Object(fields)) if !fields.is_empty() => {
                let key = fields.keys().nth(self.inside.index(fields.len())).cloned();
                fields.remove(&key.expect("it is within the length"));
            }
            (Change::Remove, Value::Array(items)) if !items.is_empty() => {
                items.remove(self.inside.index(items.len()));
            }
            (Change::Repeat(_), Value::Array(items)) if !items.is_empty() => {
                let item = items[self.inside.index(items.len())].clone();
                items.push(item);
            }
            (Change::Repeat(key), Value::Object(fields)) if !fields.is_empty() => {
                let old = fields.keys().nth(self.inside.index(fields.len())).cloned();
                let json = fields.remove(&old.expect("it is within the length"));
                fields.insert((*key).to_owned(), json.unwrap_or_default());
            }
            (Change::Wrap(""), _) => *target = json!([target.take()]),
            (Change::Wrap(key), _) => *target = json!({ *key: target.take() }),
            (Change::Unwrap, Value::Array(items)) if !items.is_empty() => *target = items.swap_remove(0),
            (Change::Unwrap, Value::Object(fields)) if !fields.is_empty() => {
                *target = fields.values().next().cloned().unwrap_or_default();
            }
            _ => {}
        }
    }
}

/// How many places there are in `json`, itself included.
fn count(json: &Value) -> usize {
    1 + match json {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

fn find<'j>(json: &'j mut Value, place: &mut usize) -> Option<&'j mut Value> {
    if *place == 0 {
        return Some(json);
    }
    *place -= 1;
    match json {
        Value::Array(items) => items.iter_mut().find_map(|item| find(item, place)),
        Value::Object(fields) => fields.values_mut().find_map(|field| find(field, place)),
        _ => None,
    }
}
