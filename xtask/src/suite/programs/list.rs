//! The programs, where each comes from, and what is known of them: under which grants they do what.
//!
//! `wasm-host run` passes the standard streams through; all else that a run has is written here. Most of them have, beside a run that
//! works, one with a grant less, which fails.

mod crates;
mod npm;
mod pypi;

use crate::package::Package;

/// A program, in one version.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) package: Package,
    /// What most of it is written in.
    pub(super) language: &'static str,
    /// The options of all runs: how much it may spend.
    pub(super) limits: &'static [&'static str],
    pub(super) runs: &'static [Run],
    /// Why it does not run as a component, if so.
    pub(super) no_component: Option<&'static str>,
}

/// One run of a program, in an empty folder.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) does: &'static str,
    /// The files that are put into the folder: name and contents.
    pub(super) files: &'static [(&'static str, &'static str)],
    /// Options of `wasm-host run`. `{package}` stands for the folder of what was downloaded.
    pub(super) grants: &'static [&'static str],
    pub(super) args: &'static [&'static str],
    pub(super) stdin: &'static str,
    pub(super) expected: Expected,
}

/// How a run ends.
#[derive(Debug)]
pub(super) enum Expected {
    /// Well, and it prints exactly this.
    Prints(&'static str),
    /// Well, and this is in what it prints.
    PrintsPart(&'static str),
    /// With a file in the folder, whose digest is known.
    Writes { file: &'static str, sha256: &'static str },
    /// With this exit code, and words in its standard error.
    Fails { code: i32, says: &'static str },
}

pub(super) const PROGRAMS: &[Program] =
    &[npm::ESBUILD, npm::PYTHON, npm::FLITE, pypi::RESVG, crates::RIPGREP, pypi::CC1, pypi::YOSYS];
