//! Spans for those who trace: `compile`, `link`, `instantiate` and `call`, at debug level, under the target `host_core`.
//!
//! Fields are worked out only if somebody listens.

use std::fmt::Display;

use tracing::field::{Empty, display};
use tracing::{Span, debug_span};
use wasmtime::Module;

use crate::text::one_line;

/// Compiling `bytes` bytes; `module` is told afterwards.
pub(crate) fn compile(bytes: usize) -> Span {
    debug_span!(target: "host_core", "compile", bytes, module = Empty, result = Empty)
}

/// Checking and linking so many modules.
pub(crate) fn link(modules: usize) -> Span {
    debug_span!(target: "host_core", "link", modules, result = Empty)
}

/// Instantiating the module of this name.
pub(crate) fn instantiate(module: &str) -> Span {
    debug_span!(target: "host_core", "instantiate", module = one_line(module), result = Empty)
}

/// Calling an export.
pub(crate) fn call(export: &str) -> Span {
    debug_span!(target: "host_core", "call", module = Empty, export = one_line(export), fuel = Empty, result = Empty)
}

/// The module's name, where it has one.
pub(crate) fn module(span: &Span, module: &Module) {
    if let Some(name) = module.name() {
        span.record("module", one_line(name));
    }
}

/// `ok`, or the error on one line.
pub(crate) fn result<T>(span: &Span, result: &Result<T, impl Display>) {
    if span.is_disabled() {
        return;
    }
    match result {
        Ok(_) => span.record("result", "ok"),
        Err(error) => span.record("result", display(one_line(&error.to_string()))),
    };
}

/// How much fuel was burnt, where it is metered.
pub(crate) fn fuel(span: &Span, fuel: Option<u64>) {
    if let Some(fuel) = fuel {
        span.record("fuel", fuel);
    }
}
