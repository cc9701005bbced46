//! Asks Wasmtime again and again, with a stand-in for each import it refused before.

use wasmtime::component::types::{ComponentFunc, ComponentInstance, ComponentItem};
use wasmtime::component::{Component, Linker, LinkerInstance, ResourceType};
use wasmtime::{Engine, bail};

/// Problems reported of one component.
const REPORTED: usize = 200;

/// Items of one component that are looked at; one with more is answered with Wasmtime's first refusal alone.
///
/// Some are compared with all others, and that for each problem; all of WASI 0.2 has some hundreds.
const LOOKED_AT: usize = 2_000;

pub(super) struct Finding {
    pub(super) import: String,
    pub(super) item: Option<FoundItem>,
    /// What the import is, and what the item is.
    pub(super) what: (&'static str, &'static str),
    pub(super) outcome: Outcome,
}

pub(super) struct FoundItem {
    pub(super) path: String,
    /// Whether it is the first item of its interface that needs something from the host.
    pub(super) is_first: bool,
    /// Whether the linker has the interface under exactly the imported name.
    pub(super) is_exact: bool,
}

pub(super) enum Outcome {
    Absent,
    Differs(String),
    Unchecked(String),
}

/// The resource type of stand-ins; nothing is ever made of it.
struct StandIn;

pub(super) fn findings<T: 'static>(component: &Component, linker: &Linker<T>) -> Vec<Finding> {
    let ty = component.component_type();
    let imports: Vec<Import> =
        ty.imports(component.engine()).map(|(name, item)| Import { name, item: item.ty }).collect();
    let mut trial = Trial {
        engine: component.engine(),
        imports: &imports,
        linker: linker.clone(),
        resources: Vec::new(),
        stood_in: Vec::new(),
    };
    let mut findings: Vec<Finding> = Vec::new();
    if !trial.note_resources() {
        trial.imports = &[];
    }
    while let Err(refusal) = trial.linker.instantiate_pre(component) {
        let reasons: Vec<String> = refusal.chain().map(ToString::to_string).collect();
        let repeated = |finding: &Finding, import: &str, item: Option<&str>| {
            finding.import == import && finding.item.as_ref().map(|item| item.path.as_str()) == item
        };
        let Some(refused) = trial.refused(&reasons) else {
            findings.push(Finding::unchecked("all imports", reasons.join(": ")));
            return findings;
        };
        let item = refused.item.as_deref();
        if findings.len() >= REPORTED
            || findings.iter().any(|finding| repeated(finding, refused.import.name, item))
        {
            findings.push(Finding::unchecked(
                refused.import.name,
                "there are too many other problems".to_owned(),
            ));
            return findings;
        }
        findings.push(trial.finding(&refused, linker));
        if trial.stand_in(&refused, linker).is_err() {
            let rest = "this import and those after it cannot be checked before it is there";
            findings.push(Finding::unchecked(refused.import.name, rest.to_owned()));
            return findings;
        }
    }
    findings
}

impl Finding {
    fn unchecked(import: &str, reason: String) -> Finding {
        let import = import.to_owned();
        Finding { import, item: None, what: ("", ""), outcome: Outcome::Unchecked(reason) }
    }
}

struct Import<'a> {
    name: &'a str,
    item: ComponentItem,
}

/// What Wasmtime refused, and the innermost reason it gave.
struct Refused<'a> {
    import: &'a Import<'a>,
    item: Option<String>,
    reason: String,
}

struct Trial<'a, T: 'static> {
    engine: &'a Engine,
    imports: &'a [Import<'a>],
    linker: Linker<T>,
    /// Every resource type of the imports, with the name of the import that introduces it.
    resources: Vec<(ResourceType, &'a str)>,
    /// Resource types that the trial's linker has as stand-ins.
    stood_in: Vec<ResourceType>,
}

