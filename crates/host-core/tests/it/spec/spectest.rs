//! The host module `spectest`, which the standard's scripts import from.

use host_limits::Meter;
use wasmtime::{
    Global, GlobalType, Linker, Memory, MemoryType, Mutability, Ref, RefType, Result, Store, Table,
    TableType, Val, ValType,
};

/// Adds `spectest`. Its functions take what they are given and print nothing.
pub(super) fn add_to_linker(linker: &mut Linker<Meter>, store: &mut Store<Meter>) -> Result<()> {
    linker
        .func_wrap(NAME, "print", || {})?
        .func_wrap(NAME, "print_i32", |_: i32| {})?
        .func_wrap(NAME, "print_i64", |_: i64| {})?
        .func_wrap(NAME, "print_f32", |_: f32| {})?
        .func_wrap(NAME, "print_f64", |_: f64| {})?
        .func_wrap(NAME, "print_i32_f32", |_: i32, _: f32| {})?
        .func_wrap(NAME, "print_f64_f64", |_: f64, _: f64| {})?;
    for (name, ty, value) in [
        ("global_i32", ValType::I32, Val::I32(666)),
        ("global_i64", ValType::I64, Val::I64(666)),
        ("global_f32", ValType::F32, Val::F32(666.6_f32.to_bits())),
        ("global_f64", ValType::F64, Val::F64(666.6_f64.to_bits())),
    ] {
        let global = Global::new(&mut *store, GlobalType::new(ty, Mutability::Const), value)?;
        linker.define(&mut *store, NAME, name, global)?;
    }
    let table = Table::new(&mut *store, TableType::new(RefType::FUNCREF, 10, Some(20)), Ref::Func(None))?;
    linker.define(&mut *store, NAME, "table", table)?;
    let table = Table::new(&mut *store, TableType::new64(RefType::FUNCREF, 10, Some(20)), Ref::Func(None))?;
    linker.define(&mut *store, NAME, "table64", table)?;
    let memory = Memory::new(&mut *store, MemoryType::new(1, Some(2)))?;
    linker.define(&mut *store, NAME, "memory", memory)?;
    Ok(())
}

const NAME: &str = "spectest";
