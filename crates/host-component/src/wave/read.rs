//! From WAVE to values of given types.
//!
//! The text is taken apart by the parser that Wasmtime uses, which nests no more than 100 deep. What its pieces mean is
//! decided here and not by Wasmtime: it drops fields that a record does not have, makes infinity of numbers that are too
//! large, knows no resources and no maps, and cannot say where inside a value the mistake is.

use std::collections::{BTreeMap, BTreeSet};

use wasmtime::component::wasm_wave::ast::Node;
use wasmtime::component::wasm_wave::parser::{Parser, ParserError, ParserErrorKind};
use wasmtime::component::wasm_wave::untyped::UntypedValue;
use wasmtime::component::{Type, Val};

use super::WaveProblem;
use crate::handles::Handles;
use crate::wit::type_text;

/// Takes the text of one value apart.
pub(super) fn parse(text: &str) -> Result<UntypedValue<'_>, ParserError> {
    let mut parser = Parser::new(text);
    let value = parser.parse_raw_value()?;
    parser.finish()?;
    Ok(value)
}

/// What does not fit, and where.
pub(super) struct Misfit {
    /// In bytes from the beginning of the text.
    pub(super) position: usize,
    /// The type of the innermost value that is wrong, as text.
    pub(super) expected: String,
    pub(super) problem: WaveProblem,
}

/// Reads values of one text; resources only if it knows their handles.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) text: &'a str,
    pub(super) handles: Option<&'a Handles>,
}

impl<'a> Reader<'a> {
    pub(super) fn read(self, ty: &Type, node: &Node) -> Result<Val, Misfit> {
        let wrong = |error| malformed(ty, &error);
        let misfit = |problem| Misfit::new(ty, node, problem);
        Ok(match ty {
            Type::Bool => Val::Bool(node.as_bool().map_err(wrong)?),
            Type::S8 => Val::S8(node.as_number(self.text).map_err(wrong)?),
            Type::U8 => Val::U8(node.as_number(self.text).map_err(wrong)?),
            Type::S16 => Val::S16(node.as_number(self.text).map_err(wrong)?),
            Type::U16 => Val::U16(node.as_number(self.text).map_err(wrong)?),
            Type::S32 => Val::S32(node.as_number(self.text).map_err(wrong)?),
            Type::U32 => Val::U32(node.as_number(self.text).map_err(wrong)?),
            Type::S64 => Val::S64(node.as_number(self.text).map_err(wrong)?),
            Type::U64 => Val::U64(node.as_number(self.text).map_err(wrong)?),
            Type::Float32 => {
                let number: f32 = node.as_number(self.text).map_err(wrong)?;
                self.in_range(node, number.is_infinite()).map_err(misfit)?;
                Val::Float32(number)
            }
            Type::Float64 => {
                let number: f64 = node.as_number(self.text).map_err(wrong)?;
                self.in_range(node, number.is_infinite()).map_err(misfit)?;
                Val::Float64(number)
            }
            Type::Char => Val::Char(node.as_char(self.text).map_err(wrong)?),
            Type::String => Val::String(node.as_str(self.text).map_err(wrong)?.into_owned()),
            Type::List(list) => {
                let item = list.ty();
                let nodes = node.as_list().map_err(wrong)?;
                Val::List(nodes.map(|node| self.read(&item, node)).collect::<Result<_, _>>()?)
            }
            Type::FixedLengthList(list) => {
                let item = list.ty();
                let nodes = node.as_list().map_err(wrong)?;
                let expected = usize::try_from(list.len()).unwrap_or(usize::MAX);
                count(expected, nodes.len()).map_err(misfit)?;
                Val::FixedLengthList(nodes.map(|node| self.read(&item, node)).collect::<Result<_, _>>()?)
            }
            Type::Map(map) => {
                let (key, value) = (map.key(), map.value());
                let nodes = node.as_list().map_err(wrong)?;
                let pair = |node: &Node| {
                    let items: Vec<&Node> = node.as_tuple().map_err(wrong)?.collect();
                    match items[..] {
                        [first, second] => Ok((self.read(&key, first)?, self.read(&value, second)?)),
                        _ => {
                            let given = items.len();
                            Err(Misfit::new(ty, node, WaveProblem::Count { expected: 2, given }))
                        }
                    }
                };
                Val::Map(nodes.map(pair).collect::<Result<_, _>>()?)
            }
            Type::Tuple(tuple) => {
                let nodes = node.as_tuple().map_err(wrong)?;
                count(tuple.types().len(), nodes.len()).map_err(misfit)?;
                let items = tuple.types().zip(nodes).map(|(ty, node)| self.read(&ty, node));
                Val::Tuple(items.collect::<Result<_, _>>()?)
            }
            Type::Record(record) => {
                let mut given: BTreeMap<&str, &Node> = node.as_record(self.text).map_err(wrong)?.collect();
                let mut fields = Vec::with_capacity(record.fields().len());
                for field in record.fields() {
                    let val = match (given.remove(field.name), &field.ty) {
                        (Some(node), ty) => self.read(ty, node)?,
                        (None, Type::Option(_)) => Val::Option(None),
                        (None, _) => {
                            return Err(misfit(WaveProblem::MissingField { field: field.name.to_owned() }));
                        }
                    };
                    fields.push((field.name.to_owned(), val));
                }
                if let Some((name, node)) = given.into_iter().next() {
                    let known = record.fields().map(|field| field.name.to_owned()).collect();
                    return Err(Misfit::new(ty, node, unknown("the field", name, known)));
                }
                Val::Record(fields)
            }
            Type::Variant(variant) => {
                let (name, payload) = node.as_variant(self.text).map_err(wrong)?;
                let Some(case) = variant.cases().find(|case| case.name == name) else {
                    let known = variant.cases().map(|case| case.name.to_owned()).collect();
                    return Err(misfit(unknown("the case", name, known)));
                };
                Val::Variant(name.to_owned(), self.payload(ty, node, name, case.ty, payload)?)
            }
            Type::Enum(cases) => {
                let name = node.as_enum(self.text).map_err(wrong)?;
                if !cases.names().any(|case| case == name) {
                    let known = cases.names().map(str::to_owned).collect();
                    return Err(misfit(unknown("the case", name, known)));
                }
                Val::Enum(name.to_owned())
            }
            Type::Flags(flags) => {
                let mut set = BTreeSet::new();
                for name in node.as_flags(self.text).map_err(wrong)? {
                    let name = name.trim_start_matches('%');
                    if !flags.names().any(|flag| flag == name) {
                        let known = flags.names().map(str::to_owned).collect();
                        return Err(misfit(unknown("the flag", name, known)));
                    }
                    set.insert(name);
                }
                // In the type's order: the parser sorts them by name.
                Val::Flags(flags.names().filter(|flag| set.contains(flag)).map(str::to_owned).collect())
            }
            Type::Option(option) => {
                let inner = option.ty();
                match node.as_option() {
                    Ok(Some(node)) => Val::Option(Some(Box::new(self.read(&inner, node)?))),
                    Ok(None) => Val::Option(None),
                    Err(_) if is_bare(&inner) => Val::Option(Some(Box::new(self.read(&inner, node)?))),
                    Err(error) => return Err(wrong(error)),
                }
            }
            Type::Result(result) => match (node.as_result(), result.ok()) {
                (Ok(Ok(payload)), ok) => Val::Result(Ok(self.payload(ty, node, "ok", ok, payload)?)),
                (Ok(Err(payload)), _) => {
                    Val::Result(Err(self.payload(ty, node, "err", result.err(), payload)?))
                }
                (Err(_), Some(ok)) if is_bare(&ok) => Val::Result(Ok(Some(Box::new(self.read(&ok, node)?)))),
                (Err(error), _) => return Err(wrong(error)),
            },
            Type::Own(_) | Type::Borrow(_) => {
                let handles = self.handles.ok_or_else(|| misfit(no_notation("resource")))?;
                let handle = match node.as_variant(self.text) {
                    Ok(("handle", Some(number))) => number.as_number(self.text).map_err(wrong)?,
                    _ => return Err(misfit(WaveProblem::NoHandle)),
                };
                Val::Resource(handles.get(handle).map_err(|error| misfit(WaveProblem::Handle(error)))?)
            }
            Type::Stream(_) => return Err(misfit(no_notation("stream"))),
            Type::Future(_) => return Err(misfit(no_notation("future"))),
            Type::ErrorContext => return Err(misfit(no_notation("error-context"))),
        })
    }

