//! `cargo xtask bench --counts`: how many instructions the hot paths take, by Valgrind's callgrind, against those on record.
//!
//! Counts do not depend on what else the machine does. They do depend on the compiler, and a little on the machine: where the
//! processor or the C library differ, the record is another machine's, and is made anew with `--update` before a change.

mod callgrind;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::{env, fs};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::{Value, json};

use self::callgrind::Counts;
use super::program;
use crate::cargo::{self, root};
use crate::{guests, table};

/// More than this many times what is on record is too much.
const ALLOWED: f64 = 1.03;
/// So many functions of each path are on record, and so many are named where one takes too much.
const RECORDED: usize = 40;
const NAMED: usize = 5;

/// Counts, compares, and with `--update` records; `arguments` may have names of paths besides.
///
/// # Errors
///
/// If Valgrind is not here, if something does not build, or if a path that is asked for is not one.
#[expect(clippy::print_stdout, reason = "it talks to the person who runs it")]
pub(super) fn run(arguments: &[&str]) -> Result<ExitCode> {
    let update = arguments.contains(&"--update");
    let wanted: Vec<&str> = arguments.iter().copied().filter(|argument| *argument != "--update").collect();
    if let Some(unknown) = wanted.iter().find(|argument| argument.starts_with('-')) {
        bail!("`bench --counts` takes --update and names of paths, not `{unknown}`");
    }
    let valgrind = cargo::output(Command::new("valgrind").arg("--version"))
        .context("`bench --counts` needs Valgrind (on Debian: apt install valgrind)")?;
    guests::build_for_benchmarks()?;
    let bench = built()?;
    let names = cargo::output(Command::new(&bench).arg("count"))?;
    let paths: Vec<&str> = names.lines().filter(|name| wanted.is_empty() || wanted.contains(name)).collect();
    if let Some(unknown) = wanted.iter().find(|name| !paths.contains(*name)) {
        bail!("there is no hot path `{unknown}`, but: {}", names.lines().collect::<Vec<_>>().join(", "));
    }

    let file = root().join("benches").join("counts.json");
    let mut record: Value = match fs::read_to_string(&file) {
        Ok(text) => serde_json::from_str(&text).with_context(|| format!("cannot read {}", file.display()))?,
        Err(_) => json!({}),
    };
    let here = json!({ "valgrind": valgrind.trim(), "rustc": rustc()? });
    if !update && record["counted by"] != here {
        println!(
            "The counts on record were made by {}, and not by {here}: they may differ for that.",
            record["counted by"]
        );
    }
    let (mut rows, mut slower) = (Vec::new(), Vec::new());
    for path in paths {
        let counts = count(&bench, path)?;
        let known = record["paths"][path]["instructions"].as_u64();
        let ratio = known.map(|known| counts.total as f64 / known as f64);
        let cell = |value: Option<String>| value.unwrap_or_else(|| "-".to_owned());
        rows.push(vec![
            path.to_owned(),
            counts.total.to_string(),
            cell(known.map(|known| known.to_string())),
            cell(ratio.map(|ratio| format!("{:+.1} %", (ratio - 1.0) * 100.0))),
        ]);
        if ratio.is_some_and(|ratio| ratio > ALLOWED) {
            slower.push(format!(
                "{path} takes more than 3 % more. Most of it:\n{}",
                grown(&counts, &record["paths"][path])
            ));
        }
        if update {
            record["paths"][path] = counts.record(RECORDED);
        }
    }
    println!("\n{}", table::render(&["path", "instructions", "on record", "more"], &rows));
    if update {
        record["counted by"] = here;
        fs::write(&file, serde_json::to_string_pretty(&record)? + "\n")
            .with_context(|| format!("cannot write {}", file.display()))?;
        println!("recorded in {}", file.display());
        return Ok(ExitCode::SUCCESS);
    }
    for path in &slower {
        println!("{path}");
    }
    Ok(if slower.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Builds the program, and returns where it is.
fn built() -> Result<PathBuf> {
    cargo::run(&mut program(&["build", "--release"]))?;
    let name = format!("benches{}", env::consts::EXE_SUFFIX);
    Ok(root().join("target").join("bench").join("release").join(name))
}

fn rustc() -> Result<String> {
    Ok(cargo::output(Command::new("rustc").arg("--version"))?.trim().to_owned())
}

/// What one time takes.
fn count(bench: &Path, path: &str) -> Result<Counts> {
    let file = root().join("target").join("bench").join("callgrind.out");
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--tool=callgrind", "--quiet", "--toggle-collect=*count::counted*"]);
    valgrind.arg(format!("--callgrind-out-file={}", file.display()));
    let said = cargo::output(valgrind.arg(bench).args(["count", path]))?;
    let times: u64 = said.trim().parse().with_context(|| format!("`count {path}` has said {said:?}"))?;
    let text = fs::read_to_string(&file).with_context(|| format!("cannot read {}", file.display()))?;
    let counts = callgrind::read(&text)?.divided_by(times);
    ensure!(counts.total > 0, "no instruction of `{path}` was counted: has `counted` lost its name?");
    Ok(counts)
}

/// The functions that take most more than they did, a line each.
fn grown(counts: &Counts, record: &Value) -> String {
    let known: BTreeMap<&str, u64> = record["functions"]
        .as_object()
        .into_iter()
        .flatten()
        .filter_map(|(name, count)| Some((name.as_str(), count.as_u64()?)))
        .collect();
    // One that is not on record took less than the least that is.
    let least = known.values().copied().min().unwrap_or(0);
    let mut grown: Vec<(u64, &str, u64)> = counts
        .functions
        .iter()
        .map(|(name, &now)| {
            let before = known.get(name.as_str()).copied().unwrap_or_else(|| now.min(least));
            (now.saturating_sub(before), name.as_str(), now)
        })
        .filter(|(more, ..)| *more > 0)
        .collect();
    grown.sort_unstable_by(|one, other| other.cmp(one));
    let lines =
        grown.iter().take(NAMED).map(|(more, name, now)| format!("  {more:>8} more, of {now}: {name}"));
    lines.collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_function_that_has_grown_is_named() {
        let counts = Counts {
            total: 240,
            functions: [("a".to_owned(), 130), ("b".to_owned(), 70), ("new".to_owned(), 40)].into(),
        };
        let record = json!({ "instructions": 200, "functions": { "a": 130, "b": 60, "c": 10 } });
        let text = grown(&counts, &record);
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        assert_eq!(lines, ["30 more, of 40: new", "10 more, of 70: b"]);
    }
}
