//! What is in the bytes of a component: how large which part is, what is nested in it, and who made it.

mod text;

use std::ops::Range;

use serde::Serialize;
use thiserror::Error;
use wasmparser::{
    ComponentName, ComponentNameSectionReader, Encoding, KnownCustom, Name, NameSectionReader, Parser,
    Payload, ProducersSectionReader,
};

use crate::names::printable;

/// Nested modules and components listed of one component.
const NESTED: usize = 1_000;

/// Custom sections listed of one component.
const CUSTOM: usize = 200;

/// Producers listed of one component, and looked at in one section.
const PRODUCERS: usize = 200;

/// What the bytes of a component say of themselves. They are not validated.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Binary {
    /// The component's own name, if it says one.
    pub name: Option<String>,
    /// The size of the whole, in bytes.
    pub bytes: u64,
    /// What the size is made of, everything nested included.
    pub parts: Parts,
    /// Modules and components inside, in the order in which they begin; at most 1,000.
    pub nested: Vec<Nested>,
    /// Custom sections of the component and of everything in it, the largest first; at most 200.
    pub custom_sections: Vec<CustomSection>,
    /// Who made it: languages and tools, of everything in it, each once; at most 200.
    pub producers: Vec<Producer>,
    /// Whether there is more of these than is listed.
    pub cut: bool,
}

/// Sizes in bytes, by what they are for. Their sum is the size of the whole.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Parts {
    /// Functions of core modules.
    pub code: u64,
    /// Contents of memories and tables: data and element segments.
    pub data: u64,
    /// Custom sections: names, debug information, producers.
    pub custom: u64,
    /// What holds the component together: its types, imports, exports, instances and adapters.
    pub component: u64,
    /// The rest: types, imports, exports and declarations of core modules, and headers.
    pub other: u64,
}

/// Something inside a component.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Nested {
    /// What it is.
    pub kind: NestedKind,
    /// Its name, if it says one.
    pub name: Option<String>,
    /// Its size, in bytes.
    pub bytes: u64,
    /// Where it begins, in bytes from the start of the whole.
    pub offset: u64,
    /// How many components it is inside of; 1 for what is directly in the component.
    pub depth: usize,
}

/// What can be inside a component.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum NestedKind {
    /// A core module.
    Module,
    /// A component.
    Component,
}

/// A custom section.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct CustomSection {
    /// Its name: `producers`, `.debug_info`.
    pub name: String,
    /// Its size, in bytes.
    pub bytes: u64,
}

/// A language or a tool that took part in making it, as the `producers` sections say.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[non_exhaustive]
pub struct Producer {
    /// What its part was: `language`, `processed-by`, `sdk`.
    pub field: String,
    /// Its name: `Rust`.
    pub name: String,
    /// Its version, as it writes it; may be empty.
    pub version: String,
}

/// Why bytes cannot be looked at as a component.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum BinaryError {
    /// A core module was given.
    #[error("it is a core module, not a component; `wasm-tools component new` makes a component of one")]
    CoreModule,
    /// The bytes are cut off or damaged, or are no WebAssembly.
    #[error("it is no well-formed component at byte {offset}: {reason}")]
    Malformed {
        /// Where, in bytes from the start.
        offset: u64,
        /// What is wrong there.
        reason: String,
    },
}

/// Looks at the bytes of a component, without compiling or validating it. Takes time in proportion to the size.
///
/// ```
/// use host_component::inspect::binary;
///
/// let bytes = b"\0asm\x0d\0\x01\0";
/// let described = binary(bytes).unwrap();
/// assert_eq!((described.bytes, described.nested.len()), (8, 0));
/// assert_eq!(binary(&bytes[..6]).unwrap_err().to_string(), "it is no well-formed component at byte 4: unexpected end-of-file");
/// ```
///
/// # Errors
///
/// A core module, and what is not well-formed.
pub fn binary(bytes: &[u8]) -> Result<Binary, BinaryError> {
    let mut reader = Reader::default();
    for payload in Parser::new(0).parse_all(bytes) {
        reader.payload(payload.map_err(|error| malformed(&error))?)?;
    }
    Ok(reader.finish(length(&(0..bytes.len()))))
}

fn malformed(error: &wasmparser::Error) -> BinaryError {
    BinaryError::Malformed {
        offset: u64::try_from(error.offset()).unwrap_or(u64::MAX),
        reason: printable(error.message()),
    }
}

fn length(range: &Range<usize>) -> u64 {
    u64::try_from(range.len()).unwrap_or(u64::MAX)
}

#[derive(Default)]
struct Reader {
    parts: Parts,
    name: Option<String>,
    nested: Vec<Nested>,
    /// What is being read: the place in `nested`, if it is listed.
    open: Vec<Option<usize>>,
    custom_sections: Vec<CustomSection>,
    producers: Vec<Producer>,
    cut: bool,
}

