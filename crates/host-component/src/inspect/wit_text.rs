//! A component's world as WIT that other tools read.

use std::collections::HashMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use thiserror::Error;
use wasmparser::{ComponentExternalKind, ComponentTypeRef, Parser, Payload, Validator, WasmFeatures};
use wit_component::{DecodedWasm, WitPrinter};
use wit_parser::{PackageId, Resolve, Type, TypeDefKind, TypeId};

use crate::names::printable;

/// The longest text that is written, in bytes; types of a few bytes can be huge when they are spelled out.
const LONGEST: u64 = 4 << 20;

/// The world of the component in `bytes`, and every interface that it refers to, as WIT packages in one text.
///
/// The world is called `root:component/root`, since a component does not keep the name of its world.
///
/// # Errors
///
/// [`WitTextError`]: a core module, not valid, or types that WIT has no words for or that are too large.
pub fn wit_text(bytes: &[u8]) -> Result<String, WitTextError> {
    if Parser::is_core_wasm(bytes) {
        return Err(WitTextError::CoreModule);
    }
    let invalid = |reason: String| WitTextError::Invalid { reason: printable(&reason) };
    // The validator and the decoder are not made for those who try to make them panic.
    let decoded = catch_unwind(AssertUnwindSafe(|| {
        Validator::new_with_features(WasmFeatures::all())
            .validate_all(bytes)
            .map_err(|error| invalid(error.to_string()))?;
        if let Some(name) = without_words(bytes) {
            let reason = format!("`{}` is a core module or a component", printable(name));
            return Err(WitTextError::NoWit { reason });
        }
        wit_component::decode(bytes)
            .map_err(|error| WitTextError::NoWit { reason: printable(&format!("{error:#}")) })
    }))
    .unwrap_or_else(|_| Err(invalid("the validator gave up".to_owned())))?;
    let resolve = match &decoded {
        DecodedWasm::WitPackage(resolve, _) | DecodedWasm::Component(resolve, _) => resolve,
    };
    let estimate = Lengths::default().all(resolve);
    if estimate > LONGEST {
        return Err(WitTextError::TooLarge { estimate });
    }
    let main = decoded.package();
    let others: Vec<PackageId> = resolve.packages.iter().map(|(id, _)| id).filter(|id| *id != main).collect();
    let mut printer = WitPrinter::default();
    printer
        .print(resolve, main, &others)
        .map_err(|error| WitTextError::NoWit { reason: printable(&format!("{error:#}")) })?;
    Ok(printer.output.into())
}

/// The first import or export that is a core module or a component: the decoder would pass over it in silence.
fn without_words(bytes: &[u8]) -> Option<&str> {
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes).map_while(Result::ok) {
        match payload {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::ComponentImportSection(imports) if depth == 0 => {
                let found = imports.into_iter().map_while(Result::ok).find(|import| {
                    matches!(import.ty, ComponentTypeRef::Module(_) | ComponentTypeRef::Component(_))
                });
                if let Some(import) = found {
                    return Some(import.name.name);
                }
            }
            Payload::ComponentExportSection(exports) if depth == 0 => {
                let found = exports.into_iter().map_while(Result::ok).find(|export| {
                    matches!(export.kind, ComponentExternalKind::Module | ComponentExternalKind::Component)
                });
                if let Some(export) = found {
                    return Some(export.name.name);
                }
            }
            _ => {}
        }
    }
    None
}

/// Why there is no WIT text of a component.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum WitTextError {
    /// A core module was given, which has no world.
    #[error("it is a core module, which has no world; `wasm-tools component new` makes a component of one")]
    CoreModule,
    /// It is not a valid component.
    #[error("it is not a valid component: {reason}")]
    Invalid {
        /// The validator's reason.
        reason: String,
    },
    /// WIT has no words for what it imports or exports: a core module, for example.
    #[error("WIT has no words for what it imports or exports: {reason}")]
    NoWit {
        /// What there are no words for.
        reason: String,
    },
    /// The text would be too large.
    #[error("its WIT text would have about {estimate} bytes, and at most {LONGEST} are written")]
    TooLarge {
        /// About how many bytes there would be.
        estimate: u64,
    },
}