    /// The payload of a case of `ty` that is written at `node`.
    fn payload(
        self,
        ty: &Type,
        node: &Node,
        case: &str,
        expected: Option<Type>,
        given: Option<&Node>,
    ) -> Result<Option<Box<Val>>, Misfit> {
        match (expected, given) {
            (None, None) => Ok(None),
            (Some(ty), Some(node)) => self.read(&ty, node).map(|val| Some(Box::new(val))),
            (Some(_), None) => {
                Err(Misfit::new(ty, node, WaveProblem::MissingPayload { case: case.to_owned() }))
            }
            (None, Some(given)) => {
                Err(Misfit::new(ty, given, WaveProblem::UnexpectedPayload { case: case.to_owned() }))
            }
        }
    }

    /// Infinity must be asked for by name; a number that is too large is a mistake.
    fn in_range(self, node: &Node, is_infinite: bool) -> Result<(), WaveProblem> {
        let is_named = || self.text.get(node.span()).is_some_and(|text| text.ends_with("inf"));
        if is_infinite && !is_named() { Err(WaveProblem::Range) } else { Ok(()) }
    }
}

impl Misfit {
    pub(super) fn new(ty: &Type, node: &Node, problem: WaveProblem) -> Misfit {
        Misfit { position: node.span().start, expected: type_text(ty), problem }
    }
}

/// What the parser says about text that should be a value of the type `ty`.
pub(super) fn malformed(ty: &Type, error: &ParserError) -> Misfit {
    let problem = match error.kind() {
        // Its words for a node of another type say nothing that the type expected does not.
        ParserErrorKind::InvalidType => WaveProblem::OtherType,
        kind => WaveProblem::Malformed(kind),
    };
    Misfit { position: error.span().start, expected: type_text(ty), problem }
}

/// Whether `some(..)` and `ok(..)` around a value of this type may be left out: not where it could be its own.
fn is_bare(ty: &Type) -> bool {
    !matches!(ty, Type::Option(_) | Type::Result(_))
}

fn count(expected: usize, given: usize) -> Result<(), WaveProblem> {
    if expected == given { Ok(()) } else { Err(WaveProblem::Count { expected, given }) }
}

fn unknown(what: &'static str, name: &str, known: Vec<String>) -> WaveProblem {
    WaveProblem::UnknownName { what, name: name.to_owned(), known }
}

fn no_notation(kind: &'static str) -> WaveProblem {
    WaveProblem::NoNotation { kind }
}
