//! From JSON to a value of a given type.

use std::collections::HashSet;

use serde_json::{Map, Value};
use wasmtime::component::{Type, Val};

use super::scalar::{character, float32, float64, integer, mismatch};
use super::{JsonError, JsonProblem, Misfit};
use crate::exports::ExportedFunction;
use crate::handles::Handles;
use crate::names;
use crate::wit::type_text;

pub(super) fn value(handles: Option<&Handles>, ty: &Type, json: &Value) -> Result<Val, JsonError> {
    Ok(Reader { handles }.read(ty, json)?)
}

pub(super) fn arguments(
    handles: Option<&Handles>,
    function: &ExportedFunction,
    json: &Value,
) -> Result<Vec<Val>, JsonError> {
    let reader = Reader { handles };
    let arguments = match json {
        Value::Array(given) => reader.items(function.params().map(|(_, ty)| ty), given),
        Value::Object(given) => reader
            .fields(function.params(), given)
            .map(|fields| fields.into_iter().map(|(_, val)| val).collect()),
        _ => Err(mismatch("an array or an object with the arguments", json)),
    };
    Ok(arguments?)
}

/// Reads values; resources only if it knows their handles.
#[derive(Clone, Copy)]
struct Reader<'h> {
    handles: Option<&'h Handles>,
}

