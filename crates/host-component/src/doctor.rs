//! Why can this component not be instantiated here, and what would have to change? All reasons at once.
//!
//! The linker is the truth: what Wasmtime accepts is fine, and what it refuses is a problem. Since Wasmtime stops at the
//! first import it cannot satisfy, the doctor puts a stand-in for that import into a copy of the linker and asks again,
//! until nothing is left. A stand-in replaces single functions where the linker has the interface under exactly the
//! imported name, and whole interfaces otherwise.
//!
//! A linker cannot be asked what it offers. The names given to [`Doctor::offers`] are used for hints alone ("the host
//! offers `wasi:clocks/wall-clock@0.2.6`"), so a list that is incomplete makes the hints poorer and never the findings wrong.
//!
//! A [`World`] says more: what the component must export, and what type the host's side of an import has, so that both sides
//! of a difference can be shown. [`Doctor::check_world`] needs no linker at all.

mod advice;
mod beside;
mod expected;
mod pairs;
mod report;
pub(crate) mod trial;

use std::cell::OnceCell;

use wasmtime::component::{Component, Linker};

pub use advice::Advice;
pub use report::{Problem, Report};

use beside::Beside;

use crate::exports;
use crate::names::{self, InterfaceName};
use crate::world::World;

/// Compares what a component needs with what a host offers.
///
/// ```
/// use host_component::doctor::Doctor;
/// use wasmtime::Engine;
/// use wasmtime::component::{Component, Linker};
///
/// # fn main() -> wasmtime::Result<()> {
/// let engine = Engine::default();
/// let component = Component::new(
///     &engine,
///     r#"(component (import "a:b/clock@0.3.0" (instance (export "now" (func (result u64))))))"#,
/// )?;
/// let mut linker = Linker::<()>::new(&engine);
/// linker.instance("a:b/clock@0.2.6")?.func_wrap("now", |_, ()| Ok((0_u64,)))?;
///
/// let report = Doctor::new().offers(["a:b/clock@0.2.6"]).check(&component, &linker).unwrap_err();
/// assert!(report.to_string().contains("`a:b/clock@0.3.0` is missing; the host offers `a:b/clock@0.2.6`"));
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct Doctor {
    offers: Vec<String>,
    expected: Vec<String>,
    world: Option<World>,
}

impl Doctor {
    /// A doctor who knows no names to hint at and expects no exports.
    pub fn new() -> Doctor {
        Doctor::default()
    }

    /// Adds names the host offers, for hints: interfaces (`wasi:clocks/wall-clock@0.2.6`) and functions (`log`).
    #[must_use]
    pub fn offers(mut self, names: impl IntoIterator<Item = impl Into<String>>) -> Doctor {
        self.offers.extend(names.into_iter().map(Into::into));
        self
    }

    /// Adds exports the component must have: interfaces (`my-org:my-plugin/plugin-api@0.1.0`) and functions
    /// (`my-org:my-plugin/plugin-api@0.1.0#process`, or `run` at the top). Compatible versions are accepted.
    #[must_use]
    pub fn expects(mut self, exports: impl IntoIterator<Item = impl Into<String>>) -> Doctor {
        self.expected.extend(exports.into_iter().map(Into::into));
        self
    }

    /// Sets the world that the component is to be of. A host of that world offers its imports, and needs its exports.
    #[must_use]
    pub fn world(mut self, world: World) -> Doctor {
        self.world = Some(world);
        self
    }

