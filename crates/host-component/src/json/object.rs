//! How is an object read? By its keys, in any order; the last of several fields of one name counts, as it does in a `Value`.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, Visitor};
use serde_json::{Map, Value};
use wasmtime::component::{Type, Val};

use super::read::OfType;
use super::visit::{As, Fit, Form};
use super::{JsonProblem, Misfit};
use crate::handles::Handles;

/// Names among more than so many are looked up in a table.
const FEW: usize = 8;

/// What stands under a name: read at once, but if the name comes again, kept until it is known which one was the last. So
/// nothing is read more than twice, and problems with what does not count are not looked into again and again.
#[derive(Default)]
struct Given {
    first: Option<Fit<Val>>,
    last: Option<Value>,
}

impl Given {
    fn take<'de, A: MapAccess<'de>>(&mut self, object: &mut A, form: OfType<'_>) -> Result<(), A::Error> {
        if self.first.is_none() {
            self.first = Some(object.next_value_seed(As(form))?);
        } else {
            self.last = Some(object.next_value()?);
        }
        Ok(())
    }

    fn end(self, form: OfType<'_>) -> Option<Fit<Val>> {
        match self.last {
            Some(json) => Some(form.read_value(&json)),
            None => self.first,
        }
    }
}

struct Field<'t> {
    name: &'t str,
    ty: Type,
    given: Given,
}

/// Reads an object with these fields, of which an `option` may be left out, and gives them in the order of `types`.
pub(super) fn fields<'t, 'de, A: MapAccess<'de>, T>(
    mut object: A,
    handles: Option<&Handles>,
    types: impl Iterator<Item = (&'t str, Type)>,
    make: impl Fn(&str, Val) -> T,
    unknown: impl FnOnce(&str) -> Misfit,
) -> Result<Fit<Vec<T>>, A::Error> {
    let mut fields: Vec<_> = types.map(|(name, ty)| Field { name, ty, given: Given::default() }).collect();
    let table = OnceCell::new();
    let mut unknown_names = Map::new();
    let mut next = 0;
    while let Some(found) = object.next_key_seed(Name { fields: &fields, table: &table, next })? {
        match found {
            Ok(place) if unknown_names.is_empty() => {
                let Field { ty, given, .. } = &mut fields[place];
                given.take(&mut object, OfType { handles, ty })?;
                next = place + 1;
            }
            Ok(_) => drop(object.next_value::<Value>()?),
            Err(name) => {
                object.next_value::<Value>()?;
                unknown_names.insert(name, Value::Null);
            }
        }
    }
    if let Some(name) = unknown_names.keys().next() {
        return Ok(Err(unknown(name)));
    }
    let read = |Field { name, ty, given }: Field<'_>| match (given.end(OfType { handles, ty: &ty }), ty) {
        (Some(read), _) => read.map(|val| make(name, val)).map_err(|misfit| misfit.under(name)),
        (None, Type::Option(_)) => Ok(make(name, Val::Option(None))),
        (None, _) => Err(Misfit::new(JsonProblem::MissingField { field: name.to_owned() })),
    };
    Ok(fields.into_iter().map(read).collect())
}

/// Looks for the field that a key names; most often it is the next one. Gives the name if there is none.
struct Name<'f, 't> {
    fields: &'f [Field<'t>],
    table: &'f OnceCell<HashMap<&'t str, usize>>,
    next: usize,
}

impl Name<'_, '_> {
    fn find(&self, name: &str) -> Option<usize> {
        let names = || self.fields.iter().map(|field| field.name);
        if self.fields.get(self.next).is_some_and(|field| field.name == name) {
            Some(self.next)
        } else if self.fields.len() <= FEW {
            names().position(|known| known == name)
        } else {
            let table =
                self.table.get_or_init(|| names().enumerate().map(|(place, name)| (name, place)).collect());
            table.get(name).copied()
        }
    }
}

impl<'de> DeserializeSeed<'de> for Name<'_, '_> {
    type Value = Result<usize, String>;

    fn deserialize<D: Deserializer<'de>>(self, key: D) -> Result<Self::Value, D::Error> {
        key.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_, '_> {
    type Value = Result<usize, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.find(name).ok_or_else(|| name.to_owned()))
    }
}

/// What belongs under a key.
pub(super) enum Case {
    Of(Type),
    Empty,
    Unknown,
}

/// What stands under the only key of an object.
pub(super) enum Payload {
    Read(Fit<Val>),
    /// No payload belongs there.
    Empty(Value),
    /// The key is none of those there are.
    Unknown,
}

/// Reads an object with one key, or gives all the keys it has, as an object without values.
pub(super) fn only_key<'de, A: MapAccess<'de>>(
    mut object: A,
    handles: Option<&Handles>,
    case: impl FnOnce(&str) -> Case,
) -> Result<Result<(String, Payload), Value>, A::Error> {
    let mut keys = Map::new();
    let Some(key) = object.next_key::<String>()? else { return Ok(Err(Value::Object(keys))) };
    let case = case(&key);
    let mut given = Given::default();
    let mut take = |object: &mut A| match &case {
        Case::Of(ty) => given.take(object, OfType { handles, ty }),
        Case::Empty | Case::Unknown => object.next_value().map(|json| given.last = Some(json)),
    };
    take(&mut object)?;
    while let Some(next) = object.next_key::<String>()? {
        if next == key {
            take(&mut object)?;
        } else {
            object.next_value::<Value>()?;
            keys.entry(key.as_str()).or_insert(Value::Null);
            keys.insert(next, Value::Null);
        }
    }
    if !keys.is_empty() {
        return Ok(Err(Value::Object(keys)));
    }
    let payload = match &case {
        Case::Of(ty) => given.end(OfType { handles, ty }).map(Payload::Read),
        Case::Empty => given.last.map(Payload::Empty),
        Case::Unknown => None,
    };
    Ok(Ok((key, payload.unwrap_or(Payload::Unknown))))
}
