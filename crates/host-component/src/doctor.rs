//! Why can this component not be instantiated here, and what would have to change? All reasons at once.
//!
//! The linker is the truth: what Wasmtime accepts is fine, and what it refuses is a problem. Since Wasmtime stops at the
//! first import it cannot satisfy, the doctor puts a stand-in for that import into a copy of the linker and asks again,
//! until nothing is left. A stand-in replaces single functions where the linker has the interface under exactly the
//! imported name, and whole interfaces otherwise.
//!
//! A linker cannot be asked what it offers. The names given to [`Doctor::offers`] are used for hints alone ("the host
//! offers `wasi:clocks/wall-clock@0.2.6`"), so a list that is incomplete makes the hints poorer and never the findings wrong.

mod report;
mod trial;

use wasmtime::component::{Component, Linker};

pub use report::{Problem, Report};

use crate::exports;
use crate::names::{self, InterfaceName};

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

    /// Checks `component` against `linker`, which is left as it is. No code of the component runs.
    ///
    /// # Errors
    ///
    /// All that is wrong.
    pub fn check<T: 'static>(&self, component: &Component, linker: &Linker<T>) -> Result<(), Report> {
        let mut problems: Vec<Problem> =
            trial::findings(component, linker).into_iter().map(|finding| self.problem(finding)).collect();
        problems.extend(self.expected.iter().filter_map(|name| missing_export(component, name)));
        if problems.is_empty() { Ok(()) } else { Err(Report { problems }) }
    }

    fn problem(&self, finding: trial::Finding) -> Problem {
        let trial::Finding { import, item, what, outcome } = finding;
        match outcome {
            trial::Outcome::Absent => {
                let wanted = InterfaceName::parse(&import);
                let offers = || self.offers.iter().map(String::as_str);
                let compatible = offers().any(|name| InterfaceName::parse(name).is_compatible_with(&wanted));
                // Without its first item an interface may be missing as a whole, or be there in a version without it.
                let item =
                    item.filter(|item| !item.is_first || item.is_exact || compatible).map(|item| item.path);
                let versions: Vec<String> = offers()
                    .filter(|name| {
                        item.is_none() && InterfaceName::parse(name).unversioned() == wanted.unversioned()
                    })
                    .map(str::to_owned)
                    .collect();
                let near = if item.is_none() && versions.is_empty() {
                    names::near(&import, offers())
                } else {
                    Vec::new()
                };
                let what = if item.is_none() { what.0 } else { what.1 };
                Problem::Missing { what: what.to_owned(), import, item, versions, near }
            }
            trial::Outcome::Differs(reason) => {
                Problem::Differs { import, item: item.map(|item| item.path), reason }
            }
            trial::Outcome::Unchecked(reason) => Problem::Unchecked { import, reason },
        }
    }
}

fn missing_export(component: &Component, name: &str) -> Option<Problem> {
    let mut parent = None;
    for step in name.split('#') {
        match component.get_export_index(parent.as_ref(), step) {
            Some(index) => parent = Some(index),
            None => {
                let functions = exports::exports(component);
                let full: Vec<String> = functions.iter().map(exports::ExportedFunction::full_name).collect();
                let mut offered: Vec<&str> = full.iter().map(String::as_str).collect();
                offered.extend(functions.iter().filter_map(|function| function.instance.as_deref()));
                offered.dedup();
                let near = names::near(name, offered);
                return Some(Problem::MissingExport { export: name.to_owned(), near, offered: full });
            }
        }
    }
    None
}
