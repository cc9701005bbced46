//! The project's chores, one file each; `cargo xtask --help` lists them. This file only dispatches.
#![forbid(unsafe_code)]
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "chores talk to the person who runs them")]

mod bench;
mod cargo;
mod check;
mod demo;
mod deny;
mod examples;
mod files;
mod guests;
mod layers;
mod package;
mod promises;
mod soak;
mod suite;
mod table;
mod test;

use std::process::ExitCode;

const USAGE: &str = "\
the chores of wasm-host

usage: cargo xtask <command>

  guests             build the WebAssembly guests of guests/ into target/guests/
  check [STEP ...]   everything short of running: fmt, layers, files, promises, clippy, docs, deny
  test [-- ARGS]     build guests, run every test and every example; ARGS go to `cargo test`
  suite NAME [ARGS]  run a public test suite through our crates and show what it says: spec; or
                     wasi [--suite PATH] [--program PATH], of which PATH is a checkout, and a built wasm-host; or
                     programs [--offline] [--adapt] [--program PATH] [NAME ...], which downloads them; or
                     component [--suite PATH ...], of which each PATH is a checkout; or
                     languages [--offline], which downloads the tools that build its guests
  bench [--quick] [--json] [NAME ...]
                     the same jobs through wasm-host, raw Wasmtime and its peers, in one run: all, or those with a
                     NAME in theirs; or
        --counts [--update] [NAME ...]
                     how many instructions the hot paths take, against those in benches/counts.json
  soak [--seconds N] [--seed N]
                     32 plugins under load for N seconds [60], a third of them hostile, with reloads and cancelled calls
  demo [ARGS]        build guests, run good and hostile plugins side by side
";

/// Wrong usage, as most commands of a shell report it.
const WRONG_USAGE: u8 = 2;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match words.as_slice() {
        ["--help" | "-h" | "help"] => {
            print!("{USAGE}");
            return ExitCode::SUCCESS;
        }
        ["guests"] => guests::build().map(|folder| {
            println!("guests: {}", folder.display());
            ExitCode::SUCCESS
        }),
        ["check", steps @ ..] => match check::unknown(steps) {
            None => check::run(steps),
            Some(step) => return wrong_usage(&format!("`check` has no step `{step}`")),
        },
        ["test"] => test::run(&[]),
        ["test", "--", rest @ ..] => test::run(rest),
        ["bench", rest @ ..] => bench::run(rest),
        ["suite", name, rest @ ..] => match suite::find(name) {
            Ok(suite) => suite::run(suite, rest),
            Err(unknown) => return wrong_usage(&unknown),
        },
        ["suite"] => return wrong_usage(&format!("which suite? {}", suite::known())),
        ["soak", rest @ ..] => soak::run(rest),
        ["demo", "--", rest @ ..] | ["demo", rest @ ..] => demo::run(rest),
        [] => return wrong_usage("which command?"),
        [command, ..] if ["guests", "test"].contains(command) => {
            return wrong_usage(&format!(
                "`{command}` does not take these arguments: {}",
                words[1..].join(" ")
            ));
        }
        [command, ..] => return wrong_usage(&format!("there is no command `{command}`")),
    };
    done.unwrap_or_else(|error| {
        eprintln!("error: {error:#}");
        ExitCode::FAILURE
    })
}

fn wrong_usage(what: &str) -> ExitCode {
    eprint!("error: {what}\n\n{USAGE}");
    ExitCode::from(WRONG_USAGE)
}
