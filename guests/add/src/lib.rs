//! The smallest guest: adds two numbers.

/// The sum, wrapping round as WebAssembly's own `i32.add` does.
#[unsafe(no_mangle)]
pub extern "C" fn add(left: i32, right: i32) -> i32 {
    left.wrapping_add(right)
}