impl<'a, T: 'static> Trial<'a, T> {
    /// Notes which import introduces which resource; later ones only refer to it.
    fn note_resources(&mut self) -> bool {
        let mut looked_at = 0;
        for import in self.imports {
            let mut found = Vec::new();
            leaves(self.engine, &import.item, &mut Vec::new(), &mut |_, leaf| {
                looked_at += 1;
                if let (ComponentItem::Resource(ty), true) = (leaf, looked_at < LOOKED_AT) {
                    found.push(*ty);
                }
            });
            if looked_at >= LOOKED_AT {
                return false;
            }
            for ty in found {
                if !self.resources.iter().any(|(known, _)| *known == ty) {
                    self.resources.push((ty, import.name));
                }
            }
        }
        true
    }

    /// Whether `import` is the one that introduces the resource.
    fn introduces(&self, import: &Import<'_>, ty: &ResourceType) -> bool {
        self.resources.iter().any(|(known, by)| known == ty && *by == import.name)
    }

    /// Reads from Wasmtime's words which import it refused, and which item of it.
    fn refused(&self, reasons: &[String]) -> Option<Refused<'a>> {
        let (first, rest) = reasons.split_first()?;
        let import = self.imports.iter().find(|import| first.contains(&format!("`{}`, but", import.name)))?;
        let path: Vec<&str> = rest
            .iter()
            .filter_map(|reason| reason.strip_prefix("instance export `")?.split('`').next())
            .collect();
        let reason = rest.get(path.len()..).filter(|own| !own.is_empty()).unwrap_or(rest).join(": ");
        Some(Refused { import, item: (!path.is_empty()).then(|| path.join("#")), reason })
    }

    fn finding(&self, refused: &Refused<'_>, original: &Linker<T>) -> Finding {
        let import = refused.import;
        let is_first = |item: &str| {
            let mut first = None;
            leaves(self.engine, &import.item, &mut Vec::new(), &mut |path, leaf| match leaf {
                _ if first.is_some() => {}
                ComponentItem::Type(_) => {}
                ComponentItem::Resource(ty) if !self.introduces(import, ty) => {}
                _ => first = Some(path.join("#")),
            });
            first.as_deref() == Some(item)
        };
        let item = refused.item.as_ref().map(|path| FoundItem {
            is_first: is_first(path),
            is_exact: is_defined(original, import.name),
            path: path.clone(),
        });
        let inner = refused.item.as_ref().and_then(|path| self.leaf(import, path));
        let what = (noun(&import.item), inner.as_ref().map_or("item", noun));
        let outcome = if refused.reason.ends_with("implementation is missing") {
            Outcome::Absent
        } else if let Some(by) = self.stand_in_used_by(import) {
            Outcome::Unchecked(format!("it uses a resource of `{by}`, which must be there first"))
        } else {
            Outcome::Differs(refused.reason.clone())
        };
        Finding { import: import.name.to_owned(), item, what, outcome }
    }

    /// The import with a stand-in that `import` takes a resource from.
    fn stand_in_used_by(&self, import: &Import<'_>) -> Option<&'a str> {
        let mut used = None;
        leaves(self.engine, &import.item, &mut Vec::new(), &mut |_, leaf| {
            if let ComponentItem::Resource(ty) = leaf
                && self.stood_in.contains(ty)
                && !self.introduces(import, ty)
            {
                used = self.resources.iter().find(|(known, _)| known == ty).map(|(_, by)| *by);
            }
        });
        used
    }

    fn leaf(&self, import: &Import<'_>, path: &str) -> Option<ComponentItem> {
        path.split('#').try_fold(import.item.clone(), |item, step| match item {
            ComponentItem::ComponentInstance(instance) => {
                instance.get_export(self.engine, step).map(|item| item.ty)
            }
            _ => None,
        })
    }

    /// Makes the linker accept what it refused.
    fn stand_in(&mut self, refused: &Refused<'a>, original: &Linker<T>) -> wasmtime::Result<()> {
        let import = refused.import;
        let single = match &refused.item {
            Some(name) if !name.contains('#') && is_defined(original, import.name) => self.leaf(import, name),
            _ => None,
        };
        let introduced: Vec<ResourceType> =
            self.resources.iter().filter(|(_, by)| *by == import.name).map(|(ty, _)| *ty).collect();
        let mut stand_ins = StandIns { engine: self.engine, introduced: &introduced, made: Vec::new() };
        self.linker.allow_shadowing(true);
        match (&refused.item, single) {
            (Some(name), Some(item)) => {
                stand_ins.define(&mut self.linker.instance(import.name)?, name, &item)?
            }
            _ => stand_ins.define(&mut self.linker.root(), import.name, &import.item)?,
        }
        self.stood_in.extend(stand_ins.made);
        Ok(())
    }
}

