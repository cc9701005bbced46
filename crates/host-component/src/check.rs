//! Do these arguments fit this function? Asked before the guest is entered.
//!
//! Wasmtime checks arguments while it writes them into the guest: when one does not fit, the guest's allocator has already
//! run for those before it, and with `Config::concurrency_support` on, the guest cannot be entered again. A mistake of the
//! host's should cost nothing, so it is found here first.

use thiserror::Error;
use wasmtime::component::{Type, Val};

use crate::handles::Wrong;
use crate::names;
use crate::path::Path;
use crate::wit::type_text;

/// Why a function cannot be called with these arguments.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum ArgumentError {
    /// Too few or too many.
    #[error("`{function}` takes {} ({}), not {given}", plural(*.expected), names::list(.parameters))]
    Count {
        /// The function's full name.
        function: String,
        /// How many arguments it takes.
        expected: usize,
        /// How many were given.
        given: usize,
        /// The names of its parameters.
        parameters: Vec<String>,
    },
    /// One is of the wrong type.
    #[error(
        "argument `{parameter}` of `{function}` does not fit at `{path}`: expected {expected}, found {found}"
    )]
    Type {
        /// The function's full name.
        function: String,
        /// The name of the parameter.
        parameter: String,
        /// The place inside the argument: `$` for all of it, or `$.items[3].name`.
        path: String,
        /// What belongs there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A resource is not among the handles of the call.
    #[error(
        "the resource at `{path}` of argument `{parameter}` of `{function}` is not among the handles: it was dropped, given away, or never put there"
    )]
    NotKept {
        /// The function's full name.
        function: String,
        /// The name of the parameter.
        parameter: String,
        /// The place inside the argument: `$` for all of it, or `$.items[3].name`.
        path: String,
    },
    /// A resource is given away, and used in the same call once more.
    #[error(
        "the resource at `{path}` of argument `{parameter}` of `{function}` is given away and used again in the same call"
    )]
    GivenAway {
        /// The function's full name.
        function: String,
        /// The name of the parameter.
        parameter: String,
        /// The place inside the argument: `$` for all of it, or `$.items[3].name`.
        path: String,
    },
}

impl ArgumentError {
    pub(crate) fn resource(function: String, parameter: &str, path: Path, wrong: Wrong) -> ArgumentError {
        let (parameter, path) = (names::printable(parameter), path.to_string());
        match wrong {
            Wrong::NotKept => ArgumentError::NotKept { function, parameter, path },
            Wrong::GivenAway => ArgumentError::GivenAway { function, parameter, path },
        }
    }
}

/// Checks `arguments` against the parameters of the function whose printable name `function` gives, for an error.
pub(crate) fn arguments<'a>(
    function: impl Fn() -> String,
    parameters: impl ExactSizeIterator<Item = (&'a str, Type)>,
    arguments: &[Val],
) -> Result<(), ArgumentError> {
    if parameters.len() != arguments.len() {
        return Err(ArgumentError::Count {
            function: function(),
            expected: parameters.len(),
            given: arguments.len(),
            parameters: parameters.map(|(name, _)| names::printable(name)).collect(),
        });
    }
    for ((name, ty), argument) in parameters.zip(arguments) {
        value(&ty, argument).map_err(|misfit| ArgumentError::Type {
            function: function(),
            parameter: names::printable(name),
            path: misfit.path.to_string(),
            expected: misfit.expected,
            found: misfit.found,
        })?;
    }
    Ok(())
}

struct Misfit {
    path: Path,
    expected: String,
    found: String,
}

impl Misfit {
    fn new(expected: impl Into<String>, found: impl Into<String>) -> Misfit {
        Misfit { path: Path::default(), expected: expected.into(), found: found.into() }
    }

    fn under(self, name: &str) -> Misfit {
        Misfit { path: self.path.under(name), ..self }
    }

    fn at(self, index: usize) -> Misfit {
        Misfit { path: self.path.at(index), ..self }
    }
}

fn plural(count: usize) -> String {
    if count == 1 { "1 argument".to_owned() } else { format!("{count} arguments") }
}

