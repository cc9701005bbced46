//! Which JSON does a function take, and which does it give? As JSON Schema, draft 2020-12.
//!
//! A schema accepts exactly what [`json`](crate::json) reads: a validator, an editor or a model that fills in arguments can
//! be told before the call what fits. Two things no schema can say: which handles stand for a resource that is still there,
//! and of which type it is.
//!
//! Records, variants, enums and flags are written once, under `$defs`, however often they are used. The component model has
//! no names for types where they are used, so these are called `record-0`, `variant-1` and so on.

mod build;

use serde_json::{Map, Value, json};
use thiserror::Error;
use wasmtime::component::{Component, Type};

use crate::exports::{self, ExportedFunction};

use build::Builder;

/// The schema of the values of the type `ty`, as [`json::to_val_with`](crate::json::to_val_with) reads them.
///
/// # Errors
///
/// When the type is too large to be written down.
pub fn value(ty: &Type) -> Result<Value, SchemaError> {
    let mut builder = Builder::default();
    let schema = builder.value(ty)?;
    Ok(document(builder, schema))
}

/// The schema of the arguments of `function`: as an array, or as an object in which an `option` may be left out.
///
/// # Errors
///
/// When the types are too large to be written down.
pub fn arguments(function: &ExportedFunction) -> Result<Value, SchemaError> {
    let mut builder = Builder::default();
    let schema = builder.arguments(function)?;
    Ok(document(builder, schema))
}

/// The schema of what `function` gives, as [`json::results_with`](crate::json::results_with) writes it: `null` if it gives
/// nothing.
///
/// # Errors
///
/// When the type is too large to be written down.
pub fn result(function: &ExportedFunction) -> Result<Value, SchemaError> {
    let mut builder = Builder::default();
    let schema = builder.result(function)?;
    Ok(document(builder, schema))
}

/// The schemas of all exported functions in one document:
///
/// ```json
/// {
///     "$schema": "https://json-schema.org/draft/2020-12/schema",
///     "functions": { "my:math/sums@1.0.0#add": { "arguments": {}, "result": {} } },
///     "$defs": {}
/// }
/// ```
///
/// `functions` is no keyword of JSON Schema: refer to what is in it, or take one out together with `$defs`. Functions are listed
/// as [`exports`](crate::exports()) lists them.
///
/// # Errors
///
/// When the types together are too large to be written down; [`arguments`] and [`result`] may still have room for each.
pub fn component(component: &Component) -> Result<Value, SchemaError> {
    let mut builder = Builder::default();
    let mut functions = Map::new();
    for function in exports::exports(component) {
        let arguments = builder.arguments(&function)?;
        let result = builder.result(&function)?;
        functions.insert(function.full_name(), json!({ "arguments": arguments, "result": result }));
    }
    Ok(document(builder, json!({ "functions": functions })))
}

/// Why there is no schema.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum SchemaError {
    /// The types take more room, spelled out, than a schema should. Only a component that is made to do so gets there.
    #[error("the types are too large for a JSON Schema: more than {limit} {what} when spelled out")]
    TooLarge {
        /// How much there may be.
        limit: usize,
        /// What there is too much of: `types`, or `bytes of names`.
        what: &'static str,
    },
}

fn document(builder: Builder, schema: Value) -> Value {
    let mut document = match schema {
        Value::Object(schema) => schema,
        // `true` and `false` are schemas too.
        other => Map::from_iter([("allOf".to_owned(), Value::Array(vec![other]))]),
    };
    document.insert("$schema".to_owned(), Value::from("https://json-schema.org/draft/2020-12/schema"));
    let definitions = builder.definitions();
    if !definitions.is_empty() {
        document.insert("$defs".to_owned(), Value::Object(definitions));
    }
    Value::Object(document)
}