impl Reader {
    fn payload(&mut self, payload: Payload<'_>) -> Result<(), BinaryError> {
        let range = payload.as_section().map_or(0, |(_, range)| length(&range));
        match payload {
            Payload::Version { encoding: Encoding::Module, .. } if self.open.is_empty() => {
                return Err(BinaryError::CoreModule);
            }
            Payload::Version { .. } if self.open.is_empty() => self.open.push(None),
            Payload::ModuleSection { unchecked_range, .. } => {
                self.enter(NestedKind::Module, &unchecked_range)
            }
            Payload::ComponentSection { unchecked_range, .. } => {
                self.enter(NestedKind::Component, &unchecked_range);
            }
            Payload::End(_) => {
                self.open.pop();
            }
            Payload::CodeSectionStart { range, .. } => self.parts.code += length(&range),
            // Already counted with its section.
            Payload::CodeSectionEntry(_) => {}
            Payload::DataSection(_) | Payload::ElementSection(_) => self.parts.data += range,
            Payload::CustomSection(section) => {
                self.parts.custom += range;
                self.custom(section.name(), range, section.as_known());
            }
            Payload::InstanceSection(_)
            | Payload::CoreTypeSection(_)
            | Payload::ComponentInstanceSection(_)
            | Payload::ComponentAliasSection(_)
            | Payload::ComponentTypeSection(_)
            | Payload::ComponentCanonicalSection(_)
            | Payload::ComponentImportSection(_)
            | Payload::ComponentExportSection(_) => self.parts.component += range,
            Payload::ComponentStartSection { range, .. } => self.parts.component += length(&range),
            _ => {}
        }
        Ok(())
    }

    fn enter(&mut self, kind: NestedKind, range: &Range<usize>) {
        let depth = self.open.len();
        if self.nested.len() >= NESTED {
            self.cut = true;
            self.open.push(None);
            return;
        }
        self.open.push(Some(self.nested.len()));
        let offset = u64::try_from(range.start).unwrap_or(u64::MAX);
        self.nested.push(Nested { kind, name: None, bytes: length(range), offset, depth });
    }

    fn custom(&mut self, name: &str, bytes: u64, known: KnownCustom<'_>) {
        self.custom_sections.push(CustomSection { name: printable(name), bytes });
        if self.custom_sections.len() > 2 * CUSTOM {
            self.keep_largest();
        }
        match known {
            KnownCustom::Name(names) => self.named(module_name(names)),
            KnownCustom::ComponentName(names) => self.named(component_name(names)),
            KnownCustom::Producers(producers) => self.produced(producers),
            _ => {}
        }
    }

    fn keep_largest(&mut self) {
        // Sections of the same size stay in their order.
        self.custom_sections.sort_by_key(|section| std::cmp::Reverse(section.bytes));
        self.cut |= self.custom_sections.len() > CUSTOM;
        self.custom_sections.truncate(CUSTOM);
    }

    fn named(&mut self, name: Option<String>) {
        let Some(name) = name else { return };
        match self.open.last() {
            Some(Some(index)) => {
                if let Some(nested) = self.nested.get_mut(*index) {
                    nested.name.get_or_insert(name);
                }
            }
            Some(None) if self.open.len() == 1 => {
                self.name.get_or_insert(name);
            }
            _ => {}
        }
    }

    fn produced(&mut self, producers: ProducersSectionReader<'_>) {
        // What cannot be read says nothing, as in any custom section.
        for field in producers.into_iter().map_while(Result::ok).take(PRODUCERS) {
            for value in field.values.into_iter().map_while(Result::ok).take(PRODUCERS) {
                let producer = Producer {
                    field: printable(field.name),
                    name: printable(value.name),
                    version: printable(value.version),
                };
                if let Err(place) = self.producers.binary_search(&producer) {
                    if self.producers.len() >= PRODUCERS {
                        self.cut = true;
                        return;
                    }
                    self.producers.insert(place, producer);
                }
            }
        }
    }

    fn finish(mut self, bytes: u64) -> Binary {
        self.keep_largest();
        let Parts { code, data, custom, component, .. } = self.parts;
        let other = bytes.saturating_sub(code + data + custom + component);
        Binary {
            name: self.name,
            bytes,
            parts: Parts { other, ..self.parts },
            nested: self.nested,
            custom_sections: self.custom_sections,
            producers: self.producers,
            cut: self.cut,
        }
    }
}

fn module_name(names: NameSectionReader<'_>) -> Option<String> {
    // It comes before the names of functions, if there is one.
    match names.into_iter().next()?.ok()? {
        Name::Module { name, .. } => Some(printable(name)),
        _ => None,
    }
}

fn component_name(names: ComponentNameSectionReader<'_>) -> Option<String> {
    match names.into_iter().next()?.ok()? {
        ComponentName::Component { name, .. } => Some(printable(name)),
        _ => None,
    }
}
