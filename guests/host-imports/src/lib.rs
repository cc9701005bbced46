//! Asks its host for a random number and logs one line that contains it.

mod host {
    #[link(wasm_import_module = "env")]
    unsafe extern "C" {
        /// Logs the `len` bytes of UTF-8 that begin at `ptr` in this guest's memory.
        pub fn host_log(ptr: *const u8, len: usize);
        /// Any number.
        pub safe fn host_random() -> i32;
    }
}

#[unsafe(no_mangle)]
pub extern "C" fn run() {
    let line = format!("the host's random number is {}", host::host_random());
    // SAFETY: the pointer and the length describe `line`, which outlives the call.
    unsafe { host::host_log(line.as_ptr(), line.len()) }
}
