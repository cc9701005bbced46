//! Which functions does a component export, and which one is meant by a name?

use thiserror::Error;
use wasmtime::component::types::{ComponentFunc, ComponentItem};
use wasmtime::component::{Component, ComponentExportIndex, Type};

use crate::names::{self, InterfaceName};
use crate::wit::Scope;

/// Functions listed of one component; a hostile one may claim a million.
const LISTED: usize = 10_000;

/// Bytes of names listed of one component; a hostile one may put thousands of functions under one name of 100 KB.
const LISTED_TEXT: usize = 4 << 20;

/// A function a component exports: what it is called, what it takes and gives, and the way to it.
///
/// Found once by [`find`] or [`exports`], used for as many calls and instances of that component as you like.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct ExportedFunction {
    /// The exported instance (interface) the function is in: `my-org:my-plugin/plugin-api@0.1.0`; none for a function the
    /// component exports itself. Instances inside instances are joined by `#`.
    pub instance: Option<String>,
    /// The function's own name: `process`, or `[method]blob.read`.
    pub name: String,
    ty: ComponentFunc,
    pub(crate) index: ComponentExportIndex,
}

impl ExportedFunction {
    /// The name that is never ambiguous: `my-org:my-plugin/plugin-api@0.1.0#process`, or `process` at the top.
    pub fn full_name(&self) -> String {
        match &self.instance {
            Some(instance) => format!("{instance}#{}", self.name),
            None => self.name.clone(),
        }
    }

    /// The type, as Wasmtime has it.
    pub fn ty(&self) -> &ComponentFunc {
        &self.ty
    }

    /// Names and types of the parameters.
    pub fn params(&self) -> impl ExactSizeIterator<Item = (&str, Type)> {
        self.ty.params()
    }

    /// Types of the results: none or one.
    pub fn results(&self) -> impl ExactSizeIterator<Item = Type> {
        self.ty.results()
    }

    /// The type as WIT text: `func(input: string) -> result<string, string>`.
    pub fn signature(&self) -> String {
        Scope::default().function_text(&self.ty)
    }

    /// Whether `asked` is one of the shorter spellings of this function's name.
    fn is_spelled(&self, asked: &str) -> bool {
        let name = &self.name;
        let Some(instance) = &self.instance else {
            return asked == name;
        };
        let interface = InterfaceName::parse(instance);
        let joined = |before: &str| ['#', '.'].iter().any(|mark| asked == format!("{before}{mark}{name}"));
        asked == name
            || joined(interface.short)
            || joined(interface.unversioned())
            || asked == format!("{instance}.{name}")
            || interface
                .version
                .is_some_and(|version| asked == format!("{}.{name}@{version}", interface.unversioned()))
    }

    /// Whether `asked` names this function in a version of its interface that is compatible with the exported one.
    fn is_spelled_compatibly(&self, asked: &str) -> bool {
        let Some(instance) = &self.instance else {
            return false;
        };
        let offered = InterfaceName::parse(instance);
        let suffixed =
            ['#', '.'].iter().find_map(|separator| asked.strip_suffix(&format!("{separator}{}", self.name)));
        let wanted = match suffixed {
            Some(wanted) => wanted.to_owned(),
            // `interface.function@version`; without the function it names none.
            None => match asked.split_once(&format!(".{}@", self.name)) {
                Some((interface, version)) => format!("{interface}@{version}"),
                None => return false,
            },
        };
        offered.is_compatible_with(&InterfaceName::parse(&wanted))
    }
}

/// All functions `component` exports, those of its exported interfaces included, in the component's order.
///
/// At most 10,000 are listed, and 4 MiB of names; [`find`] reaches every function by its full name.
pub fn exports(component: &Component) -> Vec<ExportedFunction> {
    let engine = component.engine();
    let ty = component.component_type();
    let mut list = List::default();
    for (name, item) in ty.exports(engine) {
        list.collect(component, None, name, item.ty);
    }
    list.functions
}

