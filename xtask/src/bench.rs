//! `cargo xtask bench`: the benchmarks of `benches/`, a workspace of its own with its own lock file.

mod counts;

use std::fs;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result};

use crate::cargo::{self, cargo, root};
use crate::guests;
use crate::package::{self, Fetched, Package, Source};

/// Real modules that import nothing but functions of whoever embeds them, and whose allocator works without any.
const MODULES: [Package; 2] = [
    Package {
        name: "resvg",
        version: "2.6.2",
        source: Source::Npm { package: "@resvg/resvg-wasm", file: "resvg-resvg-wasm-2.6.2.tgz" },
        sha256: "ff51acbb5ee0074601b75c3bea9226a18d346752af787f6d2d3adcdd98493d71",
        wasm: "package/index_bg.wasm",
    },
    Package {
        name: "swc",
        version: "1.16.18",
        source: Source::Npm { package: "@swc/wasm-web", file: "swc-wasm-web-1.16.18.tgz" },
        sha256: "c4db2d89a77f138726cce449697f716fc64d3e222c0f932c617bde39921881ae",
        wasm: "package/wasm_bg.wasm",
    },
];

/// Builds the guests of the benchmarks, downloads the modules, and measures; `arguments` go to the program that does. With
/// `--counts`, instructions are counted instead.
///
/// # Errors
///
/// If something does not build, or a benchmark fails.
pub(crate) fn run(arguments: &[&str]) -> Result<ExitCode> {
    if let ["--counts", rest @ ..] = arguments {
        return counts::run(rest);
    }
    if !arguments.iter().any(|argument| ["--help", "-h"].contains(argument)) {
        guests::build_for_benchmarks()?;
        download()?;
    }
    let mut bench = program(&["run", "--release"]);
    // Where it is set, whoever makes an error pays for a backtrace, and runs could not be compared.
    bench.env_remove("RUST_BACKTRACE");
    cargo::run(bench.arg("--").args(arguments))?;
    Ok(ExitCode::SUCCESS)
}

/// A command of cargo for the program in `benches/`.
fn program(command: &[&str]) -> Command {
    let mut program = cargo(command.iter().copied());
    program.arg("--locked").arg("--manifest-path").arg(root().join("benches").join("Cargo.toml"));
    program.arg("--target-dir").arg(root().join("target").join("bench"));
    program
}

/// Puts the modules into `target/bench-modules`. What cannot be had here is left out, and so is what would be done with it.
#[expect(clippy::print_stderr, reason = "a chore tells the person at the shell how far it is")]
fn download() -> Result<()> {
    let folder = root().join("target").join("bench-modules");
    for module in &MODULES {
        let file = folder.join(format!("{}.wasm", module.name));
        match package::fetch(module, &folder.join("packages").join(module.name), false) {
            Ok(Fetched::Here { wasm }) => {
                fs::copy(&wasm, &file).with_context(|| format!("cannot write {}", file.display()))?;
            }
            Ok(Fetched::Skipped { why }) => eprintln!("bench: {} is left out: {why}", module.name),
            Err(error) => return Err(error.context(format!("cannot download {}", module.name))),
        }
    }
    Ok(())
}
