//! What is wrong with a guest's imports, all of it at once, with what is offered instead.

use std::fmt;

use wasmtime::{ExternType, FuncType};

use crate::link::Offers;

/// Why modules could not be linked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LinkError {
    /// Imports that nobody satisfies.
    #[error("{} cannot be linked:{}", count(.problems.len()), list(.problems, .offered))]
    Imports {
        /// Each import that is missing or has another type.
        problems: Vec<ImportProblem>,
        /// What is offered: `module.name` each.
        offered: Vec<String>,
    },
    /// Two modules of one name.
    #[error("there are two modules named `{name}`; a name stands for one")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// Modules that import from each other in a circle; instances need an order.
    #[error("the modules import from each other in a circle: {} -> {}", .names.join(" -> "), .names[0])]
    Cycle {
        /// Each imports from the next, and the last from the first.
        names: Vec<String>,
    },
    /// A start function trapped, or a limit was exceeded.
    #[error("module `{name}` cannot be instantiated")]
    Instantiate {
        /// The module.
        name: String,
        /// What Wasmtime says; [`Fault::new`](crate::Fault::new) tells what it means.
        error: wasmtime::Error,
    },
}

/// An import that cannot be satisfied.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ImportProblem {
    /// The module it is imported from.
    pub module: String,
    /// Its name.
    pub name: String,
    /// What the guest wants, such as `func(i32, i32) -> i32`.
    pub wanted: String,
    /// What is offered under that name, if anything.
    pub found: Option<String>,
    /// Offers with a similar name: `module.name` each.
    pub near: Vec<String>,
}

impl LinkError {
    pub(crate) fn from_problems(problems: Vec<ImportProblem>, offered: &Offers) -> Result<(), LinkError> {
        if problems.is_empty() {
            return Ok(());
        }
        let offered = offered.keys().map(|(module, name)| format!("{module}.{name}")).collect();
        Err(LinkError::Imports { problems, offered })
    }
}

impl ImportProblem {
    /// `None` if the import is satisfied.
    pub(crate) fn find(
        key: &(String, String),
        wanted: &ExternType,
        offered: &Offers,
    ) -> Option<ImportProblem> {
        let found = offered.get(key);
        if found.is_some_and(|found| satisfies(found, wanted)) {
            return None;
        }
        let (module, name) = key.clone();
        let near = match found {
            Some(_) => Vec::new(),
            None => near(&module, &name, offered),
        };
        Some(ImportProblem { module, name, wanted: describe(wanted), found: found.map(describe), near })
    }
}

impl fmt::Display for ImportProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ImportProblem { module, name, wanted, found, near } = self;
        match found {
            Some(found) => write!(f, "`{module}.{name}` has another type: wanted {wanted}, offered {found}")?,
            None => write!(f, "`{module}.{name}` is missing: {wanted}")?,
        }
        if !near.is_empty() {
            write!(f, "; did you mean `{}`?", near.join("` or `"))?;
        }
        Ok(())
    }
}

fn count(problems: usize) -> String {
    if problems == 1 { "1 import".to_owned() } else { format!("{problems} imports") }
}

/// The problems a line each, and what is offered.
fn list(problems: &[ImportProblem], offered: &[String]) -> String {
    const SHOWN: usize = 12;
    let mut text: String = problems.iter().map(|problem| format!("\n  {problem}")).collect();
    text.push_str("\n  offered: ");
    match offered {
        [] => text.push_str("nothing"),
        all if all.len() <= SHOWN => text.push_str(&all.join(", ")),
        all => text.push_str(&format!("{}, and {} more", all[..SHOWN].join(", "), all.len() - SHOWN)),
    }
    text
}

/// Whether an offer can stand where `wanted` is imported. Wasmtime's instantiation decides in the end; this finds what
/// is surely wrong, so that all of it can be told at once.
fn satisfies(found: &ExternType, wanted: &ExternType) -> bool {
    match (found, wanted) {
        (ExternType::Func(found), ExternType::Func(wanted)) => found.matches(wanted),
        (ExternType::Global(found), ExternType::Global(wanted)) => {
            found.mutability() == wanted.mutability() && found.content().matches(wanted.content())
        }
        (ExternType::Table(found), ExternType::Table(wanted)) => {
            found.element().matches(wanted.element()) && found.is_64() == wanted.is_64()
        }
        (ExternType::Memory(found), ExternType::Memory(wanted)) => {
            found.is_64() == wanted.is_64() && found.is_shared() == wanted.is_shared()
        }
        (ExternType::Tag(_), ExternType::Tag(_)) => true,
        _ => false,
    }
}

/// A type in a few words, such as `func(i32, i32) -> i32`.
fn describe(ty: &ExternType) -> String {
    match ty {
        ExternType::Func(func) => describe_func(func),
        ExternType::Global(global) => format!("global of {}", global.content()),
        ExternType::Table(table) => format!("table of {}", table.element()),
        ExternType::Memory(memory) => format!("memory of {} or more pages", memory.minimum()),
        ExternType::Tag(_) => "tag".to_owned(),
    }
}

fn describe_func(func: &FuncType) -> String {
    let join = |types: Vec<String>| types.join(", ");
    let params = join(func.params().map(|ty| ty.to_string()).collect());
    let results: Vec<String> = func.results().map(|ty| ty.to_string()).collect();
    match results.as_slice() {
        [] => format!("func({params})"),
        [one] => format!("func({params}) -> {one}"),
        _ => format!("func({params}) -> ({})", join(results)),
    }
}

/// Up to three offers that a misspelt name may have meant: the right name elsewhere, or a similar one.
fn near(module: &str, name: &str, offered: &Offers) -> Vec<String> {
    let mut ranked: Vec<(usize, String)> = offered
        .keys()
        .map(|(other_module, other_name)| {
            let distance = strsim::levenshtein(module, other_module) + strsim::levenshtein(name, other_name);
            let distance = if name == other_name { distance.min(1) } else { distance };
            (distance, format!("{other_module}.{other_name}"))
        })
        .filter(|(distance, _)| *distance <= 3)
        .collect();
    ranked.sort();
    ranked.into_iter().take(3).map(|(_, name)| name).collect()
}
