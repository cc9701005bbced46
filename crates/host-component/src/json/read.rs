//! From JSON to a value of a given type, or to the arguments of a function.

use serde::de::{Deserializer, MapAccess, SeqAccess};
use serde_json::{Value, json};
use wasmtime::component::{Type, Val};

use super::array::{Pair, any_number, exactly, one_of_each};
use super::object::{Case, Payload, fields, only_key};
use super::scalar::{character, float32, float64, integer, mismatch, mismatch_later, resource};
use super::visit::{As, Fit, Form, whole_array, whole_object};
use super::{JsonProblem, Misfit};
use crate::exports::ExportedFunction;
use crate::handles::Handles;
use crate::names;
use crate::wit::type_text;

/// A value of a type; resources only if their handles are known.
#[derive(Clone, Copy)]
pub(super) struct OfType<'a> {
    pub(super) handles: Option<&'a Handles>,
    pub(super) ty: &'a Type,
}

impl OfType<'_> {
    /// The case that stands alone, as a name.
    fn alone(self, name: String) -> Fit<Val> {
        let ty = match self.case(&name) {
            Case::Unknown => return Err(self.unknown("the case", &name)),
            Case::Empty => return Ok(Val::Variant(name, None)),
            Case::Of(ty) => ty,
        };
        let key = names::quoted(&name);
        let expected =
            move || format!("an object with the key {key} and a payload of type {}", type_text(&ty));
        Err(mismatch_later(expected, &Value::from(name)))
    }

    /// The value with what stands under its only key.
    fn under(self, key: String, payload: Payload) -> Fit<Val> {
        let payload = match (payload, self.ty) {
            (Payload::Unknown, Type::Variant(_)) => return Err(self.unknown("the case", &key)),
            (Payload::Unknown, _) => return self.value(json!({ key: null })),
            (Payload::Read(val), _) => val.map(|val| Some(Box::new(val))),
            (Payload::Empty(json), Type::Variant(_)) => {
                Err(mismatch(format!("the string \"{}\" without a payload", names::printable(&key)), &json))
            }
            (Payload::Empty(Value::Null), _) => Ok(None),
            (Payload::Empty(json), _) => Err(mismatch("null", &json)),
        };
        let payload = payload.map_err(|misfit| misfit.under(&key))?;
        Ok(match (self.ty, key.as_str()) {
            (Type::Variant(_), _) => Val::Variant(key, payload),
            (Type::Option(_), _) => Val::Option(payload),
            (_, "ok") => Val::Result(Ok(payload)),
            _ => Val::Result(Err(payload)),
        })
    }

    /// What belongs under the only key of an object.
    fn case(self, key: &str) -> Case {
        let of = |ty: Option<Type>| ty.map_or(Case::Empty, Case::Of);
        match (self.ty, key) {
            (Type::Variant(variant), _) => {
                variant.cases().find(|case| case.name == key).map_or(Case::Unknown, |case| of(case.ty))
            }
            (Type::Result(result), "ok") => of(result.ok()),
            (Type::Result(result), "err") => of(result.err()),
            (Type::Option(option), "some") => Case::Of(option.ty()),
            _ => Case::Unknown,
        }
    }

    fn flags(self, names: Vec<Value>) -> Fit<Val> {
        let Type::Flags(known) = self.ty else { return Err(self.not_an_array(&Value::Array(names))) };
        let mut set: Vec<String> = Vec::new();
        for (index, name) in names.into_iter().enumerate() {
            let Value::String(name) = name else {
                return Err(mismatch("the name of a flag", &name).at(index));
            };
            if !known.names().any(|flag| flag == name) {
                return Err(self.unknown("the flag", &name).at(index));
            }
            if set.contains(&name) {
                return Err(mismatch("each flag once", &Value::String(name)).at(index));
            }
            set.push(name);
        }
        Ok(Val::Flags(set))
    }

    fn not_an_array(self, json: &Value) -> Misfit {
        let ty = self.ty.clone();
        mismatch_later(move || format!("an array for {}", type_text(&ty)), json)
    }

    /// What is said of a name that the type does not know.
    fn unknown(self, what: &'static str, name: &str) -> Misfit {
        let (ty, name) = (self.ty.clone(), name.to_owned());
        Misfit::later(move || {
            let known = match &ty {
                Type::Record(record) => record.fields().map(|field| field.name.to_owned()).collect(),
                Type::Variant(variant) => variant.cases().map(|case| case.name.to_owned()).collect(),
                Type::Enum(cases) => cases.names().map(str::to_owned).collect(),
                Type::Flags(flags) => flags.names().map(str::to_owned).collect(),
                _ => Vec::new(),
            };
            JsonProblem::UnknownName { what, name, known }
        })
    }
}

