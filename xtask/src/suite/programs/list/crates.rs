//! Programs from crates.io, built here for `wasm32-wasip1`.

use super::{Expected, Program, Run};
use crate::package::{Package, Source};

pub(super) const RIPGREP: Program = Program {
    package: Package {
        name: "ripgrep",
        version: "14.1.1",
        source: Source::Cargo { package: "ripgrep", arguments: &[] },
        sha256: "f77b8032dc584527975f34aa5a897d0ef5a785573fda778771a614ff9da501d9",
        wasm: "bin/rg.wasm",
    },
    language: "Rust",
    limits: &["--memory=16MiB", "--timeout=60s"],
    no_component: None,
    runs: &[
        Run {
            does: "finds lines of standard input",
            files: &[],
            grants: &[],
            args: &["-n", "^[ab]", "-"],
            stdin: "apple\ncherry\nbanana\n",
            expected: Expected::Prints("1:apple\n3:banana\n"),
        },
        Run {
            does: "finds lines in a folder",
            files: FRUIT,
            grants: &["--dir=.::/work:ro"],
            args: &["-j1", "--sort=path", "-n", "an+", "/work"],
            stdin: "",
            expected: Expected::Prints("/work/a.txt:2:banana\n/work/b.txt:1:mango\n"),
        },
        Run {
            does: "finds nothing in a folder that it is not granted",
            files: FRUIT,
            grants: &[],
            args: &["-j1", "--sort=path", "-n", "an+", "/work"],
            stdin: "",
            expected: Expected::Fails { code: 2, says: "rg: /work: " },
        },
    ],
};

const FRUIT: &[(&str, &str)] = &[("a.txt", "apple\nbanana\n"), ("b.txt", "mango\n")];
