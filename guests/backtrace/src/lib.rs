//! Traps three named functions deep, and keeps its debug info so that a backtrace can name the source lines.
#![no_std]

#[unsafe(no_mangle)]
pub extern "C" fn run() -> i32 {
    outer(1)
}

#[inline(never)]
fn outer(depth: i32) -> i32 {
    middle(depth + 1) + depth
}

#[inline(never)]
fn middle(depth: i32) -> i32 {
    inner(depth + 1) + depth
}

#[inline(never)]
fn inner(depth: i32) -> i32 {
    if depth < 100 {
        core::arch::wasm32::unreachable();
    }
    depth
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo<'_>) -> ! {
    core::arch::wasm32::unreachable()
}
