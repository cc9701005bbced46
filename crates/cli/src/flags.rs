//! The command line: which commands there are, and what they take.

mod values;

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand};
use host_plugins::host_limits::Bytes;

pub(crate) use self::values::{Dir, Fuel, Variable, timeout};
use crate::serve::ServeFlags;

/// Run, call, serve and inspect WebAssembly programs under limits and grants.
///
/// A program gets nothing of the machine but what the options grant it; it has its standard streams, clocks and random
/// numbers.
#[derive(Parser)]
#[command(name = "wasm-host", version, after_help = EXIT_CODES)]
pub(crate) struct Flags {
    #[command(subcommand)]
    pub(crate) command: Command,
}

const EXIT_CODES: &str = "\
Exit codes: the program's own; 1 if an export returned an error, if doctor finds that a program or a plugin does not fit, or if the
cache has damaged entries or a program that could not be compiled for it; 124 if its deadline passed, 137 if it ran out
of memory or tables, 134 for a trap and every other budget, 125 if wasm-host itself failed, 2 for a wrong command line.";

#[derive(Subcommand)]
pub(crate) enum Command {
    Run(RunFlags),
    Call(CallFlags),
    Serve(ServeFlags),
    Inspect(InspectFlags),
    Doctor(DoctorFlags),
    Explain(ExplainFlags),
    Compile(CompileFlags),
    /// Look after the cache of compiled code.
    #[command(subcommand)]
    Cache(CacheCommand),
}

#[derive(Subcommand)]
pub(crate) enum CacheCommand {
    /// Print how many programs there are, and how much room they take
    Stats(ToolFlags),
    /// Check every entry; those that are damaged are put aside, and make the exit code 1
    Verify(ToolFlags),
    /// Remove what was used longest ago, if there is too much, and what killed processes left
    Gc(ToolFlags),
    /// Remove everything
    Clear(ToolFlags),
    /// Compile programs before they are run
    Prewarm(PrewarmFlags),
}

/// What every command that looks after the cache takes.
#[derive(Args)]
pub(crate) struct ToolFlags {
    /// The cache [default: the folder wasm-host in the user's cache folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// Print it as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Args)]
pub(crate) struct PrewarmFlags {
    /// Components or core modules.
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// The limits that the programs will run under.
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) policy: Option<PathBuf>,
    /// The fuel that they will run with, or `unlimited`; only whether there is a limit matters here
    #[arg(long, value_name = "UNITS")]
    pub(crate) fuel: Option<Fuel>,
    #[command(flatten)]
    pub(crate) tool: ToolFlags,
}

/// Run a WASI 0.1 module, a WASI 0.2 command or, experimentally, a WASI 0.3 command.
///
/// Options come before FILE; everything after it is the program's.
#[derive(Args)]
#[command(override_usage = "wasm-host run [OPTIONS] FILE [ARGS]...", after_help = EXIT_CODES)]
pub(crate) struct RunFlags {
    /// The program, and its arguments.
    #[arg(value_name = "FILE [ARGS]", required = true, trailing_var_arg = true)]
    pub(crate) file_and_args: Vec<OsString>,
    /// The program's own name, its argument 0 [default: the name of FILE without its folders]
    #[arg(long, value_name = "NAME")]
    pub(crate) argv0: Option<String>,
    /// Call this export instead of running the program, with ARGS as values. For a component, WAVE text with its
    /// arguments, such as 'process("Ada")', is taken too
    #[arg(long, value_name = "NAME")]
    pub(crate) invoke: Option<String>,
    #[command(flatten)]
    pub(crate) guest: GuestFlags,
}

/// Call one export, and print what it returns.
///
/// Standard output has the result and nothing else: what the program prints goes to standard error, as do the lines it
/// logs. An export that returns an error (`err(...)`) makes the exit code 1.
#[derive(Args)]
#[command(after_help = EXIT_CODES)]
pub(crate) struct CallFlags {
    /// A component or a core module.
    pub(crate) file: PathBuf,
    /// The export with its arguments, for a component in WAVE: 'process("Ada")', for a core module: 'add(2, 3)'
    #[arg(value_name = "EXPORT(ARGS)", allow_hyphen_values = true)]
    pub(crate) call: String,
    /// Print the result as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    /// Take the arguments from a JSON array instead; then EXPORT is a name only
    #[arg(long, value_name = "ARRAY", allow_hyphen_values = true)]
    pub(crate) json_args: Option<String>,
    #[command(flatten)]
    pub(crate) guest: GuestFlags,
}

/// Print what a program imports and exports, and which grants it may use. No code of it runs.
#[derive(Args)]
pub(crate) struct InspectFlags {
    /// A component or a core module.
    pub(crate) file: PathBuf,
    /// Print what the program would get under this policy, import for import
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) policy: Option<PathBuf>,
    /// Print what the program would get of what this manifest asks for, wish for wish
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) wishes: Option<PathBuf>,
    /// Print nothing but the world of a component, as WIT that other tools read
    #[arg(long, conflicts_with_all = ["json", "policy", "wishes"])]
    pub(crate) wit: bool,
    /// Print nothing but the JSON Schema of each export: of its arguments, as --json-args of `call` takes them, and its result
    #[arg(long, conflicts_with_all = ["json", "policy", "wishes", "wit"])]
    pub(crate) schema: bool,
    /// Print it as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) cache: CacheFlags,
}

