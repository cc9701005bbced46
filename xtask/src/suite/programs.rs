//! `cargo xtask suite programs`: programs that nobody here wrote, from public registries, each under the smallest
//! grants that let it work.

mod check;
mod list;
mod process;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use self::check::Runner;
use self::list::{PROGRAMS, Program};
use super::built;
use crate::cargo::metadata;
use crate::package::{self, Fetched, Package};
use crate::table;

/// What the person who runs it wants.
#[derive(Debug, Default, PartialEq)]
struct Wanted {
    /// The command to test; one that is built now, if none.
    program: Option<PathBuf>,
    /// Nothing is downloaded; what is not here is skipped.
    offline: bool,
    /// The programs are run as components.
    adapt: bool,
    /// The names of the programs that are run; all, if none.
    only: Vec<String>,
}

/// Downloads the programs, runs them, and shows what passed. Fails if a program does not do what is known of it, or is not
/// the one that is known; one whose client is missing is skipped.
pub(super) fn run(arguments: &[&str]) -> Result<ExitCode> {
    let wanted = wanted(arguments)?;
    let program = match &wanted.program {
        Some(program) => std::path::absolute(program)?,
        None => built::executable("wasm-host", "wasm-host")?,
    };
    let target = metadata()?["target_directory"].as_str().map(PathBuf::from);
    let folder = target.context("`cargo metadata` names no target directory")?.join("programs");
    let runner = Runner { program, adapt: wanted.adapt, folder: folder.clone() };
    runner.forget()?;
    let chosen = PROGRAMS.iter().filter(|program| wanted.chooses(program));
    let results: Vec<Row> = chosen.map(|program| row(program, &runner, &folder, wanted.offline)).collect();
    println!("\n{}", table::render(HEADING, &results.iter().map(Row::cells).collect::<Vec<_>>()));
    let problems: Vec<&String> = results.iter().flat_map(|row| &row.problems).collect();
    for problem in &problems {
        println!("{problem}\n");
    }
    let ran = results.iter().filter(|row| row.starts.is_some()).count();
    println!("{ran} of {} programs ran, {} problems", results.len(), problems.len());
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn wanted(arguments: &[&str]) -> Result<Wanted> {
    let mut wanted = Wanted::default();
    let mut rest = arguments;
    loop {
        rest = match rest {
            [] => return Ok(wanted),
            ["--offline", rest @ ..] => {
                wanted.offline = true;
                rest
            }
            ["--adapt", rest @ ..] => {
                wanted.adapt = true;
                rest
            }
            ["--program", path, rest @ ..] => {
                wanted.program = Some(path.into());
                rest
            }
            [name, rest @ ..] if PROGRAMS.iter().any(|program| program.package.name == *name) => {
                wanted.only.push((*name).to_owned());
                rest
            }
            [other, ..] => {
                let names: Vec<&str> = PROGRAMS.iter().map(|program| program.package.name).collect();
                bail!(
                    "`suite programs` takes --offline, --adapt, --program PATH (a built wasm-host) and names of programs ({}), \
                     not `{other}`",
                    names.join(", ")
                )
            }
        };
    }
}

impl Wanted {
    fn chooses(&self, program: &Program) -> bool {
        self.only.is_empty() || self.only.iter().any(|name| name == program.package.name)
    }
}

const HEADING: &[&str] =
    &["program", "language", "version", "from", "MiB", "passed", "first start", "second start"];

/// What came of one program.
struct Row {
    program: &'static Program,
    mebibytes: String,
    passed: String,
    /// How long the first run took, with compiling, and the second, with the code from the cache.
    starts: Option<(Duration, Duration)>,
    problems: Vec<String>,
}

impl Row {
    fn cells(&self) -> Vec<String> {
        let Program { package: Package { name, version, source, .. }, language, .. } = self.program;
        let start = |which: fn((Duration, Duration)) -> Duration| {
            self.starts.map_or_else(String::new, |starts| format!("{:.2} s", which(starts).as_secs_f64()))
        };
        vec![
            (*name).to_owned(),
            (*language).to_owned(),
            (*version).to_owned(),
            source.registry().to_owned(),
            self.mebibytes.clone(),
            self.passed.clone(),
            start(|starts| starts.0),
            start(|starts| starts.1),
        ]
    }
}

fn row(program: &'static Program, runner: &Runner, folder: &Path, offline: bool) -> Row {
    let mut row =
        Row { program, mebibytes: String::new(), passed: String::new(), starts: None, problems: Vec::new() };
    if let Some(why) = program.no_component.filter(|_| runner.adapt) {
        row.passed = format!("skipped: {why}");
        return row;
    }
    let wasm = match package::fetch(&program.package, &folder.join(program.package.name), offline) {
        Ok(Fetched::Here { wasm }) => wasm,
        Ok(Fetched::Skipped { why }) => {
            row.passed = format!("skipped: {why}");
            return row;
        }
        Err(error) => {
            row.passed = "not had".to_owned();
            row.problems.push(format!("{}: {error:#}", program.package.name));
            return row;
        }
    };
    let size = fs::metadata(&wasm).map_or(0, |metadata| metadata.len());
    row.mebibytes = format!("{:.1}", size as f64 / f64::from(1 << 20));
    let ran = check::all(program, &wasm, runner);
    let count = program.runs.len();
    row.passed = format!("{} of {count}", count - ran.problems.len());
    row.starts = Some(ran.starts);
    row.problems = ran.problems;
    row
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_read() {
        let read = |arguments: &[&str]| wanted(arguments).map_err(|error| error.to_string());
        assert_eq!(read(&[]), Ok(Wanted::default()));
        let all = read(&["--offline", "python", "--adapt", "--program", "x", "esbuild"]).unwrap();
        let only = vec!["python".to_owned(), "esbuild".to_owned()];
        assert_eq!(all, Wanted { program: Some("x".into()), offline: true, adapt: true, only });
        assert!(read(&["pyton"]).unwrap_err().contains("python, "));
    }
}
