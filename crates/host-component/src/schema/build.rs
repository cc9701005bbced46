//! From a type to its schema, in step with `json/read.rs`.

use std::collections::HashMap;

use serde_json::{Map, Value, json};
use wasmtime::component::Type;

use super::SchemaError;
use crate::exports::ExportedFunction;

/// Types visited for one document. What a component says in a few bytes may be a million types when it is spelled out.
const TYPES: usize = 100_000;

/// Bytes of names written into one document.
const NAMES: usize = 4 << 20;

/// The least number that rounds to infinity as an `f32`: half a step beyond the largest.
const BEYOND_F32: f64 = 3.402_823_567_797_336_6e38;

/// Writes schemas that share their definitions.
#[derive(Default)]
pub(super) struct Builder {
    definitions: Map<String, Value>,
    /// The name of each definition, by its text: the same types are found without comparing types, which can take long.
    known: HashMap<String, String>,
    types: usize,
    names: usize,
}

impl Builder {
    pub(super) fn definitions(self) -> Map<String, Value> {
        self.definitions
    }

    pub(super) fn arguments(&mut self, function: &ExportedFunction) -> Result<Value, SchemaError> {
        self.charge(&function.full_name())?;
        let mut fields = Vec::new();
        for (name, ty) in function.params() {
            fields.push((name, self.value(&ty)?, matches!(ty, Type::Option(_))));
        }
        let array = tuple(fields.iter().map(|(_, schema, _)| schema.clone()).collect());
        let object = self.object(fields)?;
        // Bounded by what was visited: a signature is made of the same types and names.
        Ok(json!({ "description": function.signature(), "anyOf": [object, array] }))
    }

    pub(super) fn result(&mut self, function: &ExportedFunction) -> Result<Value, SchemaError> {
        match function.results().next() {
            Some(ty) => self.value(&ty),
            None => Ok(json!({ "type": "null" })),
        }
    }

    pub(super) fn value(&mut self, ty: &Type) -> Result<Value, SchemaError> {
        self.types += 1;
        if self.types > TYPES {
            return Err(SchemaError::TooLarge { limit: TYPES, what: "types" });
        }
        Ok(match ty {
            Type::Bool => json!({ "type": "boolean" }),
            Type::S8 => integer(i8::MIN, i8::MAX),
            Type::U8 => integer(u8::MIN, u8::MAX),
            Type::S16 => integer(i16::MIN, i16::MAX),
            Type::U16 => integer(u16::MIN, u16::MAX),
            Type::S32 => integer(i32::MIN, i32::MAX),
            Type::U32 => integer(u32::MIN, u32::MAX),
            Type::S64 => integer(i64::MIN, i64::MAX),
            Type::U64 => integer(u64::MIN, u64::MAX),
            Type::Float32 => float(
                json!({ "type": "number", "exclusiveMinimum": -BEYOND_F32, "exclusiveMaximum": BEYOND_F32 }),
            ),
            Type::Float64 => float(json!({ "type": "number" })),
            Type::Char => json!({ "type": "string", "minLength": 1, "maxLength": 1 }),
            Type::String => json!({ "type": "string" }),
            Type::List(list) => json!({ "type": "array", "items": self.value(&list.ty())? }),
            Type::FixedLengthList(list) => {
                let (items, len) = (self.value(&list.ty())?, list.len());
                json!({ "type": "array", "items": items, "minItems": len, "maxItems": len })
            }
            Type::Map(map) => {
                let pair = tuple(vec![self.value(&map.key())?, self.value(&map.value())?]);
                json!({ "type": "array", "items": pair })
            }
            Type::Tuple(types) => {
                tuple(types.types().map(|ty| self.value(&ty)).collect::<Result<Vec<_>, _>>()?)
            }
            Type::Option(option) => {
                let inner = option.ty();
                let some = self.value(&inner)?;
                let some = if matches!(inner, Type::Option(_)) { only_key("some", some) } else { some };
                json!({ "anyOf": [{ "type": "null" }, some] })
            }
            Type::Result(result) => {
                let mut branch = |key: &str, ty: Option<Type>| {
                    let payload = ty.map_or(Ok(json!({ "type": "null" })), |ty| self.value(&ty));
                    payload.map(|payload| only_key(key, payload))
                };
                json!({ "anyOf": [branch("ok", result.ok())?, branch("err", result.err())?] })
            }
            Type::Record(record) => {
                let mut fields = Vec::new();
                for field in record.fields() {
                    let is_option = matches!(field.ty, Type::Option(_));
                    fields.push((field.name, self.value(&field.ty)?, is_option));
                }
                let object = self.object(fields)?;
                self.define("record", object)
            }
            Type::Variant(variant) => {
                let mut plain = Vec::new();
                let mut branches = Vec::new();
                for case in variant.cases() {
                    self.charge(case.name)?;
                    match &case.ty {
                        None => plain.push(case.name),
                        Some(ty) => branches.push(only_key(case.name, self.value(ty)?)),
                    }
                }
                if !plain.is_empty() {
                    branches.insert(0, json!({ "enum": plain }));
                }
                self.define("variant", json!({ "anyOf": branches }))
            }
            Type::Enum(cases) => {
                let schema = self.one_of(cases.names())?;
                self.define("enum", schema)
            }
            Type::Flags(flags) => {
                let items = self.one_of(flags.names())?;
                self.define("flags", json!({ "type": "array", "items": items, "uniqueItems": true }))
            }
            Type::Own(_) | Type::Borrow(_) => {
                let mut handle = only_key("handle", integer(u32::MIN, u32::MAX));
                handle["description"] = Value::from("a resource, by its handle");
                handle
            }
            Type::Stream(_) => nothing("a stream"),
            Type::Future(_) => nothing("a future"),
            Type::ErrorContext => nothing("an error-context"),
        })
    }

