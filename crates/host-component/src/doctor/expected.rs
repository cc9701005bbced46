//! Says what is wrong with a component that is to be of a world: imports the world must have, exports the component must have.

use wasmtime::component::types::ComponentItem;

use super::beside::{Beside, Fit, LOOKED_AT, needs_host};
use super::report::Problem;
use crate::compare::Difference;
use crate::names::{self, InterfaceName};
use crate::wit::noun;

/// Problems found by one comparison with a world.
const REPORTED: usize = 200;

/// Says that no more is said of the exports from this one on.
fn too_many(export: &str, left_out: usize) -> Problem {
    let reason =
        format!("there are too many other problems; exports that were not looked at to the end: {left_out}");
    Problem::Unchecked { import: export.to_owned(), reason }
}

impl Beside {
    /// Names of what the world imports: what a host of it offers.
    pub(super) fn offers(&self) -> Vec<String> {
        self.world.imports().map(|(name, _)| name.to_owned()).collect()
    }

    /// Whether the world imports `name`, perhaps in a compatible version.
    pub(super) fn has_import(&self, name: &str) -> bool {
        self.world.import(name).is_some()
    }

    /// How the world's idea of an import differs from the component's.
    pub(super) fn import_differences(&mut self, import: &str, item: Option<&str>) -> Vec<Difference> {
        let (Some((_, wanted)), Some((_, offered))) =
            (self.component.import(import), self.world.import(import))
        else {
            return Vec::new();
        };
        match self.compare(wanted, offered, item.unwrap_or_default()) {
            Fit::Differs(differences) => differences,
            _ => Vec::new(),
        }
    }

    /// What is wrong with the imports that the world has, and the names of those that it does not have.
    pub(super) fn imports(&mut self) -> (Vec<Problem>, Vec<(String, &'static str)>) {
        let imports: Vec<(String, ComponentItem)> =
            self.component.imports().take(LOOKED_AT).map(|(name, item)| (name.to_owned(), item)).collect();
        let (mut problems, mut others) = (Vec::new(), Vec::new());
        for (import, wanted) in imports {
            let Some((compatible, offered)) = self.world.import(&import) else {
                if needs_host(&self.component.engine, &wanted) {
                    others.push((import, noun(&wanted)));
                }
                continue;
            };
            let versions = if compatible.is_empty() { vec![] } else { vec![compatible.to_owned()] };
            for (item, fit) in self.items(&wanted, offered) {
                if problems.len() >= REPORTED || matches!(fit, Fit::TooLarge) {
                    let reason = "the types are too large, or there are too many problems".to_owned();
                    problems.push(Problem::Unchecked { import, reason });
                    return (problems, others);
                }
                let import = import.clone();
                problems.push(match fit {
                    Fit::Lacks(what) => Problem::Missing {
                        what: what.to_owned(),
                        import,
                        item,
                        versions: versions.clone(),
                        near: Vec::new(),
                    },
                    Fit::OtherKind(reason) => Problem::Differs { import, item, reason, differences: vec![] },
                    Fit::Differs(differences) => {
                        let reason = sentences(&differences, "the host");
                        Problem::Differs { import, item, reason, differences }
                    }
                    Fit::Fits | Fit::TooLarge => continue,
                });
            }
        }
        (problems, others)
    }

    /// What is wrong with the exports that the world has.
    pub(super) fn exports(&mut self) -> Vec<Problem> {
        let exports: Vec<(String, ComponentItem)> =
            self.world.exports().take(LOOKED_AT).map(|(name, item)| (name.to_owned(), item)).collect();
        let mut problems = Vec::new();
        for (place, (export, wanted)) in exports.iter().enumerate() {
            let Some((_, offered)) = self.component.export(export) else {
                if matches!(wanted, ComponentItem::Type(_)) {
                    continue;
                }
                if problems.len() >= REPORTED {
                    problems.push(too_many(export, exports.len() - place));
                    return problems;
                }
                problems.push(self.missing_export(export.clone(), wanted));
                continue;
            };
            // The world is on the other side here: what it has, the component must have.
            for (item, fit) in self.items_the_other_way(offered, wanted) {
                if matches!(fit, Fit::Fits) {
                    continue;
                }
                if problems.len() >= REPORTED {
                    problems.push(too_many(export, exports.len() - place));
                    return problems;
                }
                let full = |item: &Option<String>| match item {
                    Some(item) => format!("{export}#{item}"),
                    None => export.clone(),
                };
                let expected = self.expected_text(wanted, item.as_deref());
                problems.push(match fit {
                    Fit::Lacks(_) => Problem::MissingExport {
                        export: full(&item),
                        versions: Vec::new(),
                        near: self.near_items(export, item.as_deref()),
                        offered: Vec::new(),
                        more: 0,
                        expected,
                    },
                    Fit::OtherKind(reason) => {
                        Problem::ExportDiffers { export: full(&item), reason, differences: vec![] }
                    }
                    Fit::Differs(differences) => {
                        let reason = sentences(&differences, "the expected world");
                        Problem::ExportDiffers { export: full(&item), reason, differences }
                    }
                    Fit::TooLarge => Problem::ExportDiffers {
                        export: full(&item),
                        reason: "its type is too large to be compared".to_owned(),
                        differences: vec![],
                    },
                    Fit::Fits => continue,
                });
            }
        }
        problems
    }

    fn missing_export(&self, export: String, wanted: &ComponentItem) -> Problem {
        let asked = InterfaceName::parse(&export);
        let offered = || self.component.exports().take(LOOKED_AT).map(|(name, _)| name);
        let same = |name: &&str| InterfaceName::parse(name).unversioned() == asked.unversioned();
        let versions: Vec<String> = offered().filter(same).map(str::to_owned).collect();
        let near = if versions.is_empty() { names::near(&export, offered()) } else { Vec::new() };
        let (offered, more) = names::first(offered());
        let expected = self.expected_text(wanted, None);
        Problem::MissingExport { export, versions, near, offered, more, expected }
    }

    fn near_items(&self, export: &str, item: Option<&str>) -> Vec<String> {
        let (Some((_, ComponentItem::ComponentInstance(instance))), Some(item)) =
            (self.component.export(export), item)
        else {
            return Vec::new();
        };
        names::near(item, instance.exports(&self.component.engine).take(LOOKED_AT).map(|(name, _)| name))
    }

    /// The type of a function that the world expects, as WIT.
    fn expected_text(&self, wanted: &ComponentItem, item: Option<&str>) -> Option<String> {
        let (function, instance) = match (wanted, item) {
            (ComponentItem::ComponentFunc(function), None) => (function.clone(), None),
            (ComponentItem::ComponentInstance(instance), Some(item)) => {
                match instance.get_export(&self.world.engine, item)?.ty {
                    ComponentItem::ComponentFunc(function) => (function, Some(instance)),
                    _ => return None,
                }
            }
            _ => return None,
        };
        Some(self.world.scope(instance, &self.spelling).function_text(&function))
    }
}

/// All differences in one line.
pub(super) fn sentences(differences: &[Difference], other: &str) -> String {
    let sentences: Vec<String> =
        differences.iter().take(3).map(|difference| difference.sentence("the component", other)).collect();
    sentences.join("; ")
}