/// About how long the text of each type is.
#[derive(Default)]
struct Lengths {
    known: HashMap<TypeId, u64>,
}

impl Lengths {
    fn all(mut self, resolve: &Resolve) -> u64 {
        let mut sum = 0_u64;
        let functions =
            resolve.interfaces.iter().flat_map(|(_, interface)| interface.functions.values()).chain(
                resolve.worlds.iter().flat_map(|(_, world)| {
                    world.imports.values().chain(world.exports.values()).filter_map(|item| match item {
                        wit_parser::WorldItem::Function(function) => Some(function),
                        _ => None,
                    })
                }),
            );
        for function in functions {
            let params = function.params.iter().map(|param| (param.name.len(), param.ty));
            for (name, ty) in params.chain(function.result.map(|ty| (0, ty))) {
                sum = sum.saturating_add(of_name(name)).saturating_add(self.of(resolve, ty));
            }
            sum = sum.saturating_add(of_name(function.name.len()));
        }
        for (_, ty) in resolve.types.iter().filter(|(_, ty)| ty.name.is_some()) {
            sum = sum.saturating_add(self.of_kind(resolve, &ty.kind));
            sum = sum.saturating_add(of_name(ty.name.as_ref().map_or(0, String::len)));
        }
        sum
    }

    /// Where the type is used: its name, or all of it if it has none.
    fn of(&mut self, resolve: &Resolve, ty: Type) -> u64 {
        let Type::Id(id) = ty else { return 16 };
        if let Some(known) = self.known.get(&id) {
            return *known;
        }
        let definition = &resolve.types[id];
        let length = match &definition.name {
            Some(name) => of_name(name.len()),
            None => self.of_kind(resolve, &definition.kind),
        };
        self.known.insert(id, length);
        length
    }

    fn of_kind(&mut self, resolve: &Resolve, kind: &TypeDefKind) -> u64 {
        let mut members: Vec<(usize, Option<Type>)> = Vec::new();
        match kind {
            TypeDefKind::Record(record) => {
                members.extend(record.fields.iter().map(|field| (field.name.len(), Some(field.ty))));
            }
            TypeDefKind::Variant(variant) => {
                members.extend(variant.cases.iter().map(|case| (case.name.len(), case.ty)));
            }
            TypeDefKind::Enum(cases) => {
                members.extend(cases.cases.iter().map(|case| (case.name.len(), None)))
            }
            TypeDefKind::Flags(flags) => {
                members.extend(flags.flags.iter().map(|flag| (flag.name.len(), None)))
            }
            TypeDefKind::Tuple(tuple) => members.extend(tuple.types.iter().map(|ty| (0, Some(*ty)))),
            TypeDefKind::Result(result) => members.extend([(0, result.ok), (0, result.err)]),
            TypeDefKind::Map(key, value) => members.extend([(0, Some(*key)), (0, Some(*value))]),
            TypeDefKind::Option(ty)
            | TypeDefKind::List(ty)
            | TypeDefKind::FixedLengthList(ty, _)
            | TypeDefKind::Type(ty) => members.push((0, Some(*ty))),
            TypeDefKind::Future(ty) | TypeDefKind::Stream(ty) => members.push((0, *ty)),
            TypeDefKind::Resource | TypeDefKind::Handle(_) | TypeDefKind::Unknown => {}
        }
        members.into_iter().fold(16, |sum: u64, (name, ty)| {
            sum.saturating_add(of_name(name)).saturating_add(ty.map_or(0, |ty| self.of(resolve, ty)))
        })
    }
}

fn of_name(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX).saturating_add(8)
}
