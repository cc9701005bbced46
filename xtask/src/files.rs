//! The file report: what holds for every file that git knows or would take in, and which sources are long.

mod claims;
mod links;
mod rules;
mod source;

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::cargo::{output, root};
use crate::check::Step;

/// A binary above this size is an artefact somebody forgot, in bytes.
const LARGE_BINARY: usize = 100 * 1024;
/// A source above this many lines is two files.
const LONGEST: usize = 500;
/// How many of the longest sources the report names, and from how many lines on it marks them.
const NAMED: usize = 5;
const MARKED: usize = 400;

/// Holds every file against the rules and names the longest sources.
pub(crate) fn check() -> Result<Step> {
    let root = root();
    let paths = tracked(&root)?;
    let mut problems = Vec::new();
    let mut lengths = Vec::new();
    for path in &paths {
        // A file that git still lists and that is gone already has nothing to say.
        let Ok(bytes) = fs::read(root.join(path)) else { continue };
        let Ok(text) = String::from_utf8(bytes) else {
            problems.extend(rules::stray_binary(path, fs::metadata(root.join(path))?.len()));
            continue;
        };
        problems.extend(rules::machine_paths(path, &text));
        if path.ends_with(".rs") {
            lengths.push((text.lines().count(), path));
            problems.extend(rules::rust(path, &text));
        }
        if path.ends_with(".md") {
            problems.extend(links::broken(path, &text, &paths));
        }
    }
    lengths.sort_unstable_by(|a, b| b.cmp(a));
    let [page, benchmarks] = ["README.md", "BENCHMARKS.md"].map(|name| fs::read_to_string(root.join(name)));
    problems.extend(claims::unfounded("README.md", &page?, &benchmarks?));
    for (lines, path) in lengths.iter().take(NAMED) {
        println!(
            "{lines:5} lines  {path}{}",
            if *lines > MARKED { "  (long: is it two files?)" } else { "" }
        );
    }
    let too_long = lengths.iter().filter(|(lines, _)| *lines > LONGEST);
    problems.extend(too_long.map(|(lines, path)| format!("{path}: {lines} lines, {LONGEST} are the most")));
    for problem in &problems {
        eprintln!("{problem}");
    }
    if problems.is_empty() { Ok(Step::Passed) } else { bail!("{} problem(s) with files", problems.len()) }
}

/// Every file of the repository, new ones included and ignored ones not, with `/` between its parts.
fn tracked(root: &Path) -> Result<BTreeSet<String>> {
    let mut git = Command::new("git");
    git.args(["ls-files", "-z", "--cached", "--others", "--exclude-standard"]).current_dir(root);
    Ok(output(&mut git)?.split_terminator('\0').map(str::to_owned).collect())
}
