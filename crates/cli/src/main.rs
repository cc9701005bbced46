//! `wasm-host`: runs, calls, serves, inspects, diagnoses and compiles WebAssembly programs under limits and grants,
//! and explains why one was stopped.
#![forbid(unsafe_code)]

mod flags;

mod cache;
mod call;
mod compile;
mod doctor;
mod explain;
mod inspect;
mod run;
mod serve;

mod invoke;
mod load;
mod needs;
mod policy;
mod session;

mod exit;
mod output;

use clap::Parser;

use crate::flags::{Command, Flags};

fn main() {
    let result = match Flags::parse().command {
        Command::Run(flags) => run::run(&flags),
        Command::Call(flags) => call::call(&flags),
        Command::Inspect(flags) => inspect::inspect(&flags),
        Command::Doctor(flags) => doctor::doctor(&flags),
        Command::Explain(flags) => explain::explain(&flags),
        Command::Compile(flags) => compile::compile(&flags),
        Command::Serve(flags) => serve::serve(&flags),
        Command::Cache(command) => cache::cache(&command),
    };
    // Standard output is flushed on the way out.
    std::process::exit(result.unwrap_or_else(|error| exit::report_error(&error)));
}