    /// Checks `component` against `linker`, which is left as it is. No code of the component runs.
    ///
    /// The linker says which imports are there, and not the world: that only shows the host's side of what differs. The
    /// world says which exports must be there.
    ///
    /// # Errors
    ///
    /// All that is wrong.
    pub fn check<T: 'static>(&self, component: &Component, linker: &Linker<T>) -> Result<(), Report> {
        let mut beside = self.beside(component);
        let mut problems: Vec<Problem> = trial::findings(component, linker)
            .into_iter()
            .map(|finding| self.problem(finding, beside.as_mut()))
            .collect();
        problems.extend(self.exports(component, beside.as_mut()));
        report(problems)
    }

    /// Checks `component` against the [`world`](Doctor::world): what it imports must be among the world's imports, in the same
    /// or a compatible version, with the same types; and what the world exports must be among its exports. There are no
    /// imports if no world was set.
    ///
    /// # Errors
    ///
    /// All that is wrong.
    pub fn check_world(&self, component: &Component) -> Result<(), Report> {
        let linker = Linker::<()>::new(component.engine());
        self.check_world_and(component, &linker)
    }

    /// As [`check_world`](Doctor::check_world), but imports that the world does not have may be in `linker`: WASI, for
    /// example, which many a world leaves to the host.
    ///
    /// # Errors
    ///
    /// All that is wrong.
    pub fn check_world_and<T: 'static>(
        &self,
        component: &Component,
        linker: &Linker<T>,
    ) -> Result<(), Report> {
        let mut beside = self.beside(component);
        let (mut problems, others) = match &mut beside {
            Some(beside) => beside.imports(),
            None => (Vec::new(), Vec::new()),
        };
        if beside.is_none() || !others.is_empty() {
            let of_linker = |import: &str| match &beside {
                Some(beside) => !beside.has_import(import),
                None => true,
            };
            let findings: Vec<_> = trial::findings(component, linker)
                .into_iter()
                .filter(|finding| of_linker(&finding.import))
                .collect();
            problems.extend(findings.into_iter().map(|finding| self.problem(finding, beside.as_mut())));
        }
        problems.extend(self.exports(component, beside.as_mut()));
        report(problems)
    }

    fn beside(&self, component: &Component) -> Option<Beside> {
        self.world.as_ref().map(|world| Beside::new(component, world))
    }

    fn exports(&self, component: &Component, beside: Option<&mut Beside>) -> Vec<Problem> {
        let offered = OnceCell::new();
        let offered = || offered.get_or_init(|| offered_by(component)).as_slice();
        let named = self.expected.iter().filter_map(|name| missing_export(component, name, offered));
        named.chain(beside.map(Beside::exports).unwrap_or_default()).collect()
    }

    fn problem(&self, finding: trial::Finding, beside: Option<&mut Beside>) -> Problem {
        let trial::Finding { import, item, what, outcome } = finding;
        match outcome {
            trial::Outcome::Absent => {
                let wanted = InterfaceName::parse(&import);
                let of_world = beside.map(|beside| beside.offers()).unwrap_or_default();
                let offers = || self.offers.iter().chain(&of_world).map(String::as_str);
                let is_compatible = |name: &&str| InterfaceName::parse(name).is_compatible_with(&wanted);
                let is_exact = item.as_ref().is_none_or(|item| item.is_exact);
                // Without its first item an interface may be missing as a whole, or be there in a version without it.
                let item = item.filter(|item| item.is_offered).map(|item| item.path);
                let mut versions: Vec<String> = offers()
                    .filter(|name| InterfaceName::parse(name).unversioned() == wanted.unversioned())
                    .filter(|name| match item {
                        Some(_) => !is_exact && is_compatible(name),
                        None => !is_compatible(name),
                    })
                    .map(str::to_owned)
                    .collect();
                versions.sort();
                versions.dedup();
                let near = if item.is_none() && versions.is_empty() {
                    names::near(&import, offers())
                } else {
                    Vec::new()
                };
                let what = if item.is_none() { what.0 } else { what.1 };
                Problem::Missing { what: what.to_owned(), import, item, versions, near }
            }
            trial::Outcome::Differs(reason) => {
                let item = item.map(|item| item.path);
                let differences = match beside {
                    Some(beside) => beside.import_differences(&import, item.as_deref()),
                    None => Vec::new(),
                };
                let reason = match differences.is_empty() {
                    true => reason,
                    false => expected::sentences(&differences, "the host"),
                };
                Problem::Differs { import, item, reason, differences }
            }
            trial::Outcome::Unchecked(reason) => Problem::Unchecked { import, reason },
        }
    }
}

/// The finding as a problem, for one who knows no names.
pub(crate) fn problem(finding: trial::Finding) -> Problem {
    Doctor::new().problem(finding, None)
}

fn report(problems: Vec<Problem>) -> Result<(), Report> {
    if problems.is_empty() { Ok(()) } else { Err(Report { problems }) }
}

/// The full names of the functions that a component exports, each after the instance that it is in.
fn offered_by(component: &Component) -> Vec<Offered> {
    let of = |function: &exports::ExportedFunction| Offered {
        instance: function.instance.clone(),
        function: function.full_name(),
    };
    exports::exports(component).iter().map(of).collect()
}

struct Offered {
    instance: Option<String>,
    function: String,
}

fn missing_export<'a>(
    component: &Component,
    name: &str,
    offered: impl Fn() -> &'a [Offered],
) -> Option<Problem> {
    let mut parent = None;
    for step in name.split('#') {
        match component.get_export_index(parent.as_ref(), step) {
            Some(index) => parent = Some(index),
            None => {
                let offered = offered();
                let functions = || offered.iter().map(|offered| offered.function.as_str());
                let mut instances: Vec<&str> =
                    offered.iter().filter_map(|offered| offered.instance.as_deref()).collect();
                instances.dedup();
                let near = names::near(name, functions().chain(instances));
                let (offered, more) = names::first(functions());
                let (export, versions) = (name.to_owned(), Vec::new());
                return Some(Problem::MissingExport {
                    export,
                    versions,
                    near,
                    offered,
                    more,
                    expected: None,
                });
            }
        }
    }
    None
}
