//! Types of core modules in a few words.

use wasmtime::{ExternType, FuncType, ValType};

/// How many parameters of a function are told, and how many results. A guest may declare a thousand, and import
/// functions of that type a hundred thousand times.
const TOLD: usize = 32;

/// The type of an import or export of a core module in a few words, such as `func(i32, i32) -> i32` or
/// `memory of 1 or more pages`. Of a function's parameters and results the first 32 are told each, and how many there
/// are besides.
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
            let page = if memory.page_size() == USUAL_PAGE {
                String::new()
            } else {
                format!(" of {} bytes", memory.page_size())
            };
            format!("{shared}{}memory of {range} pages{page}", wide(memory.is_64()))
        }
        ExternType::Tag(tag) => format!("tag of {}", func_text(tag.ty())),
    }
}

/// The size of a memory's pages that goes without saying, in bytes.
const USUAL_PAGE: u64 = 1 << 16;

/// The type of a function in a few words.
pub(crate) fn signature_text(
    params: impl ExactSizeIterator<Item = ValType>,
    results: impl ExactSizeIterator<Item = ValType>,
) -> String {
    let params = list(params);
    match results.len() {
        0 => format!("func({params})"),
        1 => format!("func({params}) -> {}", list(results)),
        _ => format!("func({params}) -> ({})", list(results)),
    }
}

fn func_text(func: &FuncType) -> String {
    signature_text(func.params(), func.results())
}

fn list(types: impl ExactSizeIterator<Item = ValType>) -> String {
    let count = types.len();
    let mut told: Vec<String> = types.take(TOLD).map(|ty| ty.to_string()).collect();
    if count > TOLD {
        told.push(format!("and {} more", count - TOLD));
    }
    told.join(", ")
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
