//! Goes through two types side by side.

use std::cell::Cell;
use std::collections::HashSet;
use std::mem::discriminant;

use wasmtime::component::types::ComponentFunc;
use wasmtime::component::{ResourceType, Type};

use super::side::{Around, side};
use super::{Comparison, Difference};
use crate::names::printable;
use crate::wit::Scope;

/// Differences reported of one comparison.
const REPORTED: usize = 20;

/// Whether two resources, of the left and of the right, are the same one, if that is known.
pub(super) type Same<'a> = &'a dyn Fn(&ResourceType, &ResourceType) -> Option<bool>;

/// The comparison of two types, or of several pairs of them.
pub(crate) struct Comparer<'a> {
    scopes: [&'a Scope<'a>; 2],
    patience: &'a Cell<usize>,
    same: Same<'a>,
    path: Vec<String>,
    found: Comparison,
}

/// The types with members around what is compared, and which members that is part of.
#[derive(Clone, Copy)]
struct Frame<'f> {
    around: [Around<'f>; 2],
    index: [Option<usize>; 2],
}

const NO_FRAME: Frame<'static> = Frame { around: [Around::Nothing; 2], index: [None; 2] };

/// A field, a case, a flag: its name, and its type if it has one.
type Member = (String, Option<Type>);

impl<'a> Comparer<'a> {
    pub(crate) fn new(scopes: [&'a Scope<'a>; 2], patience: &'a Cell<usize>, same: Same<'a>) -> Comparer<'a> {
        Comparer { scopes, patience, same, path: Vec::new(), found: Comparison::default() }
    }

    pub(crate) fn finish(self) -> Comparison {
        self.found
    }

    pub(crate) fn types(&mut self, left: &Type, right: &Type) {
        self.walk(left, right, NO_FRAME);
    }

    pub(crate) fn functions(&mut self, left: &ComponentFunc, right: &ComponentFunc) {
        let around = [Around::Function(left), Around::Function(right)];
        if left.async_() != right.async_() {
            let word = |function: &ComponentFunc| if function.async_() { "async" } else { "not async" };
            let frame = Frame { around, index: [None; 2] };
            self.report(frame, [Some(word(left).to_owned()), Some(word(right).to_owned())]);
        }
        let params = |function: &ComponentFunc| -> Vec<Member> {
            function.params().map(|(name, ty)| (name.to_owned(), Some(ty))).collect()
        };
        let (a, b) = (params(left), params(right));
        if a.len() == b.len() {
            // By position: that is how they are passed, whatever their names.
            for (index, ((name, a), (_, b))) in a.iter().zip(&b).enumerate() {
                let frame = Frame { around, index: [Some(index); 2] };
                self.within(name, |it| it.payloads(a.as_ref(), b.as_ref(), frame));
            }
        } else {
            self.members(&a, &b, around);
        }
        let frame = Frame { around, index: [Some(a.len()), Some(b.len())] };
        let (a, b) = (left.results().next(), right.results().next());
        self.within("result", |it| it.payloads(a.as_ref(), b.as_ref(), frame));
    }

    fn walk(&mut self, left: &Type, right: &Type, frame: Frame<'_>) {
        let left_steps = self.patience.get().saturating_sub(1);
        self.patience.set(left_steps);
        if left_steps == 0 {
            self.found.cut = true;
            return;
        }
        let around = [Around::Type(left), Around::Type(right)];
        match (left, right) {
            (Type::List(a), Type::List(b)) => self.item(&a.ty(), &b.ty(), frame),
            (Type::FixedLengthList(a), Type::FixedLengthList(b)) if a.len() == b.len() => {
                self.item(&a.ty(), &b.ty(), frame);
            }
            (Type::FixedLengthList(_), Type::FixedLengthList(_)) => self.differ(left, right, frame),
            (Type::Map(a), Type::Map(b)) => {
                self.within("key", |it| it.walk(&a.key(), &b.key(), frame));
                self.within("value", |it| it.walk(&a.value(), &b.value(), frame));
            }
            (Type::Option(a), Type::Option(b)) => {
                self.within("some", |it| it.walk(&a.ty(), &b.ty(), frame));
            }
            (Type::Result(a), Type::Result(b)) => {
                self.within("ok", |it| it.payloads(a.ok().as_ref(), b.ok().as_ref(), frame));
                self.within("err", |it| it.payloads(a.err().as_ref(), b.err().as_ref(), frame));
            }
            (Type::Future(a), Type::Future(b)) => {
                self.within("item", |it| it.payloads(a.ty().as_ref(), b.ty().as_ref(), frame));
            }
            (Type::Stream(a), Type::Stream(b)) => {
                self.within("item", |it| it.payloads(a.ty().as_ref(), b.ty().as_ref(), frame));
            }
            (Type::Tuple(a), Type::Tuple(b)) if a.types().len() == b.types().len() => {
                for (index, (a, b)) in a.types().zip(b.types()).enumerate() {
                    let frame = Frame { around, index: [Some(index); 2] };
                    self.within(&index.to_string(), |it| it.walk(&a, &b, frame));
                }
            }
            (Type::Tuple(_), Type::Tuple(_)) => self.differ(left, right, frame),
            (Type::Record(_), Type::Record(_))
            | (Type::Variant(_), Type::Variant(_))
            | (Type::Enum(_), Type::Enum(_))
            | (Type::Flags(_), Type::Flags(_)) => self.members(&members(left), &members(right), around),
            (Type::Own(a), Type::Own(b)) | (Type::Borrow(a), Type::Borrow(b)) => {
                let same_name = || {
                    let [a, b] = self.texts(left, right);
                    let unnamed = |text: &String| text == "resource" || text == "borrow<resource>";
                    a == b || unnamed(&a) || unnamed(&b)
                };
                if !(self.same)(a, b).unwrap_or_else(same_name) {
                    let [a, b] = self.texts(left, right);
                    let b = if a == b { format!("another {b}") } else { b };
                    self.report(frame, [Some(a), Some(b)]);
                }
            }
            _ if discriminant(left) == discriminant(right) => {}
            _ => self.differ(left, right, frame),
        }
    }

    fn item(&mut self, left: &Type, right: &Type, frame: Frame<'_>) {
        self.within("[]", |it| it.walk(left, right, frame));
    }

    fn payloads(&mut self, left: Option<&Type>, right: Option<&Type>, frame: Frame<'_>) {
        match (left, right) {
            (Some(left), Some(right)) => self.walk(left, right, frame),
            (None, None) => {}
            (left, right) => {
                let text = |scope: &Scope<'_>, ty: Option<&Type>| ty.map(|ty| scope.type_text(ty));
                let what = [text(self.scopes[0], left), text(self.scopes[1], right)];
                self.report(frame, what);
            }
        }
    }

    fn members(&mut self, left: &[Member], right: &[Member], around: [Around<'_>; 2]) {
        let names = |members: &[Member]| -> HashSet<String> {
            members.iter().map(|(name, _)| name.clone()).collect()
        };
        let (in_left, in_right) = (names(left), names(right));
        let mut others = false;
        for (index, (name, ty)) in left.iter().enumerate().filter(|(_, (name, _))| !in_right.contains(name)) {
            others = true;
            let what = ty.as_ref().map_or_else(|| name.clone(), |ty| self.scopes[0].type_text(ty));
            let frame = Frame { around, index: [Some(index), None] };
            self.within(name, |it| it.report(frame, [Some(what), None]));
        }
        for (index, (name, ty)) in right.iter().enumerate().filter(|(_, (name, _))| !in_left.contains(name)) {
            others = true;
            let what = ty.as_ref().map_or_else(|| name.clone(), |ty| self.scopes[1].type_text(ty));
            let frame = Frame { around, index: [None, Some(index)] };
            self.within(name, |it| it.report(frame, [None, Some(what)]));
        }
        if others {
            return;
        }
        let moved = left.iter().zip(right).position(|((a, _), (b, _))| a != b);
        if let Some(index) = moved {
            let frame = Frame { around, index: [Some(index); 2] };
            let order = |members: &[Member]| {
                let names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
                Some(format!("in the order {}", names.join(", ")))
            };
            self.report(frame, [order(left), order(right)]);
            return;
        }
        for (index, ((name, a), (_, b))) in left.iter().zip(right).enumerate() {
            let frame = Frame { around, index: [Some(index); 2] };
            self.within(name, |it| it.payloads(a.as_ref(), b.as_ref(), frame));
        }
    }

    fn within(&mut self, step: &str, work: impl FnOnce(&mut Self)) {
        if self.found.differences.len() >= REPORTED || self.found.cut {
            return;
        }
        self.path.push(step.to_owned());
        work(self);
        self.path.pop();
    }

    fn differ(&mut self, left: &Type, right: &Type, frame: Frame<'_>) {
        let texts = self.texts(left, right);
        self.report(frame, texts.map(Some));
    }

    fn texts(&self, left: &Type, right: &Type) -> [String; 2] {
        [self.scopes[0].type_text(left), self.scopes[1].type_text(right)]
    }

    fn report(&mut self, frame: Frame<'_>, what: [Option<String>; 2]) {
        let mut path = String::new();
        for step in &self.path {
            if !path.is_empty() && step != "[]" {
                path.push('.');
            }
            path.push_str(&printable(step));
        }
        let [left, right] = what;
        let left = side(self.scopes[0], frame.around[0], frame.index[0], left);
        let right = side(self.scopes[1], frame.around[1], frame.index[1], right);
        self.found.differences.push(Difference { path, left, right });
    }
}

fn members(ty: &Type) -> Vec<Member> {
    match ty {
        Type::Record(record) => {
            record.fields().map(|field| (field.name.to_owned(), Some(field.ty))).collect()
        }
        Type::Variant(variant) => variant.cases().map(|case| (case.name.to_owned(), case.ty)).collect(),
        Type::Enum(names) => names.names().map(|name| (name.to_owned(), None)).collect(),
        Type::Flags(names) => names.names().map(|name| (name.to_owned(), None)).collect(),
        _ => Vec::new(),
    }
}
