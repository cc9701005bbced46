//! Any export of any module, called with any values, given as text: an outcome or a fault, and nothing left behind.

use arbitrary::{Arbitrary, Unstructured};
use host_core::{PoolUsage, guard, invoke, parse_arguments};
use host_limits::{Meter, Ticker, arm};
use wasmtime::{ExternType, Linker, Store, ValType};

use super::link::{engine, limits, shape};

/// Whether the input was of any use.
pub(crate) fn run(input: &[u8]) -> bool {
    let mut input = Unstructured::new(input);
    let module = shape(&mut input).and_then(|mut config| {
        config.available_imports = None;
        config.max_imports = 0;
        config.min_funcs = 1;
        config.export_everything = true;
        wasm_smith::Module::new(config, &mut input)
    });
    let Ok(module) = module else { return false };
    let engine = engine();
    let ticker = Ticker::start(&engine).unwrap();
    let Ok(module) = wasmtime::Module::new(&engine, module.to_bytes()) else { return false };
    let mut called = false;
    for export in module.exports() {
        let ExternType::Func(ty) = export.ty() else { continue };
        let texts: Vec<String> = ty.params().map(|ty| text(&ty, &mut input)).collect();
        let Ok(arguments) = parse_arguments(&module, export.name(), &texts) else {
            // Only what has no text form may be refused.
            assert!(ty.params().any(|ty| ty.is_ref()), "{texts:?} for {ty}");
            continue;
        };
        let mut store = Store::new(&engine, Meter::new(limits()));
        arm(&mut store, &ticker).unwrap();
        let result = guard(&mut store, |store| {
            let instance = Linker::new(store.engine()).instantiate(&mut *store, &module)?;
            invoke(store, &instance, export.name(), &arguments)
        });
        match result {
            Ok(outcome) => assert_eq!(outcome.value.len(), ty.results().len()),
            Err(fault) => {
                assert!(["guest", "budget", "host"].contains(&fault.kind().who()), "{fault:?}");
                assert!(!fault.to_string().contains('\n'), "{fault}");
            }
        }
        called = true;
    }
    let left = PoolUsage::of(&engine).unwrap();
    assert_eq!((left.memories, left.tables, left.core_instances), (0, 0, 0), "left behind");
    called
}

/// A value as somebody would write it, extremes among them.
fn text(ty: &ValType, input: &mut Unstructured<'_>) -> String {
    let any = u64::arbitrary(input).unwrap_or(u64::MAX);
    match ty {
        ValType::I32 => (any as i32).to_string(),
        ValType::I64 => (any as i64).to_string(),
        ValType::F32 => f32::from_bits(any as u32).to_string(),
        ValType::F64 => f64::from_bits(any).to_string(),
        ValType::V128 => format!("{any:#x}"),
        ValType::Ref(_) => "null".to_owned(),
    }
}
