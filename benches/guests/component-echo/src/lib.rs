//! Gives back the text that it is given: a string comes and goes as the component model's.

#![no_std]

extern crate alloc;

use alloc::alloc::{Layout, alloc, realloc};
use alloc::string::String;
use core::panic::PanicInfo;

use dlmalloc::GlobalDlmalloc;

wit_bindgen::generate!({ world: "echo", path: "../wit" });

/// The one that Rust's standard library has on this target.
#[global_allocator]
static ALLOCATOR: GlobalDlmalloc = GlobalDlmalloc;

struct Echo;

impl Guest for Echo {
    fn process(text: String) -> String {
        text
    }
}

export!(Echo);

/// Where the host puts what it gives. On this target it comes with the standard library, which is not here.
///
/// # Safety
///
/// As the canonical ABI calls it: `old` is what this gave for `old_length` and `align`, or `old_length` is 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn cabi_realloc(
    old: *mut u8,
    old_length: usize,
    align: usize,
    length: usize,
) -> *mut u8 {
    // SAFETY: the caller keeps to the canonical ABI, whose alignments are powers of two and whose sizes fit.
    let given = unsafe {
        match (old_length, length) {
            (0, 0) => return core::ptr::without_provenance_mut(align),
            (0, length) => alloc(Layout::from_size_align_unchecked(length, align)),
            (old_length, length) => {
                realloc(old, Layout::from_size_align_unchecked(old_length, align), length)
            }
        }
    };
    if given.is_null() {
        core::arch::wasm32::unreachable();
    }
    given
}

#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
