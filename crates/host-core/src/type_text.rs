//! Types of core modules in a few words.

use wasmtime::{ExternType, FuncType};

/// The type of an import or export of a core module in a few words, such as `func(i32, i32) -> i32` or
/// `memory of 1 or more pages`.
pub fn type_text(ty: &ExternType) -> String {
    match ty {
        ExternType::Func(func) => func_text(func),
        ExternType::Global(global) => {
            let mutable = if global.mutability().is_var() { "mutable " } else { "" };
            format!("{mutable}global of {}", global.content())
        }
        ExternType::Table(table) => {
            let range = range(table.minimum(), table.maximum());
            format!("{}table of {range} {}", wide(table.is_64()), table.element())
        }
        ExternType::Memory(memory) => {
            let shared = if memory.is_shared() { "shared " } else { "" };
            let range = range(memory.minimum(), memory.maximum());
            format!("{shared}{}memory of {range} pages", wide(memory.is_64()))
        }
        ExternType::Tag(tag) => format!("tag of {}", func_text(tag.ty())),
    }
}

fn range(minimum: u64, maximum: Option<u64>) -> String {
    match maximum {
        Some(maximum) => format!("{minimum} to {maximum}"),
        None => format!("{minimum} or more"),
    }
}

fn wide(is_64: bool) -> &'static str {
    if is_64 { "64-bit " } else { "" }
}

fn func_text(func: &FuncType) -> String {
    let join = |types: Vec<String>| types.join(", ");
    let params = join(func.params().map(|ty| ty.to_string()).collect());
    let results: Vec<String> = func.results().map(|ty| ty.to_string()).collect();
    match results.as_slice() {
        [] => format!("func({params})"),
        [one] => format!("func({params}) -> {one}"),
        _ => format!("func({params}) -> ({})", join(results)),
    }
}
