//! From a value to JSON.

use serde_json::{Map, Number, Value};
use wasmtime::component::{ResourceAny, Val};

use super::{JsonError, JsonProblem, Misfit};
use crate::check::{DEEPEST, kind};
use crate::handles::{Handles, Pending};

/// Writes one value, `null` for none, or an array of several; nothing is put among `handles` unless all can be written.
pub(super) fn values(handles: Option<&mut Handles>, vals: &[Val]) -> Result<Value, JsonError> {
    let mut writer = Writer { pending: handles.map(Handles::pending), depth: 0 };
    let json = match vals {
        [] => Value::Null,
        [val] => writer.write(val)?,
        several => writer.items(several)?,
    };
    if let Some(pending) = writer.pending {
        pending.commit();
    }
    Ok(json)
}

/// Writes values; resources only if they can get a handle.
struct Writer<'h> {
    pending: Option<Pending<'h>>,
    depth: usize,
}

impl Writer<'_> {
    fn write(&mut self, val: &Val) -> Result<Value, Misfit> {
        if self.depth >= DEEPEST {
            return Err(Misfit::new(JsonProblem::TooDeep { deepest: DEEPEST }));
        }
        self.depth += 1;
        let json = self.write_inside(val);
        self.depth -= 1;
        json
    }

    fn write_inside(&mut self, val: &Val) -> Result<Value, Misfit> {
        Ok(match val {
            Val::Bool(bool) => Value::Bool(*bool),
            Val::S8(number) => Value::from(*number),
            Val::U8(number) => Value::from(*number),
            Val::S16(number) => Value::from(*number),
            Val::U16(number) => Value::from(*number),
            Val::S32(number) => Value::from(*number),
            Val::U32(number) => Value::from(*number),
            Val::S64(number) => Value::from(*number),
            Val::U64(number) => Value::from(*number),
            Val::Float32(number) => float(shortest(*number)),
            Val::Float64(number) => float(*number),
            Val::Char(character) => Value::String(character.to_string()),
            Val::String(text) => Value::String(text.clone()),
            Val::List(list) | Val::FixedLengthList(list) | Val::Tuple(list) => self.items(list)?,
            Val::Map(entries) => {
                let pair = |(index, (key, val)): (usize, &(Val, Val))| {
                    let pair = [self.write(key), self.write(val)].into_iter().collect::<Result<Vec<_>, _>>();
                    pair.map(Value::Array).map_err(|misfit| misfit.at(index))
                };
                Value::Array(entries.iter().enumerate().map(pair).collect::<Result<_, _>>()?)
            }
            Val::Record(fields) => {
                let field = |(name, val): &(String, Val)| {
                    self.write(val).map(|json| (name.clone(), json)).map_err(|misfit| misfit.under(name))
                };
                Value::Object(fields.iter().map(field).collect::<Result<_, _>>()?)
            }
            Val::Variant(case, None) | Val::Enum(case) => Value::String(case.clone()),
            Val::Variant(case, Some(payload)) => self.keyed(case, Some(payload))?,
            Val::Flags(names) => Value::Array(names.iter().cloned().map(Value::String).collect()),
            Val::Option(None) => Value::Null,
            // `null` inside would look like `null` outside.
            Val::Option(Some(inner)) if matches!(**inner, Val::Option(_)) => {
                self.keyed("some", Some(inner))?
            }
            Val::Option(Some(inner)) => self.write(inner)?,
            Val::Result(Ok(payload)) => self.keyed("ok", payload.as_deref())?,
            Val::Result(Err(payload)) => self.keyed("err", payload.as_deref())?,
            Val::Resource(resource) => self.resource(*resource)?,
            Val::Future(_) | Val::Stream(_) | Val::ErrorContext(_) => {
                return Err(Misfit::new(JsonProblem::NoJson { kind: kind(val) }));
            }
        })
    }

    fn items(&mut self, vals: &[Val]) -> Result<Value, Misfit> {
        let item = |(index, val)| self.write(val).map_err(|misfit| misfit.at(index));
        Ok(Value::Array(vals.iter().enumerate().map(item).collect::<Result<_, _>>()?))
    }

    fn keyed(&mut self, key: &str, payload: Option<&Val>) -> Result<Value, Misfit> {
        let json = match payload {
            Some(val) => self.write(val).map_err(|misfit| misfit.under(key))?,
            None => Value::Null,
        };
        Ok(object(key, json))
    }

    fn resource(&mut self, resource: ResourceAny) -> Result<Value, Misfit> {
        let Some(pending) = &mut self.pending else {
            return Err(Misfit::new(JsonProblem::NoJson { kind: "resource" }));
        };
        let handle = pending.number(resource).map_err(|error| Misfit::new(JsonProblem::Handle(error)))?;
        Ok(object("handle", Value::from(handle)))
    }
}

fn object(key: &str, json: Value) -> Value {
    Value::Object(Map::from_iter([(key.to_owned(), json)]))
}

fn float(number: f64) -> Value {
    match Number::from_f64(number) {
        Some(number) => Value::Number(number),
        None if number.is_nan() => Value::from("NaN"),
        None if number > 0.0 => Value::from("Infinity"),
        None => Value::from("-Infinity"),
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