    /// An object with these fields: name, schema, and whether it may be left out.
    fn object(&mut self, fields: Vec<(&str, Value, bool)>) -> Result<Value, SchemaError> {
        let mut required = Vec::new();
        let mut properties = Map::new();
        for (name, schema, is_option) in fields {
            self.charge(name)?;
            if !is_option {
                required.push(name);
            }
            properties.insert(name.to_owned(), schema);
        }
        Ok(json!({
            "type": "object",
            "properties": properties,
            "required": required,
            "additionalProperties": false,
        }))
    }

    fn one_of<'a>(&mut self, names: impl Iterator<Item = &'a str>) -> Result<Value, SchemaError> {
        let mut list = Vec::new();
        for name in names {
            self.charge(name)?;
            list.push(name);
        }
        Ok(json!({ "enum": list }))
    }

    /// Puts `schema` among the definitions, unless it is there, and gives the reference to it.
    fn define(&mut self, word: &str, schema: Value) -> Value {
        let definitions = &mut self.definitions;
        let name = self.known.entry(schema.to_string()).or_insert_with(|| {
            let name = format!("{word}-{}", definitions.len());
            definitions.insert(name.clone(), schema);
            name
        });
        json!({ "$ref": format!("#/$defs/{name}") })
    }

    fn charge(&mut self, name: &str) -> Result<(), SchemaError> {
        self.names += name.len();
        if self.names > NAMES {
            return Err(SchemaError::TooLarge { limit: NAMES, what: "bytes of names" });
        }
        Ok(())
    }
}

fn integer<N: Into<Value>>(least: N, greatest: N) -> Value {
    json!({ "type": "integer", "minimum": least.into(), "maximum": greatest.into() })
}

fn float(finite: Value) -> Value {
    json!({ "anyOf": [finite, { "enum": ["NaN", "Infinity", "-Infinity"] }] })
}

/// An array with exactly these items.
fn tuple(items: Vec<Value>) -> Value {
    let len = items.len();
    if items.is_empty() {
        return json!({ "type": "array", "maxItems": 0 });
    }
    json!({ "type": "array", "prefixItems": items, "minItems": len, "maxItems": len })
}

/// An object with this key and no other.
fn only_key(key: &str, schema: Value) -> Value {
    let mut properties = Map::new();
    properties.insert(key.to_owned(), schema);
    json!({ "type": "object", "properties": properties, "required": [key], "additionalProperties": false })
}

/// No value at all.
fn nothing(what: &str) -> Value {
    json!({ "not": {}, "description": format!("{what} has no JSON form") })
}
