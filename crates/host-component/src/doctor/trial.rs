//! Asks Wasmtime again and again, with a stand-in for each import it refused before.

use wasmtime::component::types::{ComponentInstance, ComponentItem};
use wasmtime::component::{Component, Linker, ResourceType};
use wasmtime::{Engine, bail};

use crate::names::printable_words;
use crate::names::{InterfaceName, track};
use crate::stubs::StandIns;
use crate::wit::noun;

/// Problems reported of one component.
const REPORTED: usize = 200;

/// Items of one component that are looked at; one with more is answered with Wasmtime's first refusal alone.
///
/// Some are compared with all others, and that for each problem; all of WASI 0.2 has some hundreds.
const LOOKED_AT: usize = 2_000;

pub(crate) struct Finding {
    pub(crate) import: String,
    pub(crate) item: Option<FoundItem>,
    /// What the import is, and what the item is.
    pub(crate) what: (&'static str, &'static str),
    pub(crate) outcome: Outcome,
}

pub(crate) struct FoundItem {
    pub(crate) path: String,
    /// Whether the linker has the interface, if only in a compatible version.
    pub(crate) is_offered: bool,
    /// Whether the linker has the interface under exactly the imported name.
    pub(crate) is_exact: bool,
}

pub(crate) enum Outcome {
    Absent,
    Differs(String),
    Unchecked(String),
}

pub(crate) fn findings<T: 'static>(component: &Component, linker: &Linker<T>) -> Vec<Finding> {
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
            findings.push(Finding::unchecked("all imports", printable_words(&reasons.join(": "))));
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
        findings.push(trial.finding(component, &refused, linker));
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

    fn finding(&self, component: &Component, refused: &Refused<'_>, original: &Linker<T>) -> Finding {
        let import = refused.import;
        let item = refused.item.as_ref().map(|path| {
            let is_exact = is_defined(original, import.name);
            let is_offered = is_exact || self.has_compatible(component, import, original);
            FoundItem { path: path.clone(), is_offered, is_exact }
        });
        let inner = refused.item.as_ref().and_then(|path| self.leaf(import, path));
        let what = (noun(&import.item), inner.as_ref().map_or("item", noun));
        let outcome = if refused.reason.ends_with("implementation is missing") {
            Outcome::Absent
        } else if let Some(by) = self.stand_in_used_by(import) {
            Outcome::Unchecked(format!("it uses a resource of `{by}`, which must be there first"))
        } else {
            Outcome::Differs(printable_words(&refused.reason))
        };
        Finding { import: import.name.to_owned(), item, what, outcome }
    }

    /// Whether the linker has the interface in another version that Wasmtime takes for the imported one.
    ///
    /// It takes the highest version that is compatible. So the lowest there can be is defined as something that does not fit:
    /// if Wasmtime complains of that, there is no other.
    fn has_compatible(&self, component: &Component, import: &Import<'_>, original: &Linker<T>) -> bool {
        let name = InterfaceName::parse(import.name);
        let (Some(version), Some(track)) = (name.version, name.version.and_then(track)) else {
            return false;
        };
        let zeros = if track.contains('.') { ".0" } else { ".0.0" };
        let lowest = format!("{}@{track}{zeros}", name.unversioned());
        if is_defined(original, &lowest) {
            return true;
        }
        // Under its own name it would be taken before any other.
        let probed = if lowest.ends_with(&format!("@{version}")) { format!("{lowest}+0") } else { lowest };
        let mut probe = self.linker.clone();
        probe.allow_shadowing(true);
        if probe.root().func_new(&probed, |_, _, _, _| bail!("a probe was called")).is_err() {
            return false;
        }
        match probe.instantiate_pre(component) {
            Ok(_) => true,
            Err(refusal) => {
                let reasons: Vec<String> = refusal.chain().map(ToString::to_string).collect();
                !self.refused(&reasons).is_some_and(|refused| {
                    refused.import.name == import.name
                        && refused.item.is_none()
                        && refused.reason.contains("expected instance found func")
                })
            }
        }
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
        let mut stand_ins = StandIns::new(self.engine, &introduced);
        self.linker.allow_shadowing(true);
        match (&refused.item, single) {
            (Some(name), Some(item)) => {
                stand_ins.define(&mut self.linker.instance(import.name)?, Some(import.name), name, &item)?
            }
            _ => stand_ins.define(&mut self.linker.root(), None, import.name, &import.item)?,
        }
        self.stood_in.extend(stand_ins.made);
        Ok(())
    }
}

/// Whether the linker has something under exactly this name: only then can it not be defined a second time.
fn is_defined<T: 'static>(linker: &Linker<T>, name: &str) -> bool {
    let mut probe = linker.clone();
    probe.allow_shadowing(false);
    probe.root().func_new(name, |_, _, _, _| bail!("a probe was called")).is_err()
}

/// Visits `item` and what is inside it, in the order in which Wasmtime does, with the path that leads there.
pub(crate) fn leaves(
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
