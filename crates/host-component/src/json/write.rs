//! From a value to JSON, of whatever kind `serde` makes it: text or a `Value`.

use std::cell::{Cell, RefCell};

use serde::ser::{Error, Serialize, SerializeMap, SerializeSeq, Serializer};
use wasmtime::component::{ResourceAny, Val};

use super::{JsonError, JsonProblem, Misfit};
use crate::check::{DEEPEST, kind};
use crate::handles::{Handles, Pending};

/// Writes one value, `null` for none, or an array of several; nothing is put among `handles` unless all can be written.
pub(super) fn values<T>(
    handles: Option<&mut Handles>,
    vals: &[Val],
    write: impl FnOnce(&Values<'_, '_>) -> Result<T, serde_json::Error>,
) -> Result<T, JsonError> {
    let writer = Writer { pending: RefCell::new(handles.map(Handles::pending)), wrong: Cell::new(None) };
    let written = write(&Values { writer: &writer, vals });
    let written = written.map_err(|error| writer.wrong.take().unwrap_or_else(|| Misfit::serde(&error)))?;
    if let Some(pending) = writer.pending.into_inner() {
        pending.commit();
    }
    Ok(written)
}

/// Writes values; resources only if they can get a handle.
struct Writer<'h> {
    pending: RefCell<Option<Pending<'h>>>,
    /// Why writing ended early: the serializer's error has no room for it.
    wrong: Cell<Option<Misfit>>,
}

impl Writer<'_> {
    fn fail<E: Error>(&self, problem: JsonProblem) -> E {
        self.wrong.set(Some(Misfit::new(problem)));
        E::custom("the value has no JSON form")
    }

    /// Notes where a problem came from.
    fn from<E>(&self, step: impl FnOnce(Misfit) -> Misfit) -> impl FnOnce(E) -> E {
        move |error| {
            self.wrong.set(self.wrong.take().map(step));
            error
        }
    }
}

/// All that a function gave.
pub(super) struct Values<'w, 'h> {
    writer: &'w Writer<'h>,
    vals: &'w [Val],
}

impl Serialize for Values<'_, '_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let root = |val| Node { writer: self.writer, val, depth: 0 };
        match self.vals {
            [] => to.serialize_unit(),
            [val] => root(val).serialize(to),
            several => items(self.writer, to, several, root),
        }
    }
}

/// A value, so deep inside others.
struct Node<'w, 'h> {
    writer: &'w Writer<'h>,
    val: &'w Val,
    depth: usize,
}

impl Serialize for Node<'_, '_> {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        if self.depth >= DEEPEST {
            return Err(self.writer.fail(JsonProblem::TooDeep { deepest: DEEPEST }));
        }
        match self.val {
            Val::Bool(bool) => to.serialize_bool(*bool),
            Val::S8(number) => to.serialize_i8(*number),
            Val::U8(number) => to.serialize_u8(*number),
            Val::S16(number) => to.serialize_i16(*number),
            Val::U16(number) => to.serialize_u16(*number),
            Val::S32(number) => to.serialize_i32(*number),
            Val::U32(number) => to.serialize_u32(*number),
            Val::S64(number) => to.serialize_i64(*number),
            Val::U64(number) => to.serialize_u64(*number),
            Val::Float32(number) => float(to, shortest(*number)),
            Val::Float64(number) => float(to, *number),
            Val::Char(character) => to.serialize_char(*character),
            Val::String(text) => to.serialize_str(text),
            Val::List(list) | Val::FixedLengthList(list) | Val::Tuple(list) => {
                items(self.writer, to, list, |val| self.inner(val))
            }
            Val::Map(entries) => {
                items(self.writer, to, entries, |(key, val)| (self.inner(key), self.inner(val)))
            }
            Val::Record(fields) => {
                let mut object = to.serialize_map(Some(fields.len()))?;
                for (name, val) in fields {
                    let written = object.serialize_entry(name, &self.inner(val));
                    written.map_err(self.writer.from(|misfit| misfit.under(name)))?;
                }
                object.end()
            }
            Val::Variant(case, None) | Val::Enum(case) => to.serialize_str(case),
            Val::Variant(case, payload) => self.keyed(to, case, payload.as_deref()),
            Val::Flags(names) => names.serialize(to),
            Val::Option(None) => to.serialize_unit(),
            Val::Option(Some(val)) => match **val {
                // `null` inside would look like `null` outside.
                Val::Option(_) => self.keyed(to, "some", Some(val)),
                _ => self.inner(val).serialize(to),
            },
            Val::Result(Ok(payload)) => self.keyed(to, "ok", payload.as_deref()),
            Val::Result(Err(payload)) => self.keyed(to, "err", payload.as_deref()),
            Val::Resource(resource) => self.resource(to, *resource),
            Val::Future(_) | Val::Stream(_) | Val::ErrorContext(_) => {
                Err(self.writer.fail(JsonProblem::NoJson { kind: kind(self.val) }))
            }
        }
    }
}

impl<'w, 'h> Node<'w, 'h> {
    fn inner(&self, val: &'w Val) -> Node<'w, 'h> {
        Node { writer: self.writer, val, depth: self.depth + 1 }
    }

    fn keyed<S: Serializer>(&self, to: S, key: &str, payload: Option<&'w Val>) -> Result<S::Ok, S::Error> {
        let mut object = to.serialize_map(Some(1))?;
        let written = object.serialize_entry(key, &payload.map(|val| self.inner(val)));
        written.map_err(self.writer.from(|misfit| misfit.under(key)))?;
        object.end()
    }

    fn resource<S: Serializer>(&self, to: S, resource: ResourceAny) -> Result<S::Ok, S::Error> {
        let handle = match &mut *self.writer.pending.borrow_mut() {
            None => Err(JsonProblem::NoJson { kind: "resource" }),
            Some(pending) => pending.number(resource).map_err(JsonProblem::Handle),
        };
        let handle = handle.map_err(|problem| self.writer.fail(problem))?;
        let mut object = to.serialize_map(Some(1))?;
        object.serialize_entry("handle", &handle)?;
        object.end()
    }
}

/// Writes an array, and says in which item of it a problem is.
fn items<'w, S: Serializer, T, N: Serialize>(
    writer: &Writer<'_>,
    to: S,
    all: &'w [T],
    node: impl Fn(&'w T) -> N,
) -> Result<S::Ok, S::Error> {
    let mut array = to.serialize_seq(Some(all.len()))?;
    for (index, item) in all.iter().enumerate() {
        let written = array.serialize_element(&node(item));
        written.map_err(writer.from(|misfit| misfit.at(index)))?;
    }
    array.end()
}

fn float<S: Serializer>(to: S, number: f64) -> Result<S::Ok, S::Error> {
    if number.is_finite() {
        to.serialize_f64(number)
    } else if number.is_nan() {
        to.serialize_str("NaN")
    } else {
        to.serialize_str(if number > 0.0 { "Infinity" } else { "-Infinity" })
    }
}

/// The `f64` with the fewest digits that reads back as `number`: 0.1 rather than 0.10000000149011612.
fn shortest(number: f32) -> f64 {
    match number.to_string().parse::<f64>() {
        #[expect(clippy::cast_possible_truncation, reason = "the comparison tells whether it loses anything")]
        Ok(short) if (short as f32).to_bits() == number.to_bits() => short,
        _ => f64::from(number),
    }
}
