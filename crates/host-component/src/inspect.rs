//! What is in this component? Its world, as data and as text, without running any of it.
//!
//! [`describe`] looks at a compiled component, [`binary`] at its bytes: sizes, what is nested in it, who made it. With the
//! feature `wit`, `wit_text` writes its world as WIT that other tools read.

mod binary;
mod text;
#[cfg(feature = "wit")]
mod wit_text;

use std::cell::Cell;

use serde::Serialize;
use wasmtime::Engine;
use wasmtime::component::Component;
use wasmtime::component::types::{self, ComponentItem};

pub use binary::{Binary, BinaryError, CustomSection, Nested, NestedKind, Parts, Producer, binary};
#[cfg(feature = "wit")]
pub use wit_text::{WitTextError, wit_text};

use crate::names::{InterfaceName, printable};
use crate::wit::{Scope, patience};

/// Items listed of one component; a hostile one may claim a million.
const LISTED: usize = 20_000;

/// What a component asks for and what it offers.
///
/// Serialises as data; [`Display`](std::fmt::Display) writes it in the manner of a WIT world. Names that come from the component have control
/// characters escaped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Description {
    /// What must be linked before the component can be instantiated.
    pub imports: Vec<Item>,
    /// What it offers.
    pub exports: Vec<Item>,
    /// What one instance takes from the start; none when that depends on modules the component imports.
    pub resources: Option<Resources>,
    /// Whether the component has more items than are listed here.
    pub cut: bool,
}

/// Something a component imports or exports.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Item {
    /// An interface: an instance with a name and items.
    Interface {
        /// The whole name: `wasi:io/error@0.2.6`.
        name: String,
        /// The name's package: `wasi:io`.
        package: Option<String>,
        /// The name's version: `0.2.6`.
        version: Option<String>,
        /// What is in it.
        items: Vec<Item>,
    },
    /// A function.
    Function {
        /// The name: `process`, or `[method]blob.read`.
        name: String,
        /// The type: `func(input: string) -> result<string, string>`.
        signature: String,
        /// Names and types of the parameters.
        params: Vec<Parameter>,
        /// The type of the result.
        result: Option<String>,
    },
    /// A type other than a resource.
    Type {
        /// The name.
        name: String,
        /// The definition: `record config { name: string, debug: bool }`.
        definition: String,
    },
    /// A resource.
    Resource {
        /// The name.
        name: String,
    },
    /// A core module.
    Module {
        /// The name.
        name: String,
        /// What it imports: `env.memory`.
        imports: Vec<String>,
        /// What it exports.
        exports: Vec<String>,
    },
    /// A component.
    Component {
        /// The name.
        name: String,
        /// What it imports.
        imports: Vec<Item>,
        /// What it exports.
        exports: Vec<Item>,
    },
}

/// A parameter of a function.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Parameter {
    /// The name.
    pub name: String,
    /// The type, as WIT text.
    pub r#type: String,
}

/// What one instance of a component takes from the start. What it grows to is for the budgets to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Resources {
    /// Linear memories.
    pub memories: u32,
    /// The initial size of the largest memory, in WebAssembly pages (64 KiB unless the module says otherwise).
    pub largest_memory_pages: Option<u64>,
    /// Tables.
    pub tables: u32,
    /// The initial size of the largest table, in elements.
    pub largest_table_elements: Option<u64>,
}

impl Description {
    /// Names of the interfaces the component imports: what a host must link, and what grants are about.
    pub fn imported_interfaces(&self) -> impl Iterator<Item = &str> {
        interfaces(&self.imports)
    }

    /// Names of the interfaces the component exports.
    pub fn exported_interfaces(&self) -> impl Iterator<Item = &str> {
        interfaces(&self.exports)
    }
}

fn interfaces(items: &[Item]) -> impl Iterator<Item = &str> {
    items.iter().filter_map(|item| match item {
        Item::Interface { name, .. } => Some(name.as_str()),
        _ => None,
    })
}

/// Describes `component`.
pub fn describe(component: &Component) -> Description {
    let patience = patience();
    let reader = Reader { engine: component.engine(), patience: &patience, left: Cell::new(LISTED) };
    let (imports, exports) = reader.world(&component.component_type());
    let resources = component.resources_required().map(|required| Resources {
        memories: required.num_memories,
        largest_memory_pages: required.max_initial_memory_size,
        tables: required.num_tables,
        largest_table_elements: required.max_initial_table_size,
    });
    Description { imports, exports, resources, cut: !reader.goes_on() }
}

struct Reader<'a> {
    engine: &'a Engine,
    patience: &'a Cell<usize>,
    left: Cell<usize>,
}

impl Reader<'_> {
    fn world(&self, ty: &types::Component) -> (Vec<Item>, Vec<Item>) {
        let all = ty.imports(self.engine).chain(ty.exports(self.engine));
        let scope = Scope::of(all.map(|(name, item)| (name, item.ty)), self.patience);
        let imports = ty.imports(self.engine).map(|(name, item)| (name, item.ty));
        let exports = ty.exports(self.engine).map(|(name, item)| (name, item.ty));
        (self.items(imports, &scope), self.items(exports, &scope))
    }

    fn items<'i>(
        &self,
        items: impl Iterator<Item = (&'i str, ComponentItem)>,
        scope: &Scope<'_>,
    ) -> Vec<Item> {
        items.take_while(|_| self.take()).filter_map(|(name, item)| self.item(name, item, scope)).collect()
    }

    fn item(&self, name: &str, item: ComponentItem, scope: &Scope<'_>) -> Option<Item> {
        let full = name;
        let name = printable(full);
        Some(match item {
            ComponentItem::ComponentFunc(function) => Item::Function {
                name,
                signature: scope.function_text(&function),
                params: function
                    .params()
                    .take_while(|_| self.goes_on())
                    .map(|(name, ty)| Parameter { name: printable(name), r#type: scope.type_text(&ty) })
                    .collect(),
                result: function.results().next().map(|ty| scope.type_text(&ty)),
            },
            ComponentItem::ComponentInstance(instance) => {
                let inside = || instance.exports(self.engine).map(|(name, item)| (name, item.ty));
                let parsed = InterfaceName::parse(full);
                Item::Interface {
                    name,
                    package: parsed.package.map(printable),
                    version: parsed.version.map(printable),
                    items: self.items(inside(), &Scope::of(inside(), self.patience)),
                }
            }
            ComponentItem::Type(ty) => Item::Type { definition: scope.definition(&name, &ty), name },
            ComponentItem::Resource(_) => Item::Resource { name },
            ComponentItem::Module(module) => Item::Module {
                name,
                imports: module
                    .imports(self.engine)
                    .take_while(|_| self.take())
                    .map(|((module, name), _)| format!("{}.{}", printable(module), printable(name)))
                    .collect(),
                exports: module
                    .exports(self.engine)
                    .take_while(|_| self.take())
                    .map(|(name, _)| printable(name))
                    .collect(),
            },
            ComponentItem::Component(component) => {
                let (imports, exports) = self.world(&component);
                Item::Component { name, imports, exports }
            }
            // Components can neither import nor export these.
            ComponentItem::CoreFunc(_) => return None,
        })
    }

    fn take(&self) -> bool {
        self.left.set(self.left.get().saturating_sub(1));
        self.goes_on()
    }

    fn goes_on(&self) -> bool {
        self.left.get() > 0 && self.patience.get() > 0
    }
}
