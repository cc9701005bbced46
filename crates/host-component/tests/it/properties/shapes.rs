//! Types, made by chance, as the text that declares them.

use std::fmt::Write;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

/// A type before a component has it.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    Plain(&'static str),
    List(Box<Shape>),
    Fixed(Box<Shape>, u8),
    Map(&'static str, Box<Shape>),
    Option(Box<Shape>),
    Result(Option<Box<Shape>>, Option<Box<Shape>>),
    Tuple(Vec<Shape>),
    Record(Vec<(&'static str, Shape)>),
    Variant(Vec<(&'static str, Option<Shape>)>),
    Enum(Vec<&'static str>),
    Flags(Vec<&'static str>),
}

const PLAIN: &[&str] =
    &["bool", "s8", "u8", "s16", "u16", "s32", "u32", "s64", "u64", "f32", "f64", "char", "string"];

/// Types that a map may have as its keys.
const KEYS: &[&str] = &["bool", "u8", "s64", "u64", "char", "string"];

/// Names that mean something elsewhere, and some that do not; sorted.
const NAMES: &[&str] = &[
    "a", "b-2", "err", "false", "handle", "inf", "nan", "none", "null", "ok", "ref", "some", "true", "type",
    "x-Y",
];

/// Types that nest a few levels. If `rich`, with what Wasmtime's WAVE does not have: maps, lists of fixed length, and flags
/// whose order is not that of the alphabet.
pub(super) fn shape(rich: bool) -> impl Strategy<Value = Shape> {
    let leaf = prop_oneof![
        6 => select(PLAIN).prop_map(Shape::Plain),
        1 => names(rich).prop_map(Shape::Enum),
        1 => names(rich).prop_map(Shape::Flags),
    ];
    leaf.prop_recursive(5, 24, 4, move |inner| {
        let boxed = inner.clone().prop_map(Box::new);
        let some = prop_oneof![
            2 => boxed.clone().prop_map(Shape::List),
            3 => boxed.clone().prop_map(Shape::Option),
            2 => (option::of(boxed.clone()), option::of(boxed.clone())).prop_map(|(ok, err)| Shape::Result(ok, err)),
            2 => vec(inner.clone(), 1..4).prop_map(Shape::Tuple),
            3 => (names(rich), vec(inner.clone(), 15))
                .prop_map(|(names, shapes)| Shape::Record(names.into_iter().zip(shapes).collect())),
            3 => (names(rich), vec(option::of(inner), 15))
                .prop_map(|(names, shapes)| Shape::Variant(names.into_iter().zip(shapes).collect())),
        ];
        let more = prop_oneof![
            (boxed.clone(), 1_u8..4).prop_map(|(shape, len)| Shape::Fixed(shape, len)),
            (select(KEYS), boxed).prop_map(|(key, shape)| Shape::Map(key, shape)),
        ];
        if rich { prop_oneof![6 => some, 1 => more].boxed() } else { some.boxed() }
    })
}

fn names(rich: bool) -> BoxedStrategy<Vec<&'static str>> {
    let sorted = subsequence(NAMES, 1..5);
    if rich { sorted.prop_shuffle().boxed() } else { sorted.boxed() }
}

impl Shape {
    /// The type where it is used; what must have a name is declared in `body` before.
    pub(super) fn wat(&self, body: &mut String) -> String {
        let definition = match self {
            Shape::Plain(name) => return (*name).to_owned(),
            Shape::List(item) => return format!("(list {})", item.wat(body)),
            Shape::Fixed(item, len) => return format!("(list {} {len})", item.wat(body)),
            Shape::Map(key, value) => return format!("(map {key} {})", value.wat(body)),
            Shape::Option(some) => return format!("(option {})", some.wat(body)),
            Shape::Tuple(items) => {
                let items: Vec<String> = items.iter().map(|item| item.wat(body)).collect();
                return format!("(tuple {})", items.join(" "));
            }
            Shape::Result(ok, err) => {
                let ok = ok.as_ref().map(|ok| ok.wat(body)).unwrap_or_default();
                let err = err.as_ref().map(|err| format!("(error {})", err.wat(body))).unwrap_or_default();
                return format!("(result {ok} {err})");
            }
            Shape::Record(fields) => {
                let field = |(name, shape): &(&str, Shape)| format!("(field \"{name}\" {})", shape.wat(body));
                format!("(record {})", fields.iter().map(field).collect::<String>())
            }
            Shape::Variant(cases) => {
                let case = |(name, shape): &(&str, Option<Shape>)| {
                    let payload = shape.as_ref().map(|shape| shape.wat(body)).unwrap_or_default();
                    format!("(case \"{name}\" {payload})")
                };
                format!("(variant {})", cases.iter().map(case).collect::<String>())
            }
            Shape::Enum(names) => format!("(enum \"{}\")", names.join("\" \"")),
            Shape::Flags(names) => format!("(flags \"{}\")", names.join("\" \"")),
        };
        let name = format!("t{}", body.lines().count());
        writeln!(body, "(type $d{name} {definition}) (export \"{name}\" (type ${name} (eq $d{name})))")
            .unwrap();
        format!("${name}")
    }
}
