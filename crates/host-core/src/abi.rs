//! Is an error of Wasmtime's the guest's: a value that breaks the component model's canonical ABI?

use std::char::CharTryFromError;
use std::str::Utf8Error;

/// What Wasmtime says of a value that a component gave and that breaks the canonical ABI, or `None` if the error is
/// something else.
///
/// These errors have no type of their own in Wasmtime 48, so their texts are read, whole; the integration tests run into
/// them, so a changed text is noticed.
pub(crate) fn broken(error: &wasmtime::Error) -> Option<String> {
    let text = error.root_cause().to_string();
    let is_of_the_abi = TEXTS.contains(&text.as_str())
        || text.strip_prefix("string pointer not aligned to ").is_some_and(is_number)
        || text
            .strip_prefix("discriminant ")
            .and_then(|rest| rest.strip_suffix(')')?.split_once(" out of range [0.."))
            .is_some_and(|(found, end)| is_number(found) && is_number(end))
        // Text and characters are checked by the standard library.
        || error.is::<Utf8Error>()
        || error.is::<CharTryFromError>();
    is_of_the_abi.then_some(text)
}

const TEXTS: [&str; 12] = [
    "fixed length list out of bounds of memory",
    "invalid expected discriminant",
    "invalid option discriminant",
    "list pointer is not aligned",
    "list pointer/length out of bounds of memory",
    "map pointer is not aligned",
    "map pointer/length out of bounds of memory",
    "pointer out of bounds of memory",
    "realloc return: beyond end of memory",
    "realloc return: result not aligned",
    "return pointer not aligned",
    "string pointer/length out of bounds of memory",
];

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}