/// The one function that `name` means. In order of preference:
///
/// 1. the full name: `my-org:my-plugin/plugin-api@0.1.0#process`, or `process` for a function the component exports itself;
/// 2. a shorter one that only one function answers to: `process`, `plugin-api#process`,
///    `my-org:my-plugin/plugin-api#process`; WIT's spellings with a dot are understood too (`plugin-api.process`,
///    `my-org:my-plugin/plugin-api.process@0.1.0`);
/// 3. one with a compatible version: `my-org:my-plugin/plugin-api@0.1.7#process`.
///
/// # Errors
///
/// When no function or more than one answers to `name`; the error shows what there is.
pub fn find(component: &Component, name: &str) -> Result<ExportedFunction, FindError> {
    if let Some(found) = by_full_name(component, name) {
        return Ok(found);
    }
    let all = exports(component);
    let tiers: [fn(&ExportedFunction, &str) -> bool; 2] =
        [ExportedFunction::is_spelled, ExportedFunction::is_spelled_compatibly];
    for answers in tiers {
        let mut found: Vec<_> = all.iter().filter(|function| answers(function, name)).collect();
        if found.len() > 1 {
            let candidates = found.into_iter().map(ExportedFunction::full_name).collect();
            return Err(FindError::Ambiguous { asked: names::printable(name), candidates });
        }
        if let Some(found) = found.pop() {
            return Ok(found.clone());
        }
    }
    let offered: Vec<String> = all.iter().map(ExportedFunction::full_name).collect();
    let spellings =
        all.iter().map(|function| function.name.as_str()).chain(offered.iter().map(String::as_str));
    let near = names::near(name, spellings);
    Err(FindError::Unknown { asked: names::printable(name), near, offered })
}

/// Why [`find`] found nothing to call.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum FindError {
    /// No exported function answers to the name.
    #[error("the component exports no function `{asked}`{}; it exports {}", hint(.near), names::list(.offered))]
    Unknown {
        /// The name that was asked for.
        asked: String,
        /// Names that may have been meant.
        near: Vec<String>,
        /// Full names of all exported functions.
        offered: Vec<String>,
    },
    /// More than one exported function answers to the name.
    #[error("`{asked}` may mean {}; use one of these names", names::list(.candidates))]
    Ambiguous {
        /// The name that was asked for.
        asked: String,
        /// Full names of the functions it may mean.
        candidates: Vec<String>,
    },
}

fn hint(near: &[String]) -> String {
    if near.is_empty() { String::new() } else { format!(" (did you mean {}?)", names::list(near)) }
}

fn by_full_name(component: &Component, name: &str) -> Option<ExportedFunction> {
    let mut steps = name.split('#');
    let mut step = steps.next()?;
    let mut path: Vec<&str> = Vec::new();
    let mut parent: Option<ComponentExportIndex> = None;
    for next in steps {
        parent = Some(exact(component, parent.as_ref(), &path, step)?.1);
        path.push(step);
        step = next;
    }
    match exact(component, parent.as_ref(), &path, step)? {
        (ComponentItem::ComponentFunc(ty), index) => {
            let instance = (!path.is_empty()).then(|| path.join("#"));
            Some(function(instance, step, &ty, index))
        }
        _ => None,
    }
}

/// The export `name`, unless Wasmtime's lookup answers with a compatible version of it.
fn exact(
    component: &Component,
    parent: Option<&ComponentExportIndex>,
    path: &[&str],
    name: &str,
) -> Option<(ComponentItem, ComponentExportIndex)> {
    let is_exact =
        !path.is_empty() || component.component_type().get_export(component.engine(), name).is_some();
    component.get_export(parent, name).filter(|_| is_exact)
}

/// The functions found so far, and how many bytes their names have.
#[derive(Default)]
struct List {
    functions: Vec<ExportedFunction>,
    text: usize,
}

impl List {
    fn collect(
        &mut self,
        component: &Component,
        within: Option<(&str, &ComponentExportIndex)>,
        name: &str,
        item: ComponentItem,
    ) {
        if self.functions.len() >= LISTED || self.text >= LISTED_TEXT {
            return;
        }
        let Some(index) = component.get_export_index(within.map(|(_, index)| index), name) else {
            return;
        };
        let path = within.map(|(path, _)| path);
        match item {
            ComponentItem::ComponentFunc(ty) => {
                self.text += name.len() + path.map_or(0, str::len);
                self.functions.push(function(path.map(str::to_owned), name, &ty, index));
            }
            ComponentItem::ComponentInstance(instance) => {
                let path = path.map_or_else(|| name.to_owned(), |path| format!("{path}#{name}"));
                for (name, item) in instance.exports(component.engine()) {
                    self.collect(component, Some((&path, &index)), name, item.ty);
                }
            }
            _ => {}
        }
    }
}

fn function(
    instance: Option<String>,
    name: &str,
    ty: &ComponentFunc,
    index: ComponentExportIndex,
) -> ExportedFunction {
    ExportedFunction { instance, name: name.to_owned(), ty: ty.clone(), index }
}