impl Form for OfType<'_> {
    type Out = Val;

    fn read<'de, D: Deserializer<'de>>(self, json: D) -> Result<Fit<Val>, D::Error> {
        match self.ty {
            Type::Option(_) => json.deserialize_option(As(self)),
            _ => json.deserialize_any(As(self)),
        }
    }

    /// The commonest numbers, on a short way.
    fn natural(self, number: u64) -> Fit<Val> {
        let fits = match self.ty {
            Type::S8 => number.try_into().map(Val::S8),
            Type::U8 => number.try_into().map(Val::U8),
            Type::S16 => number.try_into().map(Val::S16),
            Type::U16 => number.try_into().map(Val::U16),
            Type::S32 => number.try_into().map(Val::S32),
            Type::U32 => number.try_into().map(Val::U32),
            Type::S64 => number.try_into().map(Val::S64),
            Type::U64 => Ok(Val::U64(number)),
            _ => return self.value(Value::from(number)),
        };
        fits.or_else(|_| self.value(Value::from(number)))
    }

    fn value(self, json: Value) -> Fit<Val> {
        let ty = self.ty;
        match (ty, json) {
            (Type::Bool, Value::Bool(bool)) => Ok(Val::Bool(bool)),
            (Type::Bool, json) => Err(mismatch("a boolean", &json)),
            (Type::S8, json) => integer(ty, &json).map(Val::S8),
            (Type::U8, json) => integer(ty, &json).map(Val::U8),
            (Type::S16, json) => integer(ty, &json).map(Val::S16),
            (Type::U16, json) => integer(ty, &json).map(Val::U16),
            (Type::S32, json) => integer(ty, &json).map(Val::S32),
            (Type::U32, json) => integer(ty, &json).map(Val::U32),
            (Type::S64, json) => integer(ty, &json).map(Val::S64),
            (Type::U64, json) => integer(ty, &json).map(Val::U64),
            (Type::Float32, json) => float32(&json).map(Val::Float32),
            (Type::Float64, json) => float64(&json).map(Val::Float64),
            (Type::Char, json) => character(&json).map(Val::Char),
            (Type::String, Value::String(text)) => Ok(Val::String(text)),
            (Type::String, json) => Err(mismatch("a string", &json)),
            (Type::Enum(cases), Value::String(name)) if cases.names().any(|case| case == name) => {
                Ok(Val::Enum(name))
            }
            (Type::Enum(_), Value::String(name)) => Err(self.unknown("the case", &name)),
            (Type::Enum(_), json) => Err(mismatch("the name of a case", &json)),
            (Type::Flags(_), Value::Array(names)) => self.flags(names),
            (Type::Own(_) | Type::Borrow(_), json) => resource(self.handles, &json),
            (Type::Stream(_), _) => Err(Misfit::no_json("stream")),
            (Type::Future(_), _) => Err(Misfit::no_json("future")),
            (Type::ErrorContext, _) => Err(Misfit::no_json("error-context")),
            (Type::Option(_), Value::Null) => Ok(Val::Option(None)),
            (Type::Option(_), json) => Err(mismatch("null or an object with the one key `some`", &json)),
            (Type::Variant(_), Value::String(name)) => self.alone(name),
            (Type::Variant(_), json) => {
                Err(mismatch("the name of a case, or an object with one case and its payload", &json))
            }
            (Type::Result(_), json) => Err(mismatch("an object with the one key `ok` or `err`", &json)),
            (Type::Record(_), json) => Err(mismatch("an object", &json)),
            (
                Type::List(_) | Type::FixedLengthList(_) | Type::Map(_) | Type::Tuple(_) | Type::Flags(_),
                json,
            ) => Err(self.not_an_array(&json)),
        }
    }

    fn some<'de, D: Deserializer<'de>>(self, json: D) -> Result<Fit<Val>, D::Error> {
        match self.ty {
            Type::Option(option) => match option.ty() {
                Type::Option(_) => json.deserialize_any(As(self)),
                inner => Ok(OfType { handles: self.handles, ty: &inner }
                    .read(json)?
                    .map(|val| Val::Option(Some(Box::new(val))))),
            },
            _ => self.read(json),
        }
    }

    fn array<'de, A: SeqAccess<'de>>(self, array: A) -> Result<Fit<Val>, A::Error> {
        let of = |ty| OfType { handles: self.handles, ty };
        Ok(match self.ty {
            Type::List(list) => any_number(array, of(&list.ty()))?.map(Val::List),
            Type::FixedLengthList(list) => {
                exactly(array, OfType { handles: self.handles, ty: &list.ty() }, list.len())?
                    .map(Val::FixedLengthList)
            }
            Type::Map(map) => {
                let (key, value) = (map.key(), map.value());
                any_number(
                    array,
                    Pair {
                        key: OfType { handles: self.handles, ty: &key },
                        value: OfType { handles: self.handles, ty: &value },
                    },
                )?
                .map(Val::Map)
            }
            Type::Tuple(tuple) => one_of_each(array, self.handles, tuple.types())?.map(Val::Tuple),
            _ => whole_array(self, array)?,
        })
    }

    fn object<'de, A: MapAccess<'de>>(self, object: A) -> Result<Fit<Val>, A::Error> {
        match self.ty {
            Type::Record(record) => {
                let types = record.fields().map(|field| (field.name, field.ty));
                let make = |name: &str, val| (name.to_owned(), val);
                let unknown = |name: &str| self.unknown("the field", name);
                Ok(fields(object, self.handles, types, make, unknown)?.map(Val::Record))
            }
            Type::Variant(_) | Type::Result(_) | Type::Option(_) => {
                Ok(match only_key(object, self.handles, |key| self.case(key))? {
                    Ok((key, payload)) => self.under(key, payload),
                    Err(keys) => self.value(keys),
                })
            }
            _ => whole_object(self, object),
        }
    }
}

/// The arguments of a function.
#[derive(Clone, Copy)]
pub(super) struct Arguments<'a> {
    pub(super) handles: Option<&'a Handles>,
    pub(super) function: &'a ExportedFunction,
}

impl Form for Arguments<'_> {
    type Out = Vec<Val>;

    fn value(self, json: Value) -> Fit<Vec<Val>> {
        Err(mismatch("an array or an object with the arguments", &json))
    }

    fn array<'de, A: SeqAccess<'de>>(self, array: A) -> Result<Fit<Vec<Val>>, A::Error> {
        one_of_each(array, self.handles, self.function.params().map(|(_, ty)| ty))
    }

    fn object<'de, A: MapAccess<'de>>(self, object: A) -> Result<Fit<Vec<Val>>, A::Error> {
        let unknown = |name: &str| {
            let known = self.function.params().map(|(name, _)| name.to_owned()).collect();
            Misfit::new(JsonProblem::UnknownName { what: "the field", name: name.to_owned(), known })
        };
        fields(object, self.handles, self.function.params(), |_, val| val, unknown)
    }
}