impl Reader<'_> {
    fn read(self, ty: &Type, json: &Value) -> Result<Val, Misfit> {
        match ty {
            Type::Bool => json.as_bool().map(Val::Bool).ok_or_else(|| mismatch("a boolean", json)),
            Type::S8 => integer(ty, json).map(Val::S8),
            Type::U8 => integer(ty, json).map(Val::U8),
            Type::S16 => integer(ty, json).map(Val::S16),
            Type::U16 => integer(ty, json).map(Val::U16),
            Type::S32 => integer(ty, json).map(Val::S32),
            Type::U32 => integer(ty, json).map(Val::U32),
            Type::S64 => integer(ty, json).map(Val::S64),
            Type::U64 => integer(ty, json).map(Val::U64),
            Type::Float32 => float32(json).map(Val::Float32),
            Type::Float64 => float64(json).map(Val::Float64),
            Type::Char => character(json).map(Val::Char),
            Type::String => match json {
                Value::String(text) => Ok(Val::String(text.clone())),
                _ => Err(mismatch("a string", json)),
            },
            Type::List(list) => Ok(Val::List(self.list_of(&list.ty(), array(ty, json)?)?)),
            Type::FixedLengthList(list) => {
                let given = array(ty, json)?;
                if u32::try_from(given.len()) != Ok(list.len()) {
                    return Err(mismatch(format!("an array of {}", list.len()), json));
                }
                Ok(Val::FixedLengthList(self.list_of(&list.ty(), given)?))
            }
            Type::Map(map) => {
                let (key_type, value_type) = (map.key(), map.value());
                let pair = |(index, pair): (usize, &Value)| match pair.as_array().map(Vec::as_slice) {
                    Some([key, val]) => self
                        .read(&key_type, key)
                        .map_err(|misfit| misfit.at(0))
                        .and_then(|key| {
                            Ok((key, self.read(&value_type, val).map_err(|misfit| misfit.at(1))?))
                        })
                        .map_err(|misfit| misfit.at(index)),
                    _ => Err(mismatch("an array of a key and a value", pair).at(index)),
                };
                Ok(Val::Map(array(ty, json)?.iter().enumerate().map(pair).collect::<Result<_, _>>()?))
            }
            Type::Tuple(tuple) => Ok(Val::Tuple(self.items(tuple.types(), array(ty, json)?)?)),
            Type::Record(record) => match json {
                Value::Object(given) => {
                    Ok(Val::Record(self.fields(record.fields().map(|field| (field.name, field.ty)), given)?))
                }
                _ => Err(mismatch("an object", json)),
            },
            Type::Variant(variant) => {
                let (name, given) = match json {
                    Value::String(name) => (name, None),
                    _ => only_key(json).map(|(name, given)| (name, Some(given))).ok_or_else(|| {
                        mismatch("the name of a case, or an object with one case and its payload", json)
                    })?,
                };
                let Some(case) = variant.cases().find(|case| case.name == name) else {
                    return Err(unknown("the case", name, variant.cases().map(|case| case.name)));
                };
                self.payload(name, case.ty.as_ref(), given).map(|payload| Val::Variant(name.clone(), payload))
            }
            Type::Enum(cases) => match json {
                Value::String(name) if cases.names().any(|case| case == name) => Ok(Val::Enum(name.clone())),
                Value::String(name) => Err(unknown("the case", name, cases.names())),
                _ => Err(mismatch("the name of a case", json)),
            },
            Type::Flags(flags) => {
                let mut set: Vec<String> = Vec::new();
                for (index, name) in array(ty, json)?.iter().enumerate() {
                    let Value::String(name) = name else {
                        return Err(mismatch("the name of a flag", name).at(index));
                    };
                    if !flags.names().any(|flag| flag == name) {
                        return Err(unknown("the flag", name, flags.names()).at(index));
                    }
                    if set.contains(name) {
                        return Err(mismatch("each flag once", &Value::String(name.clone())).at(index));
                    }
                    set.push(name.clone());
                }
                Ok(Val::Flags(set))
            }
            Type::Option(option) => {
                let inner = option.ty();
                match json {
                    Value::Null => Ok(Val::Option(None)),
                    _ if matches!(inner, Type::Option(_)) => match only_key(json) {
                        Some((key, json)) if key == "some" => self
                            .read(&inner, json)
                            .map(|val| Val::Option(Some(Box::new(val))))
                            .map_err(|misfit| misfit.under("some")),
                        _ => Err(mismatch("null or an object with the one key `some`", json)),
                    },
                    _ => self.read(&inner, json).map(|val| Val::Option(Some(Box::new(val)))),
                }
            }
            Type::Result(result) => match only_key(json) {
                Some((key, json)) if key == "ok" => {
                    self.unit_or("ok", result.ok(), json).map(|val| Val::Result(Ok(val)))
                }
                Some((key, json)) if key == "err" => {
                    self.unit_or("err", result.err(), json).map(|val| Val::Result(Err(val)))
                }
                _ => Err(mismatch("an object with the one key `ok` or `err`", json)),
            },
            Type::Own(_) | Type::Borrow(_) => self.resource(json),
            Type::Stream(_) => Err(no_json("stream")),
            Type::Future(_) => Err(no_json("future")),
            Type::ErrorContext => Err(no_json("error-context")),
        }
    }

    fn items(self, types: impl ExactSizeIterator<Item = Type>, given: &[Value]) -> Result<Vec<Val>, Misfit> {
        if types.len() != given.len() {
            let expected = format!("an array of {}", types.len());
            let found = format!("an array of {}", given.len());
            return Err(Misfit::new(JsonProblem::Mismatch { expected, found }));
        }
        let item = |(index, (ty, json)): (usize, (Type, &Value))| {
            self.read(&ty, json).map_err(|misfit| misfit.at(index))
        };
        types.zip(given).enumerate().map(item).collect()
    }

    fn list_of(self, ty: &Type, given: &[Value]) -> Result<Vec<Val>, Misfit> {
        given
            .iter()
            .enumerate()
            .map(|(index, json)| self.read(ty, json).map_err(|misfit| misfit.at(index)))
            .collect()
    }

    fn fields<'a>(
        self,
        types: impl ExactSizeIterator<Item = (&'a str, Type)>,
        given: &Map<String, Value>,
    ) -> Result<Vec<(String, Val)>, Misfit> {
        let types: Vec<_> = types.collect();
        let known: HashSet<&str> = types.iter().map(|(name, _)| *name).collect();
        if let Some(name) = given.keys().find(|name| !known.contains(name.as_str())) {
            return Err(unknown("the field", name, types.iter().map(|(known, _)| *known)));
        }
        let field = |(name, ty): &(&str, Type)| {
            let val = match (given.get(*name), ty) {
                (Some(json), ty) => self.read(ty, json).map_err(|misfit| misfit.under(name))?,
                (None, Type::Option(_)) => Val::Option(None),
                (None, _) => {
                    return Err(Misfit::new(JsonProblem::MissingField { field: (*name).to_owned() }));
                }
            };
            Ok(((*name).to_owned(), val))
        };
        types.iter().map(field).collect()
    }

    fn payload(
        self,
        case: &str,
        ty: Option<&Type>,
        given: Option<&Value>,
    ) -> Result<Option<Box<Val>>, Misfit> {
        match (ty, given) {
            (None, None) => Ok(None),
            (Some(ty), Some(json)) => {
                self.read(ty, json).map(|val| Some(Box::new(val))).map_err(|misfit| misfit.under(case))
            }
            (Some(ty), None) => {
                let expected = format!(
                    "an object with the key {} and a payload of type {}",
                    names::quoted(case),
                    type_text(ty)
                );
                Err(mismatch(expected, &Value::from(case)))
            }
            (None, Some(json)) => {
                let expected = format!("the string \"{}\" without a payload", names::printable(case));
                Err(mismatch(expected, json).under(case))
            }
        }
    }

    fn unit_or(self, key: &str, ty: Option<Type>, json: &Value) -> Result<Option<Box<Val>>, Misfit> {
        match (ty, json) {
            (Some(ty), json) => self.read(&ty, json).map(|val| Some(Box::new(val))),
            (None, Value::Null) => Ok(None),
            (None, json) => Err(mismatch("null", json)),
        }
        .map_err(|misfit| misfit.under(key))
    }

    fn resource(self, json: &Value) -> Result<Val, Misfit> {
        let handles = self.handles.ok_or_else(|| no_json("resource"))?;
        let number = match only_key(json) {
            Some((key, number)) if key == "handle" => number,
            _ => return Err(mismatch("an object with the one key `handle`", json)),
        };
        let handle = integer(&Type::U32, number).map_err(|misfit| misfit.under("handle"))?;
        let found = handles.get(handle).map(Val::Resource);
        found.map_err(|error| Misfit::new(JsonProblem::Handle(error)).under("handle"))
    }
}

fn array<'a>(ty: &Type, json: &'a Value) -> Result<&'a Vec<Value>, Misfit> {
    json.as_array().ok_or_else(|| mismatch(format!("an array for {}", type_text(ty)), json))
}

fn only_key(json: &Value) -> Option<(&String, &Value)> {
    match json {
        Value::Object(object) if object.len() == 1 => object.iter().next(),
        _ => None,
    }
}

fn unknown<'a>(what: &'static str, name: &str, known: impl Iterator<Item = &'a str>) -> Misfit {
    let known = known.map(str::to_owned).collect();
    Misfit::new(JsonProblem::UnknownName { what, name: name.to_owned(), known })
}

fn no_json(kind: &'static str) -> Misfit {
    Misfit::new(JsonProblem::NoJson { kind })
}
