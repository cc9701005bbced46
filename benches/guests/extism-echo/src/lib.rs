//! Gives back the text that it is given: a string comes and goes as bytes.

use extism_pdk::{FnResult, plugin_fn};

#[plugin_fn]
pub fn process(text: String) -> FnResult<String> {
    Ok(text)
}