/// Say everything that keeps a program from running here, and what to change. No code of it runs.
///
/// Of a directory of plugins, each manifest is looked at, or each .wasm file if there is no manifest, as a plugin host
/// would load it; then nothing runs but the health checks that manifests ask for. The exit code is 1 if one does not fit.
#[derive(Args)]
pub(crate) struct DoctorFlags {
    /// A component, a core module, or a directory of plugins.
    #[arg(value_name = "FILE|DIR")]
    pub(crate) file: PathBuf,
    /// The limits and grants it will run under; without them, a directory is looked at under strict limits and no grants
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) policy: Option<PathBuf>,
    /// Compare the component with a world: a WIT file, a folder of WIT files with its `deps`, or a component; with #NAME if
    /// there are several worlds. What the world does not import, it may have from wasm-host. For a directory: the world that
    /// manifests may name, in full or as its package calls it
    #[arg(long, value_name = "WIT[#NAME]")]
    pub(crate) world: Option<OsString>,
    /// Print it as JSON.
    #[arg(long)]
    pub(crate) json: bool,
    #[command(flatten)]
    pub(crate) cache: CacheFlags,
}

/// Print a crash bundle: why a plugin was stopped, who can act on it, and how to see it again. No code of it runs.
///
/// The exit code is 0 if the bundle can be read, and 125 if not, whatever stopped the plugin.
#[derive(Args)]
pub(crate) struct ExplainFlags {
    /// The directory of one bundle.
    pub(crate) directory: PathBuf,
    /// Print it as JSON.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Compile a program ahead of time, for `--allow-precompiled`.
///
/// The file is for this machine, unless --target names another platform, and for this version. It fits `run` and `call`
/// with the same profile, and with fuel metered or not as here: give the same --policy and --fuel.
#[derive(Args)]
pub(crate) struct CompileFlags {
    /// A component or a core module.
    pub(crate) file: PathBuf,
    /// The file to write.
    #[arg(short, long, value_name = "OUT")]
    pub(crate) output: PathBuf,
    /// Compile for another platform, such as aarch64-unknown-linux-gnu. For that of this machine, the file fits every
    /// processor of the kind, and not only this one
    #[arg(long, value_name = "TRIPLE")]
    pub(crate) target: Option<String>,
    /// Make a component of FILE, a WASI 0.1 module, and compile that
    #[arg(long)]
    pub(crate) adapt: bool,
    /// The limits that the program will run under.
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) policy: Option<PathBuf>,
    /// The fuel that it will run with, or `unlimited`; only whether there is a limit matters here
    #[arg(long, value_name = "UNITS")]
    pub(crate) fuel: Option<Fuel>,
}

/// What is said of a program that runs.
#[derive(Args)]
pub(crate) struct GuestFlags {
    /// Let the program see a directory, under the path GUEST or else the same one. With `:ro` at the end it is read-only
    #[arg(long = "dir", value_name = "HOST[::GUEST][:ro]")]
    pub(crate) dirs: Vec<Dir>,
    /// Set an environment variable, or without `=VALUE` pass on our own. No other is passed on
    #[arg(long = "env", value_name = "NAME[=VALUE]")]
    pub(crate) env: Vec<Variable>,
    /// Limits and grants as a file; other options go over what it says. Its defaults are strict, for code nobody has read
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) policy: Option<PathBuf>,
    /// What the program asks for, as a file that its author wrote: of what is granted it gets only that. Its arguments stay
    #[arg(long, value_name = "FILE.toml")]
    pub(crate) wishes: Option<PathBuf>,
    /// How much fuel the program may burn, about one unit for each instruction, or `unlimited` [default: unlimited]
    #[arg(long, value_name = "UNITS")]
    pub(crate) fuel: Option<Fuel>,
    /// How long the program may run, such as 500ms or 2s; compiling it does not count [default: 1day]
    #[arg(long, value_name = "TIME", value_parser = timeout)]
    pub(crate) timeout: Option<Duration>,
    /// How much memory the program may have, such as 64MiB [default: 4GiB]
    #[arg(long, value_name = "SIZE")]
    pub(crate) memory: Option<Bytes>,
    /// Make a component of FILE, a WASI 0.1 module, and take that: WASI 0.1 is then served by WASI 0.2
    #[arg(long)]
    pub(crate) adapt: bool,
    /// Take FILE also if `wasm-host compile` made it. It is native code that nothing can check: allow it for files of yours
    #[arg(long)]
    pub(crate) allow_precompiled: bool,
    /// When the program is stopped, print where it was, with source lines if it has debug information. Without a policy,
    /// it is compiled for that anew, and runs slower
    #[arg(long)]
    pub(crate) backtrace: bool,
    /// Afterwards, print where the code came from, and what the program spent.
    #[arg(long)]
    pub(crate) stats: bool,
    #[command(flatten)]
    pub(crate) cache: CacheFlags,
}

/// Where compiled code is kept.
#[derive(Args)]
pub(crate) struct CacheFlags {
    /// Keep compiled code here [default: the folder wasm-host in the user's cache folder]
    #[arg(long, value_name = "DIR")]
    pub(crate) cache_dir: Option<PathBuf>,
    /// Compile anew, and keep nothing.
    #[arg(long, conflicts_with = "cache_dir")]
    pub(crate) no_cache: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_is_consistent() {
        Flags::command().debug_assert();
    }

    #[test]
    fn what_stands_behind_the_file_is_the_programs() {
        let line = ["wasm-host", "run", "--fuel=5", "a.wasm", "--fuel=6", "--", "-x"];
        let Command::Run(flags) = Flags::parse_from(line).command else { panic!("not run") };
        assert_eq!(flags.guest.fuel, Some(Fuel(Some(5))));
        assert_eq!(flags.file_and_args, ["a.wasm", "--fuel=6", "--", "-x"]);
    }
}
