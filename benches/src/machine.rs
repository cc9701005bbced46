//! Where and when it was measured, and of what.

use std::process::Command;
use std::time::SystemTime;
use std::{env, fs, thread};

use serde::Serialize;

/// What has to be known to make sense of the numbers.
#[derive(Debug, Serialize)]
pub(crate) struct Machine {
    date: String,
    processor: String,
    cores: usize,
    memory_gib: u64,
    system: String,
    compiler: String,
    /// The commit, with `+` behind it where something was not committed.
    commit: String,
    /// What was measured, by name and version.
    versions: Vec<(&'static str, String)>,
}

impl Machine {
    pub(crate) fn here() -> Machine {
        let field = |file: &str, name: &str| {
            let text = fs::read_to_string(file).unwrap_or_default();
            let line = text.lines().find(|line| line.starts_with(name));
            line.and_then(|line| line.split_once(':')).map(|(_, value)| value.trim().to_owned())
        };
        let kib =
            field("/proc/meminfo", "MemTotal").and_then(|text| text.split(' ').next()?.parse::<u64>().ok());
        let dirty = said("git", &["status", "--porcelain"]).is_some();
        Machine {
            date: humantime::format_rfc3339_seconds(SystemTime::now()).to_string(),
            processor: field("/proc/cpuinfo", "model name").unwrap_or_else(|| env::consts::ARCH.to_owned()),
            cores: thread::available_parallelism().map_or(0, Into::into),
            memory_gib: kib.unwrap_or(0) / (1 << 20),
            system: said("uname", &["-sr"]).unwrap_or_else(|| env::consts::OS.to_owned()),
            compiler: said("rustc", &["--version"]).unwrap_or_else(|| "unknown".to_owned()),
            commit: said("git", &["rev-parse", "--short=10", "HEAD"]).unwrap_or_else(|| "unknown".to_owned())
                + if dirty { "+" } else { "" },
            versions: versions(),
        }
    }

    pub(crate) fn markdown(&self, quick: bool) -> String {
        let versions: Vec<String> =
            self.versions.iter().map(|(name, version)| format!("{name} {version}")).collect();
        format!(
            "{}, {} run. {} cores of {}, {} GiB, {}. {}. wasm-host at {}; {}.\n\n\
             Each line is measured in turn with the others of its table. A value is the median, ± is how far the middle half of \
             the samples lies from it, and a ratio is the median of the ratios to the first line, sample by sample.\n",
            self.date,
            if quick { "quick" } else { "full" },
            self.cores,
            self.processor,
            self.memory_gib,
            self.system,
            self.compiler,
            self.commit,
            versions.join(", "),
        )
    }
}

/// As the lock file has them.
fn versions() -> Vec<(&'static str, String)> {
    let lock = include_str!("../Cargo.lock");
    let newest = |name: &str| {
        let head = format!("name = \"{name}\"\nversion = \"");
        let versions = lock.split(&head).skip(1).filter_map(|rest| rest.split('"').next());
        // They stand in the order of their versions.
        versions.last().unwrap_or("unknown").to_owned()
    };
    [("Wasmtime", "wasmtime"), ("Extism", "extism"), ("wasmer", "wasmer")]
        .map(|(shown, name)| (shown, newest(name)))
        .to_vec()
}

/// The first line that a program prints, if it prints one.
fn said(program: &str, arguments: &[&str]) -> Option<String> {
    let here = env!("CARGO_MANIFEST_DIR");
    let output = Command::new(program).args(arguments).current_dir(here).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    text.lines().next().map(str::to_owned)
}
