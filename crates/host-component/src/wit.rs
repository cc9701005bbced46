//! How is a type written down? As in a WIT file, with the names an interface gives its types.

use std::cell::Cell;
use std::fmt::Write;

use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{ResourceType, Type};

/// The text of `ty` in WIT, records and the like spelled out: `list<u8>`, `record { name: string, debug: bool }`.
///
/// Resources have no name of their own outside an interface and are written `resource`. Very large types are cut with `…`.
pub fn type_text(ty: &Type) -> String {
    Scope::default().type_text(ty)
}

/// Steps and bytes spent on one text or one description before it is cut; a hostile component can spell huge types with few
/// bytes.
const PATIENCE: usize = 2_000_000;

/// The longest text of one type, in bytes.
const LONGEST: usize = 16 * 1024;

/// The names types have in one interface, and what is left of the patience.
pub(crate) struct Scope<'p> {
    types: Vec<(String, Type)>,
    resources: Vec<(String, ResourceType)>,
    patience: Patience<'p>,
}

enum Patience<'p> {
    Own(Cell<usize>),
    Shared(&'p Cell<usize>),
}

impl Default for Scope<'_> {
    fn default() -> Self {
        Scope { types: Vec::new(), resources: Vec::new(), patience: Patience::Own(Cell::new(PATIENCE)) }
    }
}

/// The patience for one description of a whole component, shared by all its scopes.
pub(crate) fn patience() -> Cell<usize> {
    Cell::new(PATIENCE)
}

