//! What the suite says in the end: a table of its parts, and everything that is not as it should be.

use super::listed::{LISTED, Listed};
use crate::table;

/// How one test went.
#[derive(Debug)]
pub(super) struct Ran {
    /// The part of the suite that it belongs to, such as `rust p3`.
    pub(super) part: String,
    pub(super) test: String,
    /// What was not as expected, or nothing if it passed.
    pub(super) problem: Option<String>,
}

/// The table, and what is wrong. Nothing wrong means that the suite passes.
pub(super) fn judge(runs: &[Ran]) -> (String, Vec<String>) {
    judge_by(runs, LISTED)
}

fn judge_by(runs: &[Ran], listed: &[Listed]) -> (String, Vec<String>) {
    let mut problems = Vec::new();
    let mut parts: Vec<(&str, [usize; 3])> = Vec::new();
    for Ran { part, test, problem } in runs {
        let entry = listed.iter().find(|entry| entry.names(part, test));
        if parts.last().is_none_or(|(last, _)| last != part) {
            parts.push((part, [0; 3]));
        }
        if let Some((_, [tests, passed, known])) = parts.last_mut() {
            *tests += 1;
            *passed += usize::from(problem.is_none());
            *known += usize::from(entry.is_some());
        }
        match (problem, entry) {
            (Some(problem), None) => problems.push(format!("{part}: {test}: {problem}")),
            (None, Some(_)) => {
                problems.push(format!(
                    "{part}: {test} passes, and is listed as one that does not; take it off the list"
                ));
            }
            (None, None) | (Some(_), Some(_)) => {}
        }
    }
    for entry in listed {
        if !runs.iter().any(|run| entry.names(&run.part, &run.test)) {
            problems.push(format!("{}: {} is listed, but there is no such test", entry.part, entry.test));
        }
    }
    (render(&parts), problems)
}

fn render(parts: &[(&str, [usize; 3])]) -> String {
    let row = |name: &str, counts: [usize; 3]| {
        [vec![name.to_owned()], counts.iter().map(usize::to_string).collect()].concat()
    };
    let mut sum = [0; 3];
    let mut rows = Vec::new();
    for (name, counts) in parts {
        rows.push(row(name, *counts));
        for (sum, count) in sum.iter_mut().zip(counts) {
            *sum += count;
        }
    }
    rows.push(row("all", sum));
    table::render(&["sub-suite", "tests", "passed", "listed"], &rows)
}

/// The list, for people: why a test of it does not pass, and what Wasmtime's own command makes of it.
pub(super) fn explained() -> String {
    let rows: Vec<Vec<String>> = LISTED
        .iter()
        .map(|Listed { part, test, reason, raw }| {
            [*part, *test, raw.text(), *reason].map(str::to_owned).to_vec()
        })
        .collect();
    table::render(&["listed", "test", "wasmtime 48", "reason"], &rows)
}

#[cfg(test)]
mod tests {
    use super::super::listed::Raw;
    use super::*;

    fn ran(part: &str, test: &str, problem: Option<&str>) -> Ran {
        Ran { part: part.to_owned(), test: test.to_owned(), problem: problem.map(str::to_owned) }
    }

    const KNOWN: &[Listed] =
        &[Listed { part: "rust p3", test: "known", reason: "it cannot", raw: Raw::Passes }];

    #[test]
    fn what_passes_and_what_is_listed_is_counted() {
        let runs =
            [ran("c p1", "a", None), ran("rust p3", "a", None), ran("rust p3", "known", Some("failed"))];
        let (table, problems) = judge_by(&runs, KNOWN);
        assert!(problems.is_empty(), "{problems:?}");
        let expected = "\
sub-suite  tests  passed  listed
c p1           1       1       0
rust p3        2       1       1
all            3       2       1
";
        assert_eq!(table, expected);
    }

    #[test]
    fn the_list_is_held_to_both_ways() {
        let wrong = |runs: &[Ran]| judge_by(runs, KNOWN).1.join("\n");
        let unlisted = [ran("c p1", "a", Some("it ends with 1")), ran("rust p3", "known", Some("failed"))];
        assert_eq!(wrong(&unlisted), "c p1: a: it ends with 1");
        assert!(wrong(&[ran("rust p3", "known", None)]).contains("take it off the list"));
        assert!(wrong(&[ran("c p1", "known", None)]).contains("there is no such test"));
    }
}
