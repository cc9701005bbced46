//! Values of a type, made by chance; extremes as often as anything between.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use wasmtime::component::{Type, Val};

pub(super) fn value(ty: &Type) -> BoxedStrategy<Val> {
    match ty {
        Type::Bool => any::<bool>().prop_map(Val::Bool).boxed(),
        Type::S8 => any::<i8>().prop_map(Val::S8).boxed(),
        Type::U8 => any::<u8>().prop_map(Val::U8).boxed(),
        Type::S16 => bits().prop_map(|bits| Val::S16(bits as i16)).boxed(),
        Type::U16 => bits().prop_map(|bits| Val::U16(bits as u16)).boxed(),
        Type::S32 => bits().prop_map(|bits| Val::S32(bits as i32)).boxed(),
        Type::U32 => bits().prop_map(|bits| Val::U32(bits as u32)).boxed(),
        Type::S64 => bits().prop_map(|bits| Val::S64(bits as i64)).boxed(),
        Type::U64 => bits().prop_map(Val::U64).boxed(),
        Type::Float32 => float32().prop_map(Val::Float32).boxed(),
        Type::Float64 => float64().prop_map(Val::Float64).boxed(),
        Type::Char => character().prop_map(Val::Char).boxed(),
        Type::String => {
            vec(character(), 0..5).prop_map(|text| Val::String(text.into_iter().collect())).boxed()
        }
        Type::List(list) => vec(value(&list.ty()), 0..4).prop_map(Val::List).boxed(),
        Type::FixedLengthList(list) => {
            vec(value(&list.ty()), list.len() as usize).prop_map(Val::FixedLengthList).boxed()
        }
        Type::Map(map) => vec((value(&map.key()), value(&map.value())), 0..3).prop_map(Val::Map).boxed(),
        Type::Tuple(tuple) => {
            tuple.types().map(|ty| value(&ty)).collect::<Vec<_>>().prop_map(Val::Tuple).boxed()
        }
        Type::Record(record) => {
            let names: Vec<String> = record.fields().map(|field| field.name.to_owned()).collect();
            let values: Vec<_> = record.fields().map(|field| value(&field.ty)).collect();
            values.prop_map(move |values| Val::Record(names.iter().cloned().zip(values).collect())).boxed()
        }
        Type::Variant(variant) => {
            let cases: Vec<_> = variant
                .cases()
                .map(|case| {
                    let name = case.name.to_owned();
                    payload(case.ty).prop_map(move |payload| Val::Variant(name.clone(), payload)).boxed()
                })
                .collect();
            proptest::strategy::Union::new(cases).boxed()
        }
        Type::Enum(names) => {
            select(names.names().map(str::to_owned).collect::<Vec<_>>()).prop_map(Val::Enum).boxed()
        }
        Type::Flags(flags) => {
            let names: Vec<String> = flags.names().map(str::to_owned).collect();
            let count = names.len();
            subsequence(names, 0..=count).prop_map(Val::Flags).boxed()
        }
        Type::Option(option) => {
            let some = value(&option.ty()).prop_map(|val| Val::Option(Some(Box::new(val))));
            prop_oneof![Just(Val::Option(None)), some].boxed()
        }
        Type::Result(result) => prop_oneof![
            payload(result.ok()).prop_map(|val| Val::Result(Ok(val))),
            payload(result.err()).prop_map(|val| Val::Result(Err(val))),
        ]
        .boxed(),
        _ => panic!("no such type is made"),
    }
}

fn payload(ty: Option<Type>) -> BoxedStrategy<Option<Box<Val>>> {
    match ty {
        Some(ty) => value(&ty).prop_map(|val| Some(Box::new(val))).boxed(),
        None => Just(None).boxed(),
    }
}

/// Of integers of all widths: nothing, everything, one bit, all bits below one, and any.
fn bits() -> impl Strategy<Value = u64> {
    prop_oneof![
        Just(0),
        Just(u64::MAX),
        (0_u32..64).prop_map(|bit| 1 << bit),
        (0_u32..64).prop_map(|bit| (1 << bit) - 1),
        (0_u32..64).prop_map(|bit| u64::MAX << bit),
        any::<u64>(),
    ]
}

fn float32() -> impl Strategy<Value = f32> {
    let special = select(
        &[
            f32::NAN,
            f32::INFINITY,
            f32::NEG_INFINITY,
            0.0,
            -0.0,
            f32::MIN,
            f32::MAX,
            f32::MIN_POSITIVE,
            1e-45,
            0.1,
        ][..],
    );
    prop_oneof![special, any::<u32>().prop_map(f32::from_bits)]
}

fn float64() -> impl Strategy<Value = f64> {
    let special = select(
        &[
            f64::NAN,
            f64::INFINITY,
            f64::NEG_INFINITY,
            0.0,
            -0.0,
            f64::MIN,
            f64::MAX,
            f64::MIN_POSITIVE,
            5e-324,
            0.1,
            9_007_199_254_740_993.0,
            1e18,
            1e19,
        ][..],
    );
    prop_oneof![special, any::<u64>().prop_map(f64::from_bits)]
}

fn character() -> impl Strategy<Value = char> {
    let special = select(
        &[
            '\0',
            '\'',
            '"',
            '\\',
            '\n',
            '\r',
            '\t',
            '\u{7f}',
            '\u{301}',
            '\u{2028}',
            '\u{feff}',
            '\u{d7ff}',
            '\u{e000}',
            '\u{10ffff}',
            '😀',
            'ß',
        ][..],
    );
    prop_oneof![special, any::<char>()]
}
