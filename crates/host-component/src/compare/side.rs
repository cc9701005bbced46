//! One side of a difference: the type around it as text, and which part of that is meant.

use std::ops::Range;

use serde::Serialize;
use wasmtime::component::Type;
use wasmtime::component::types::ComponentFunc;

use crate::names::printable;
use crate::wit::Scope;

/// Members shown in full; of a larger type only those next to the difference are.
const SHOWN: usize = 8;

/// What one of two types has at the place of a difference.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Side {
    /// What is there: `u32`; none if there is nothing.
    pub what: Option<String>,
    /// The innermost type with members around it, as WIT: `record entry { name: string, size: u32 }`. Of many members, some
    /// are left out with `…`.
    pub text: String,
    /// The bytes of `text` that differ, if anything is there.
    pub mark: Option<Range<usize>>,
}

impl Side {
    /// A line to be put under `text`, with `^` under what differs.
    pub(crate) fn marks(&self) -> Option<String> {
        let mark = self.mark.clone()?;
        let before = self.text.get(..mark.start)?.chars().count();
        let marked = self.text.get(mark)?.chars().count();
        Some(format!("{}{}", " ".repeat(before), "^".repeat(marked.max(1))))
    }
}

/// A type with members, in which a difference is looked for.
#[derive(Clone, Copy)]
pub(super) enum Around<'a> {
    Nothing,
    Function(&'a ComponentFunc),
    Type(&'a Type),
}

/// The side of a difference in member `index` of `around`; a function's result comes after its parameters.
pub(super) fn side(
    scope: &Scope<'_>,
    around: Around<'_>,
    index: Option<usize>,
    what: Option<String>,
) -> Side {
    let what = what.map(|what| printable(&what));
    let text = match around {
        Around::Nothing => None,
        Around::Function(function) => Some(function_text(scope, function, index)),
        Around::Type(ty) => type_text(scope, ty, index),
    };
    let (text, mark) = text.unwrap_or_else(|| {
        let text = what.clone().unwrap_or_default();
        let mark = (!text.is_empty()).then_some(0..text.len());
        (text, mark)
    });
    Side { what, text, mark }
}

fn function_text(
    scope: &Scope<'_>,
    function: &ComponentFunc,
    index: Option<usize>,
) -> (String, Option<Range<usize>>) {
    let params: Vec<(&str, Type)> = function.params().collect();
    let open = if function.async_() { "async func(" } else { "func(" };
    let member = |index: usize| {
        let (name, ty) = params.get(index)?;
        Some(format!("{}: {}", printable(name), printable(&scope.type_text(ty))))
    };
    let (mut text, mut mark) = members(open, params.len(), member, ")", index);
    for ty in function.results() {
        text.push_str(" -> ");
        let start = text.len();
        text.push_str(&printable(&scope.type_text(&ty)));
        if index == Some(params.len()) {
            mark = Some(start..text.len());
        }
    }
    (text, mark)
}

fn type_text(scope: &Scope<'_>, ty: &Type, index: Option<usize>) -> Option<(String, Option<Range<usize>>)> {
    let typed = |name: &str, ty: &Type| format!("{name}: {}", printable(&scope.type_text(ty)));
    let named = |word: &str| match scope.name_of(ty) {
        Some(name) => format!("{word} {name} {{ "),
        None => format!("{word} {{ "),
    };
    Some(match ty {
        Type::Record(record) => {
            let fields: Vec<_> = record.fields().collect();
            let member = |index: usize| fields.get(index).map(|field| typed(field.name, &field.ty));
            members(&named("record"), fields.len(), member, " }", index)
        }
        Type::Variant(variant) => {
            let cases: Vec<_> = variant.cases().collect();
            let member = |index: usize| {
                let case = cases.get(index)?;
                Some(match &case.ty {
                    Some(ty) => format!("{}({})", case.name, printable(&scope.type_text(ty))),
                    None => case.name.to_owned(),
                })
            };
            members(&named("variant"), cases.len(), member, " }", index)
        }
        Type::Enum(names) => {
            let names: Vec<&str> = names.names().collect();
            let member = |index: usize| names.get(index).map(|name| (*name).to_owned());
            members(&named("enum"), names.len(), member, " }", index)
        }
        Type::Flags(names) => {
            let names: Vec<&str> = names.names().collect();
            let member = |index: usize| names.get(index).map(|name| (*name).to_owned());
            members(&named("flags"), names.len(), member, " }", index)
        }
        Type::Tuple(tuple) => {
            let types: Vec<Type> = tuple.types().collect();
            let member = |index: usize| types.get(index).map(|ty| printable(&scope.type_text(ty)));
            members("tuple<", types.len(), member, ">", index)
        }
        _ => return None,
    })
}

/// Writes members between brackets, and says where the one at `index` is.
fn members(
    open: &str,
    count: usize,
    member: impl Fn(usize) -> Option<String>,
    close: &str,
    index: Option<usize>,
) -> (String, Option<Range<usize>>) {
    let shown = match index {
        _ if count <= SHOWN => 0..count,
        Some(index) if index < count => index.saturating_sub(2)..(index + 3).min(count),
        _ => 0..SHOWN,
    };
    let mut text = open.to_owned();
    let mut mark = None;
    if shown.start > 0 {
        text.push_str("…, ");
    }
    for at in shown.clone() {
        if at > shown.start {
            text.push_str(", ");
        }
        let start = text.len();
        text.push_str(&printable(&member(at).unwrap_or_default()));
        if index == Some(at) {
            mark = Some(start..text.len());
        }
    }
    if shown.end < count {
        text.push_str(", …");
    }
    text.push_str(close);
    (text, mark)
}
