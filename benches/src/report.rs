//! What came out: tables as plain data, which is also the JSON, and as Markdown.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde::Serialize;

use crate::compare::Quartiles;
use crate::machine::Machine;
use crate::plot;

/// A run: where and when it was, and all tables.
#[derive(Debug, Serialize)]
pub(crate) struct Report {
    pub(crate) machine: Machine,
    /// Whether it was shortened.
    pub(crate) quick: bool,
    pub(crate) tables: Vec<Table>,
}

/// One job.
#[derive(Debug, Serialize)]
pub(crate) struct Table {
    pub(crate) name: String,
    /// What is done, in a sentence.
    pub(crate) does: String,
    pub(crate) unit: Unit,
    /// How many samples of each line.
    pub(crate) rounds: usize,
    /// The first one is what the others are compared with.
    pub(crate) lines: Vec<Line>,
}

/// One way to do it.
#[derive(Debug, Serialize)]
pub(crate) struct Line {
    pub(crate) name: String,
    pub(crate) value: Quartiles,
    /// To the first line, sample by sample.
    pub(crate) ratio: Quartiles,
    pub(crate) aims: Vec<Verdict>,
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Unit {
    /// Less is better.
    Seconds,
    /// Less is better.
    Bytes,
    /// More is better.
    PerSecond,
}

/// What a ratio should come to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Aim {
    /// The line that it is compared with, if not with the first one.
    pub(crate) of: Option<&'static str>,
    bound: Bound,
}

#[derive(Clone, Copy, Debug)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
    /// As many times as fast: the inverse of a ratio of times.
    AsFastAs(f64),
}

impl Aim {
    /// So many times the first line, or less.
    pub(crate) fn at_most(times: f64) -> Aim {
        Aim { of: None, bound: Bound::AtMost(times) }
    }

    /// So many times the line `of`, or less.
    pub(crate) fn at_most_of(times: f64, of: &'static str) -> Aim {
        Aim { of: Some(of), bound: Bound::AtMost(times) }
    }

    /// So many times the line `of`, or more.
    pub(crate) fn at_least_of(times: f64, of: &'static str) -> Aim {
        Aim { of: Some(of), bound: Bound::AtLeast(times) }
    }

    /// So many times as fast as the line `of`, by times, or faster.
    pub(crate) fn as_fast_as(times: f64, of: &'static str) -> Aim {
        Aim { of: Some(of), bound: Bound::AsFastAs(times) }
    }

    /// Whether the ratio to the line that this is about is what it should be.
    pub(crate) fn judge(self, ratio: f64) -> Verdict {
        let of = self.of.map_or_else(String::new, |line| format!(" of {line}"));
        let (aim, is, met) = match self.bound {
            Bound::AtMost(times) => (format!("at most {times}{of}"), ratio, ratio <= times),
            Bound::AtLeast(times) => (format!("at least {times}{of}"), ratio, ratio >= times),
            Bound::AsFastAs(times) => {
                let faster = 1.0 / ratio;
                (
                    format!("{times} times as fast as {}", self.of.unwrap_or("the first")),
                    faster,
                    faster >= times,
                )
            }
        };
        Verdict { aim, is, met }
    }
}

/// What came of an aim.
#[derive(Debug, Serialize)]
pub(crate) struct Verdict {
    pub(crate) aim: String,
    pub(crate) is: f64,
    pub(crate) met: bool,
}

impl Unit {
    pub(crate) fn heading(self) -> &'static str {
        match self {
            Unit::Seconds => "time",
            Unit::Bytes => "bytes",
            Unit::PerSecond => "a second",
        }
    }

    /// Three digits, and the unit that fits.
    pub(crate) fn render(self, value: f64) -> String {
        let steps: &[(f64, &str)] = match self {
            Unit::Seconds => &[(1.0, " s"), (1e-3, " ms"), (1e-6, " µs"), (1e-9, " ns")],
            Unit::Bytes => &[(1024.0 * 1024.0, " MiB"), (1024.0, " KiB"), (1.0, " B")],
            Unit::PerSecond => &[(1e6, " million"), (1.0, "")],
        };
        let (step, name) = steps.iter().find(|(step, _)| value >= *step).unwrap_or(&steps[steps.len() - 1]);
        format!("{}{name}", three_digits(value / step))
    }
}

pub(crate) fn three_digits(value: f64) -> String {
    let decimals = match value.abs() {
        ..0.0995 => 3,
        ..9.995 => 2,
        ..99.95 => 1,
        _ => 0,
    };
    format!("{value:.decimals$}")
}

impl Table {
    /// For a terminal.
    pub(crate) fn text(&self) -> String {
        let width = self.lines.iter().map(|line| line.name.chars().count()).max().unwrap_or(0);
        let mut text = String::new();
        let heading = format!("{} ({} rounds)", self.name, self.rounds);
        let _ = writeln!(
            text,
            "{heading:<w$} {:>10} {:>6} {:>8}",
            self.unit.heading(),
            "±",
            "ratio",
            w = width + 2
        );
        for line in &self.lines {
            let (value, spread) = (self.unit.render(line.value.median), line.value.spread() * 100.0);
            let ratio = three_digits(line.ratio.median);
            let _ = writeln!(text, "  {:<width$} {value:>10} {spread:>4.0} % {ratio:>8}", line.name);
        }
        text
    }

