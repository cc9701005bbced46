//! What is wrong with a guest's imports, all of it at once, with what is offered instead.

use std::fmt;

use wasmtime::{ExternType, FuncType, ImportType, RefType, ValType};

use crate::link::{Offers, RoleError};
use crate::near::{LOOKED_AT, NEAR, distance, nearest};
use crate::text::{one_line, some_of};
use crate::type_text::type_text;

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
    /// A module that is a command and a reactor, or neither of them properly.
    #[error("module `{}` is no proper command or reactor", one_line(.name))]
    Role {
        /// The module.
        name: String,
        /// What is wrong with it.
        #[source]
        error: RoleError,
    },
    /// Something of another engine than the linker, which knows nothing of the linker's types and code.
    #[error("{what} belongs to another engine than the linker; make all of them with one `Engine`")]
    OtherEngine {
        /// What it is: the store, or a module with its name.
        what: String,
    },
    /// A start function trapped, a limit was exceeded, or Wasmtime refused an import after all.
    #[error("module `{}` cannot be instantiated", one_line(.name))]
    Instantiate {
        /// The module.
        name: String,
        /// What Wasmtime says; [`Fault::new`](crate::Fault::new) tells what it means.
        #[source]
        error: wasmtime::Error,
    },
    /// The function `_initialize` of a reactor trapped.
    #[error("module `{}` cannot be initialised by its `_initialize`", one_line(.name))]
    Initialize {
        /// The module.
        name: String,
        /// What Wasmtime says; [`Fault::new`](crate::Fault::new) tells what it means.
        #[source]
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
    /// Offers with a similar name: `module.name` each. Only the first 100 problems are looked at for them.
    pub near: Vec<String>,
}

impl LinkError {
    pub(crate) fn from_problems(mut problems: Vec<ImportProblem>, offered: &Offers) -> Result<(), LinkError> {
        if problems.is_empty() {
            return Ok(());
        }
        for problem in problems.iter_mut().take(TOLD).filter(|problem| problem.found.is_none()) {
            problem.near = near(&problem.module, &problem.name, offered);
        }
        let offered = offered.names().map(|(module, name)| format!("{module}.{name}")).collect();
        Err(LinkError::Imports { problems, offered })
    }
}

impl ImportProblem {
    /// `None` if the import is satisfied.
    pub(crate) fn find(import: &ImportType<'_>, offered: &Offers) -> Option<ImportProblem> {
        match offered.get(import.module(), import.name()) {
            Some(found) if satisfies(found, &import.ty()) => None,
            Some(found) => Some(ImportProblem::another_type(import, found)),
            None => Some(ImportProblem {
                module: import.module().to_owned(),
                name: import.name().to_owned(),
                wanted: type_text(&import.ty()),
                found: None,
                near: Vec::new(),
            }),
        }
    }

    pub(crate) fn another_type(import: &ImportType<'_>, found: &ExternType) -> ImportProblem {
        let (wanted, mut found) = (type_text(&import.ty()), type_text(found));
        if wanted == found {
            // Types with declared subtypes are told apart by their declarations.
            found.push_str(" declared otherwise");
        }
        let (module, name) = (import.module().to_owned(), import.name().to_owned());
        ImportProblem { module, name, wanted, found: Some(found), near: Vec::new() }
    }
}

impl fmt::Display for ImportProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ImportProblem { module, name, wanted, found, near } = self;
        let (module, name) = (one_line(module), one_line(name));
        match found {
            Some(found) => write!(f, "`{module}.{name}` has another type: wanted {wanted}, offered {found}")?,
            None => write!(f, "`{module}.{name}` is missing: {wanted}")?,
        }
        if !near.is_empty() {
            let near: Vec<String> = near.iter().map(|name| one_line(name)).collect();
            write!(f, "; did you mean `{}`?", near.join("` or `"))?;
        }
        Ok(())
    }
}

fn count(problems: usize) -> String {
    if problems == 1 { "1 import".to_owned() } else { format!("{problems} imports") }
}

/// How many problems are told in words, and looked at for near names. A hostile guest may have 100,000 imports.
const TOLD: usize = 100;

/// The problems a line each, and what is offered.
fn list(problems: &[ImportProblem], offered: &[String]) -> String {
    let mut text: String = problems.iter().take(TOLD).map(|problem| format!("\n  {problem}")).collect();
    if let Some(more) = problems.len().checked_sub(TOLD).filter(|more| *more > 0) {
        text.push_str(&format!("\n  and {more} more"));
    }
    text.push_str("\n  offered: ");
    text.push_str(&some_of(offered).unwrap_or_else(|| "nothing".to_owned()));
    text
}

/// Whether an offer can stand where `wanted` is imported. Wasmtime's instantiation decides in the end; this finds what
/// is surely wrong, so that all of it can be told at once.
fn satisfies(found: &ExternType, wanted: &ExternType) -> bool {
    match (found, wanted) {
        (ExternType::Func(found), ExternType::Func(wanted)) => is_subtype(found, wanted),
        (ExternType::Global(found), ExternType::Global(wanted)) => {
            found.mutability() == wanted.mutability()
                && match found.mutability().is_var() {
                    true => ValType::eq(found.content(), wanted.content()),
                    false => found.content().matches(wanted.content()),
                }
        }
        (ExternType::Table(found), ExternType::Table(wanted)) => {
            RefType::eq(found.element(), wanted.element())
                && found.is_64() == wanted.is_64()
                && bounded(found.maximum(), wanted.minimum(), wanted.maximum())
        }
        (ExternType::Memory(found), ExternType::Memory(wanted)) => {
            found.is_64() == wanted.is_64()
                && found.is_shared() == wanted.is_shared()
                && found.page_size() == wanted.page_size()
                && bounded(found.maximum(), wanted.minimum(), wanted.maximum())
        }
        (ExternType::Tag(found), ExternType::Tag(wanted)) => FuncType::eq(found.ty(), wanted.ty()),
        _ => false,
    }
}

/// Whether `found` is `wanted` or was declared as a subtype of it. That two functions take and give the same is not
/// enough, and comparing a thousand parameters for each of many imports would take long.
fn is_subtype(found: &FuncType, wanted: &FuncType) -> bool {
    if FuncType::eq(found, wanted) {
        return true;
    }
    let mut above = found.supertype();
    while let Some(ty) = above {
        if FuncType::eq(&ty, wanted) {
            return true;
        }
        above = ty.supertype();
    }
    false
}

/// Whether something that never grows past `found` can stand where `least` to `most` is imported. How large it will be
/// is not known before: it may have grown by then.
fn bounded(found: Option<u64>, least: u64, most: Option<u64>) -> bool {
    found.is_none_or(|found| found >= least)
        && most.is_none_or(|most| found.is_some_and(|found| found <= most))
}

/// Up to three offers that a misspelt name may have meant: the right name elsewhere, or a similar one.
fn near(module: &str, name: &str, offered: &Offers) -> Vec<String> {
    let ranked = offered.names().enumerate().filter_map(|(index, (other_module, other_name))| {
        let distance = if name == other_name {
            1
        } else if index < LOOKED_AT {
            difference(module, other_module)? + difference(name, other_name)?
        } else {
            return None;
        };
        (distance <= NEAR).then(|| (distance, format!("{other_module}.{other_name}")))
    });
    nearest(ranked.collect())
}

/// As [`distance`], but names that are the same may be of any length.
fn difference(one: &str, other: &str) -> Option<usize> {
    if one == other { Some(0) } else { distance(one, other) }
}