fn value(ty: &Type, val: &Val) -> Result<(), Misfit> {
    match (ty, val) {
        (Type::Bool, Val::Bool(_))
        | (Type::S8, Val::S8(_))
        | (Type::U8, Val::U8(_))
        | (Type::S16, Val::S16(_))
        | (Type::U16, Val::U16(_))
        | (Type::S32, Val::S32(_))
        | (Type::U32, Val::U32(_))
        | (Type::S64, Val::S64(_))
        | (Type::U64, Val::U64(_))
        | (Type::Float32, Val::Float32(_))
        | (Type::Float64, Val::Float64(_))
        | (Type::Char, Val::Char(_))
        | (Type::String, Val::String(_))
        // What streams and futures carry is known to Wasmtime alone.
        | (Type::Future(_), Val::Future(_))
        | (Type::Stream(_), Val::Stream(_))
        | (Type::ErrorContext, Val::ErrorContext(_)) => Ok(()),
        (Type::List(list), Val::List(items)) => all(&list.ty(), items),
        (Type::FixedLengthList(list), Val::FixedLengthList(items)) => {
            if u32::try_from(items.len()) != Ok(list.len()) {
                return Err(Misfit::new(format!("{} items", list.len()), format!("{} items", items.len())));
            }
            all(&list.ty(), items)
        }
        (Type::Map(map), Val::Map(entries)) => {
            let (key_type, value_type) = (map.key(), map.value());
            entries.iter().enumerate().try_for_each(|(index, (key, val))| {
                value(&key_type, key).and_then(|()| value(&value_type, val)).map_err(|misfit| misfit.at(index))
            })
        }
        (Type::Record(record), Val::Record(given)) => {
            let fields = record.fields();
            if fields.len() != given.len() {
                return Err(Misfit::new(
                    format!("the {} fields of {}", fields.len(), type_text(ty)),
                    format!("{} fields", given.len()),
                ));
            }
            fields.zip(given).try_for_each(|(field, (name, val))| {
                if field.name != name {
                    let found = format!("the field {}", names::quoted(name));
                    return Err(Misfit::new(format!("the field {} in this place", names::quoted(field.name)), found));
                }
                value(&field.ty, val).map_err(|misfit| misfit.under(name))
            })
        }
        (Type::Tuple(tuple), Val::Tuple(given)) => {
            let types = tuple.types();
            if types.len() != given.len() {
                return Err(Misfit::new(format!("{} items", types.len()), format!("{} items", given.len())));
            }
            types.zip(given).enumerate().try_for_each(|(index, (ty, val))| value(&ty, val).map_err(|m| m.at(index)))
        }
        (Type::Variant(variant), Val::Variant(name, payload_given)) => {
            match variant.cases().find(|case| case.name == name) {
                Some(case) => payload(name, case.ty.as_ref(), payload_given.as_deref()),
                None => Err(Misfit::new(type_text(ty), format!("the case {}", names::quoted(name)))),
            }
        }
        (Type::Enum(names), Val::Enum(name)) if names.names().any(|known| known == name) => Ok(()),
        (Type::Enum(_), Val::Enum(name)) => Err(Misfit::new(type_text(ty), names::quoted(name))),
        (Type::Flags(known), Val::Flags(given)) => {
            match given.iter().find(|name| !known.names().any(|known| known == name.as_str())) {
                None => Ok(()),
                Some(name) => Err(Misfit::new(type_text(ty), format!("the flag {}", names::quoted(name)))),
            }
        }
        (Type::Option(_), Val::Option(None)) => Ok(()),
        (Type::Option(option), Val::Option(Some(val))) => value(&option.ty(), val).map_err(|m| m.under("some")),
        (Type::Result(result), Val::Result(Ok(val))) => payload("ok", result.ok().as_ref(), val.as_deref()),
        (Type::Result(result), Val::Result(Err(val))) => payload("err", result.err().as_ref(), val.as_deref()),
        (Type::Own(expected), Val::Resource(handle)) if handle.ty() == *expected => {
            if handle.owned() { Ok(()) } else { Err(Misfit::new("an owned resource", "a borrowed one")) }
        }
        (Type::Borrow(expected), Val::Resource(handle)) if handle.ty() == *expected => Ok(()),
        (Type::Own(_) | Type::Borrow(_), Val::Resource(_)) => {
            Err(Misfit::new("a resource of this instance's own type", "a resource of another type"))
        }
        (ty, val) => Err(Misfit::new(type_text(ty), kind(val))),
    }
}

fn all(ty: &Type, items: &[Val]) -> Result<(), Misfit> {
    items.iter().enumerate().try_for_each(|(index, item)| value(ty, item).map_err(|misfit| misfit.at(index)))
}

fn payload(case: &str, expected: Option<&Type>, given: Option<&Val>) -> Result<(), Misfit> {
    match (expected, given) {
        (None, None) => Ok(()),
        (Some(ty), Some(val)) => value(ty, val),
        (Some(ty), None) => Err(Misfit::new(type_text(ty), "no payload")),
        (None, Some(val)) => Err(Misfit::new("no payload", kind(val))),
    }
    .map_err(|misfit| misfit.under(case))
}

/// How deep a value may nest that is written as text. WebAssembly's types nest no deeper than 100, so that only a value which
/// no guest could have made reaches it.
pub(crate) const DEEPEST: usize = 128;

/// What sort of value this is, in WIT's words.
pub(crate) fn kind(val: &Val) -> &'static str {
    match val {
        Val::Bool(_) => "bool",
        Val::S8(_) => "s8",
        Val::U8(_) => "u8",
        Val::S16(_) => "s16",
        Val::U16(_) => "u16",
        Val::S32(_) => "s32",
        Val::U32(_) => "u32",
        Val::S64(_) => "s64",
        Val::U64(_) => "u64",
        Val::Float32(_) => "f32",
        Val::Float64(_) => "f64",
        Val::Char(_) => "char",
        Val::String(_) => "string",
        Val::List(_) => "list",
        Val::Map(_) => "map",
        Val::Record(_) => "record",
        Val::Tuple(_) => "tuple",
        Val::Variant(..) => "variant",
        Val::Enum(_) => "enum",
        Val::Option(_) => "option",
        Val::Result(_) => "result",
        Val::Flags(_) => "flags",
        Val::Resource(_) => "resource",
        Val::Future(_) => "future",
        Val::Stream(_) => "stream",
        Val::ErrorContext(_) => "error-context",
        Val::FixedLengthList(_) => "list of fixed length",
    }
}
