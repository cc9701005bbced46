//! From text to JSON, with the place where it stops being JSON.

use serde_json::Value;
use thiserror::Error;

/// Reads JSON text. It may nest no more than 127 deep.
///
/// # Errors
///
/// Where `text` is no JSON.
pub fn parse(text: &str) -> Result<Value, ParseError> {
    serde_json::from_str(text).map_err(|source| ParseError {
        line: source.line(),
        column: source.column(),
        source,
    })
}

/// Where text is no JSON.
#[derive(Debug, Error)]
#[error("the text is not JSON at line {line}, column {column}")]
#[non_exhaustive]
pub struct ParseError {
    /// The line, from 1.
    pub line: usize,
    /// The column, in bytes from 1; 0 where the line before it ended too early.
    pub column: usize,
    /// What `serde_json` says.
    pub source: serde_json::Error,
}