impl<'p> Scope<'p> {
    /// A scope with the names that `items` define.
    pub(crate) fn of<'a>(
        items: impl Iterator<Item = (&'a str, ComponentItem)>,
        patience: &'p Cell<usize>,
    ) -> Scope<'p> {
        let mut scope =
            Scope { types: Vec::new(), resources: Vec::new(), patience: Patience::Shared(patience) };
        for (name, item) in items {
            match item {
                ComponentItem::Type(ty) if is_nominal(&ty) => scope.types.push((name.to_owned(), ty)),
                ComponentItem::Resource(ty) => scope.resources.push((name.to_owned(), ty)),
                _ => {}
            }
        }
        scope
    }

    /// The text of `ty` where it is used: by name if it has one.
    pub(crate) fn type_text(&self, ty: &Type) -> String {
        let mut out = String::new();
        self.write(&mut out, ty, true);
        self.charge(out)
    }

    /// The text that defines the type `name`: `record config { name: string }`, or `type names = list<string>`.
    pub(crate) fn definition(&self, name: &str, ty: &Type) -> String {
        let mut out = String::new();
        if is_nominal(ty) {
            self.write_nominal(&mut out, ty, Some(name));
        } else {
            let _ = write!(out, "type {name} = ");
            self.write(&mut out, ty, true);
        }
        self.charge(out)
    }

    /// The text of a function's type: `func(input: string) -> result<string, string>`.
    pub(crate) fn function_text(&self, function: &ComponentFunc) -> String {
        let mut out = String::from(if function.async_() { "async func(" } else { "func(" });
        for (index, (name, ty)) in function.params().enumerate() {
            if index > 0 {
                out.push_str(", ");
            }
            if out.len() > LONGEST || self.is_exhausted() {
                cut(&mut out);
                break;
            }
            let _ = write!(out, "{name}: ");
            self.write(&mut out, &ty, true);
        }
        out.push(')');
        for ty in function.results() {
            out.push_str(" -> ");
            self.write(&mut out, &ty, true);
        }
        self.charge(out)
    }

    fn write(&self, out: &mut String, ty: &Type, by_name: bool) {
        if !self.spend(out) {
            return;
        }
        match ty {
            Type::Bool => out.push_str("bool"),
            Type::S8 => out.push_str("s8"),
            Type::U8 => out.push_str("u8"),
            Type::S16 => out.push_str("s16"),
            Type::U16 => out.push_str("u16"),
            Type::S32 => out.push_str("s32"),
            Type::U32 => out.push_str("u32"),
            Type::S64 => out.push_str("s64"),
            Type::U64 => out.push_str("u64"),
            Type::Float32 => out.push_str("f32"),
            Type::Float64 => out.push_str("f64"),
            Type::Char => out.push_str("char"),
            Type::String => out.push_str("string"),
            Type::ErrorContext => out.push_str("error-context"),
            Type::List(list) => self.write_generic(out, "list", [Some(list.ty())]),
            Type::FixedLengthList(list) => {
                out.push_str("list<");
                self.write(out, &list.ty(), true);
                let _ = write!(out, ", {}>", list.len());
            }
            Type::Map(map) => self.write_generic(out, "map", [Some(map.key()), Some(map.value())]),
            Type::Tuple(tuple) => self.write_generic(out, "tuple", tuple.types().map(Some)),
            Type::Option(option) => self.write_generic(out, "option", [Some(option.ty())]),
            Type::Result(result) => match (result.ok(), result.err()) {
                (None, None) => out.push_str("result"),
                (ok, None) => self.write_generic(out, "result", [ok]),
                (ok, err) => self.write_generic(out, "result", [ok, err]),
            },
            Type::Future(future) => match future.ty() {
                None => out.push_str("future"),
                some => self.write_generic(out, "future", [some]),
            },
            Type::Stream(stream) => match stream.ty() {
                None => out.push_str("stream"),
                some => self.write_generic(out, "stream", [some]),
            },
            Type::Own(resource) => out.push_str(self.resource_name(resource)),
            Type::Borrow(resource) => {
                let _ = write!(out, "borrow<{}>", self.resource_name(resource));
            }
            Type::Record(_) | Type::Variant(_) | Type::Enum(_) | Type::Flags(_) => {
                match self.name_of(ty).filter(|_| by_name) {
                    Some(name) => out.push_str(name),
                    None => self.write_nominal(out, ty, None),
                }
            }
        }
    }

    fn write_generic(&self, out: &mut String, word: &str, arguments: impl IntoIterator<Item = Option<Type>>) {
        out.push_str(word);
        out.push('<');
        for (index, argument) in arguments.into_iter().enumerate() {
            if index > 0 {
                out.push_str(", ");
            }
            match argument {
                Some(ty) => self.write(out, &ty, true),
                None => out.push('_'),
            }
            if out.len() > LONGEST {
                cut(out);
                break;
            }
        }
        out.push('>');
    }

    /// Writes the body of a type that WIT only knows by name.
    fn write_nominal(&self, out: &mut String, ty: &Type, name: Option<&str>) {
        let word = match ty {
            Type::Record(_) => "record",
            Type::Variant(_) => "variant",
            Type::Enum(_) => "enum",
            _ => "flags",
        };
        out.push_str(word);
        if let Some(name) = name {
            let _ = write!(out, " {name}");
        }
        out.push_str(" {");
        let mut first = true;
        let mut member = |out: &mut String, name: &str, ty: Option<&Type>, around: [&str; 2]| {
            if out.len() > LONGEST || self.is_exhausted() {
                return;
            }
            out.push_str(if first { " " } else { ", " });
            first = false;
            out.push_str(name);
            if let Some(ty) = ty {
                out.push_str(around[0]);
                self.write(out, ty, true);
                out.push_str(around[1]);
            } else {
                self.spend(out);
            }
        };
        match ty {
            Type::Record(record) => {
                record.fields().for_each(|field| member(out, field.name, Some(&field.ty), [": ", ""]))
            }
            Type::Variant(variant) => {
                variant.cases().for_each(|case| member(out, case.name, case.ty.as_ref(), ["(", ")"]))
            }
            Type::Enum(names) => names.names().for_each(|name| member(out, name, None, [""; 2])),
            Type::Flags(names) => names.names().for_each(|name| member(out, name, None, [""; 2])),
            _ => {}
        }
        if out.len() > LONGEST || self.is_exhausted() {
            cut(out);
        }
        out.push_str(" }");
    }

    /// The name that the interface gives the type.
    pub(crate) fn name_of(&self, ty: &Type) -> Option<&str> {
        self.types
            .iter()
            .take_while(|_| self.take_step())
            .find(|(_, known)| known == ty)
            .map(|(name, _)| name.as_str())
    }

    fn resource_name(&self, ty: &ResourceType) -> &str {
        self.resources
            .iter()
            .take_while(|_| self.take_step())
            .find(|(_, known)| known == ty)
            .map_or("resource", |(name, _)| name)
    }

    /// Takes a step for each byte of a finished text: a step can spell a name of 100 KB.
    fn charge(&self, text: String) -> String {
        let left = self.left();
        left.set(left.get().saturating_sub(text.len()));
        text
    }

    /// Takes a step, or writes that the text is cut.
    fn spend(&self, out: &mut String) -> bool {
        let go_on = out.len() <= LONGEST && self.take_step();
        if !go_on {
            cut(out);
        }
        go_on
    }

    fn take_step(&self) -> bool {
        let left = self.left();
        left.set(left.get().saturating_sub(1));
        left.get() > 0
    }

    fn is_exhausted(&self) -> bool {
        self.left().get() == 0
    }

    fn left(&self) -> &Cell<usize> {
        match &self.patience {
            Patience::Own(cell) => cell,
            Patience::Shared(cell) => cell,
        }
    }
}

/// Writes that something is left out, once for any number of closing brackets.
fn cut(out: &mut String) {
    if !out.trim_end_matches([' ', ',', '>', ')', '}']).ends_with('…') {
        out.push('…');
    }
}

/// Whether WIT can only use the type by name.
fn is_nominal(ty: &Type) -> bool {
    matches!(ty, Type::Record(_) | Type::Variant(_) | Type::Enum(_) | Type::Flags(_))
}

/// What an item is, in WIT's words.
pub(crate) fn noun(item: &ComponentItem) -> &'static str {
    match item {
        ComponentItem::ComponentFunc(_) | ComponentItem::CoreFunc(_) => "function",
        ComponentItem::ComponentInstance(_) => "interface",
        ComponentItem::Module(_) => "module",
        ComponentItem::Component(_) => "component",
        ComponentItem::Resource(_) => "resource",
        ComponentItem::Type(_) => "type",
    }
}