struct StandIns<'a> {
    engine: &'a Engine,
    introduced: &'a [ResourceType],
    made: Vec<ResourceType>,
}

impl StandIns<'_> {
    fn define<T: 'static>(
        &mut self,
        at: &mut LinkerInstance<'_, T>,
        name: &str,
        item: &ComponentItem,
    ) -> wasmtime::Result<()> {
        match item {
            ComponentItem::ComponentFunc(function) => define_function(at, name, function),
            ComponentItem::ComponentInstance(instance) => {
                let mut inside = at.instance(name)?;
                instance
                    .exports(self.engine)
                    .try_for_each(|(name, item)| self.define(&mut inside, name, &item.ty))
            }
            ComponentItem::Resource(ty) if self.introduced.contains(ty) => {
                self.made.push(*ty);
                at.resource(name, ResourceType::host::<StandIn>(), |_, _| Ok(()))
            }
            ComponentItem::Resource(_) | ComponentItem::Type(_) => Ok(()),
            ComponentItem::Module(_) | ComponentItem::Component(_) | ComponentItem::CoreFunc(_) => {
                bail!("there is no stand-in for a {}", noun(item))
            }
        }
    }
}

fn define_function<T: 'static>(
    at: &mut LinkerInstance<'_, T>,
    name: &str,
    function: &ComponentFunc,
) -> wasmtime::Result<()> {
    if function.async_() {
        bail!("there is no stand-in for an async function");
    }
    at.func_new(name, |_, _, _, _| bail!("a stand-in was called"))
}

/// Whether the linker has something under exactly this name: only then can it not be defined a second time.
fn is_defined<T: 'static>(linker: &Linker<T>, name: &str) -> bool {
    let mut probe = linker.clone();
    probe.allow_shadowing(false);
    probe.root().func_new(name, |_, _, _, _| bail!("a probe was called")).is_err()
}

/// Visits `item` and what is inside it, in the order in which Wasmtime does, with the path that leads there.
fn leaves(
    engine: &Engine,
    item: &ComponentItem,
    path: &mut Vec<String>,
    visit: &mut impl FnMut(&[String], &ComponentItem),
) {
    match item {
        ComponentItem::ComponentInstance(instance) => leaves_of(engine, instance, path, visit),
        _ => visit(path, item),
    }
}

fn leaves_of(
    engine: &Engine,
    instance: &ComponentInstance,
    path: &mut Vec<String>,
    visit: &mut impl FnMut(&[String], &ComponentItem),
) {
    for (name, item) in instance.exports(engine) {
        path.push(name.to_owned());
        leaves(engine, &item.ty, path, visit);
        path.pop();
    }
}

fn noun(item: &ComponentItem) -> &'static str {
    match item {
        ComponentItem::ComponentFunc(_) | ComponentItem::CoreFunc(_) => "function",
        ComponentItem::ComponentInstance(_) => "interface",
        ComponentItem::Module(_) => "module",
        ComponentItem::Component(_) => "component",
        ComponentItem::Resource(_) => "resource",
        ComponentItem::Type(_) => "type",
    }
}