    /// As a table of Markdown, under a heading.
    pub(crate) fn markdown(&self) -> String {
        let mut text = format!("## {}\n\n{} {} rounds.\n\n", self.name, self.does, self.rounds);
        let _ = writeln!(text, "| | {} | ± | ratio | aim |\n|---|---:|---:|---:|---|", self.unit.heading());
        for line in &self.lines {
            let aims = line.aims.iter().map(|aim| {
                let verdict = if aim.met { "met" } else { "**missed**" };
                format!("{}: {}, {verdict}", aim.aim, three_digits(aim.is))
            });
            let _ = writeln!(
                text,
                "| {} | {} | {:.0} % | {} | {} |",
                line.name,
                self.unit.render(line.value.median),
                line.value.spread() * 100.0,
                three_digits(line.ratio.median),
                aims.collect::<Vec<_>>().join("; "),
            );
        }
        text
    }
}

impl Report {
    /// Writes `report.md`, `results.json` and a plot for each table, and returns where the report is.
    pub(crate) fn write(&self, folder: &Path) -> Result<PathBuf> {
        let plots = folder.join("plots");
        // Those of an earlier run that had other tables.
        if plots.exists() {
            fs::remove_dir_all(&plots).with_context(|| format!("cannot empty {}", plots.display()))?;
        }
        fs::create_dir_all(&plots).with_context(|| format!("cannot make {}", plots.display()))?;
        let mut text = format!("# Side by side\n\n{}\n", self.machine.markdown(self.quick));
        for (number, table) in self.tables.iter().enumerate() {
            let name = format!("{:02}-{}.svg", number + 1, file_name(&table.name));
            plot::draw(table, &plots.join(&name)).with_context(|| format!("cannot draw {name}"))?;
            let _ = writeln!(text, "{}\n![{}](plots/{name})\n", table.markdown(), table.name);
        }
        let write = |name: &str, text: &str| {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
            anyhow::Ok(path)
        };
        write("results.json", &serde_json::to_string_pretty(self)?)?;
        write("report.md", &text)
    }

    /// Puts the tables between the marks of a document, in the place of an older run's.
    pub(crate) fn record(&self, path: &Path) -> Result<()> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let tables: Vec<String> = self.tables.iter().map(Table::markdown).collect();
        let tables = format!("{}\n{}", self.machine.markdown(self.quick), tables.join("\n"));
        // A level below the heading that they stand under.
        let tables = tables.replace("## ", "### ");
        let text =
            between_marks(&text, &tables).with_context(|| format!("{} has no marks", path.display()))?;
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// The aims that were missed, a line each.
    pub(crate) fn missed(&self) -> Vec<String> {
        let mut missed = Vec::new();
        for table in &self.tables {
            for line in &table.lines {
                for aim in line.aims.iter().filter(|aim| !aim.met) {
                    let is = three_digits(aim.is);
                    missed.push(format!("{}: {}: {is}, not {}", table.name, line.name, aim.aim));
                }
            }
        }
        missed
    }
}

/// The marks between which a document has the newest run.
const MARKS: [&str; 2] =
    ["<!-- what follows is written by `cargo xtask bench --record` -->", "<!-- until here -->"];

fn between_marks(text: &str, new: &str) -> Option<String> {
    let (before, rest) = text.split_once(MARKS[0])?;
    let (_, after) = rest.split_once(MARKS[1])?;
    Some(format!("{before}{}\n\n{new}\n{}{after}", MARKS[0], MARKS[1]))
}

/// Letters and digits of a name, with `-` for all else.
fn file_name(name: &str) -> String {
    let words = name.split(|letter: char| !letter.is_ascii_alphanumeric());
    words.filter(|word| !word.is_empty()).collect::<Vec<_>>().join("-").to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_have_three_digits_and_the_unit_that_fits() {
        let seconds = |value| Unit::Seconds.render(value);
        assert_eq!(
            [seconds(1.5e-8), seconds(2.34567e-6), seconds(0.0999), seconds(12.0)],
            ["15.0 ns", "2.35 µs", "99.9 ms", "12.0 s"]
        );
        assert_eq!(Unit::Bytes.render(6_200.0), "6.05 KiB");
        assert_eq!(Unit::PerSecond.render(83_168.4), "83168");
        assert_eq!([three_digits(0.0012), three_digits(0.12)], ["0.001", "0.12"]);
    }

    #[test]
    fn an_aim_says_what_it_is_and_whether_it_is_met() {
        let verdict = Aim::as_fast_as(3.0, "Extism").judge(0.5);
        assert_eq!(
            (verdict.aim.as_str(), verdict.is, verdict.met),
            ("3 times as fast as Extism", 2.0, false)
        );
        assert!(Aim::at_most(1.1).judge(1.1).met && !Aim::at_most(1.1).judge(1.11).met);
        assert!(Aim::at_least_of(1.8, "one").judge(1.8).met && !Aim::at_least_of(1.8, "one").judge(1.7).met);
    }

    #[test]
    fn only_what_is_between_the_marks_is_replaced() {
        let document = |between: &str| format!("before\n{}\n\n{between}\n{}\nafter\n", MARKS[0], MARKS[1]);
        assert_eq!(between_marks(&document("old"), "new"), Some(document("new")));
        assert_eq!(between_marks("no marks", "new"), None);
    }

    #[test]
    fn names_of_files_are_plain() {
        assert_eq!(file_name("fresh call, 16 B: bytes"), "fresh-call-16-b-bytes");
    }
}
