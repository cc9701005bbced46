//! The files that do not pass, each with its reason. Nearly all are older than something that the standard has taken up
//! since: what they call malformed or invalid is WebAssembly now. Of the standard's last two versions one module is here.

use super::judge::Listed;

pub(super) const LISTED: &[Listed] = &[
    listed("function-references/binary.wast", 8, INDEX_OF_MEMORY),
    listed("memory64/binary.wast", 8, INDEX_OF_MEMORY),
    listed("memory64/memory.wast", 2, SEVERAL_MEMORIES),
    listed("memory64/memory64.wast", 2, SEVERAL_MEMORIES),
    listed("multi-value/binary.wast", 8, INDEX_OF_MEMORY),
    listed("mutable-global/linking.wast", 10, SEGMENTS),
    listed("reference-types/binary-leb128.wast", 4, WIDER_NUMBERS),
    listed(
        "reference-types/binary.wast",
        12,
        "4 are sizes and offsets written in more bytes than 32 bits need, as 64-bit memories allow; 8 are the byte that \
         had to be zero, and is a memory's index with multiple memories",
    ),
    listed("reference-types/imports.wast", 3, SEVERAL_MEMORIES),
    listed(
        "reference-types/unreached-invalid.wast",
        1,
        "the labels of a `br_table` in code that is not reached may differ in type since version 2 of the standard; \
         its unreached-valid.wast has one, `meet-bottom`",
    ),
    listed("threads/atomic.wast", 297, SHARED_MEMORY),
    listed("threads/exports.wast", 6, SHARED_MEMORY),
    listed(
        "threads/imports.wast",
        9,
        "3 need a shared memory (see threads/atomic.wast); 6 are modules with more than one table or memory, which \
         reference types and multiple memories allow",
    ),
    listed(
        "threads/memory.wast",
        5,
        "3 are about shared memories (see threads/atomic.wast); 2 are modules with more than one memory, which \
         multiple memories allow",
    ),
    listed(
        "wasm-latest/ref.wast",
        1,
        "a global of a reference to a type that is not there: Wasmtime 48.0.8 panics at it, of which `compile_module` \
         makes an error, instead of saying what is wrong",
    ),
    listed("wasm-v1/binary-leb128.wast", 4, WIDER_NUMBERS),
    listed("wasm-v1/imports.wast", 3, SEVERAL_MEMORIES),
    listed("wasm-v1/memory.wast", 2, SEVERAL_MEMORIES),
    listed("wasm-v2/binary-leb128.wast", 2, WIDER_NUMBERS),
    listed("wasm-v2/binary.wast", 8, INDEX_OF_MEMORY),
    listed("wasm-v2/imports.wast", 3, SEVERAL_MEMORIES),
    listed("wasm-v2/memory.wast", 2, SEVERAL_MEMORIES),
];

const INDEX_OF_MEMORY: &str = "older than multiple memories: the byte after `memory.size` and `memory.grow` had to be \
                               zero, and is a memory's index now";

const SEVERAL_MEMORIES: &str =
    "older than multiple memories: it wants modules with more than one memory to be refused";

const WIDER_NUMBERS: &str = "older than 64-bit memories: it wants sizes and offsets to be refused that are written in more \
                             bytes than 32 bits need";

const SEGMENTS: &str = "older than bulk memory: segments that do not fit made a module unlinkable, and nothing of it \
                        was written; now those before them are written, and instantiation traps";

const SHARED_MEMORY: &str = "shared memories are left out on purpose: how they grow is reported to no store, so no \
                             limit would hold; `host_limits::arm` refuses engines that allow them, and this workspace \
                             builds Wasmtime without its feature `threads`";

const fn listed(file: &'static str, failing: usize, because: &'static str) -> Listed {
    Listed { file, failing, because }
}
