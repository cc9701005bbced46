//! Reads what callgrind writes: the instructions of each function, without those of the functions it calls.

use std::collections::BTreeMap;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

/// How many instructions something took.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Counts {
    pub(super) total: u64,
    /// By the names of functions, without what tells two of one name from each other.
    pub(super) functions: BTreeMap<String, u64>,
}

/// All code without a name: that of guests.
const NAMELESS: &str = "code of guests";

impl Counts {
    pub(super) fn divided_by(self, times: u64) -> Counts {
        let functions = self.functions.into_iter().map(|(name, count)| (name, count / times)).collect();
        Counts { total: self.total / times, functions }
    }

    /// As it is kept, with this many functions: those that take most.
    pub(super) fn record(&self, most: usize) -> Value {
        let mut functions: Vec<(&String, &u64)> = self.functions.iter().collect();
        functions.sort_unstable_by_key(|(_, count)| std::cmp::Reverse(**count));
        let functions: BTreeMap<&String, &u64> = functions.into_iter().take(most).collect();
        json!({ "instructions": self.total, "functions": functions })
    }
}

/// Reads a file of callgrind's, as Valgrind's manual describes the format: names are numbered and stand in full once; a line of two
/// numbers is a position and what was spent there; the one after `calls=` is what the called function spent.
pub(super) fn read(text: &str) -> Result<Counts> {
    let mut names: BTreeMap<&str, &str> = BTreeMap::new();
    let mut counts = Counts::default();
    let (mut current, mut is_call) = ("", false);
    for line in text.lines() {
        if let Some(function) = line.strip_prefix("fn=").or_else(|| line.strip_prefix("cfn=")) {
            let (number, name) = function.split_once(' ').unwrap_or((function, ""));
            if !name.is_empty() {
                names.insert(number, name);
            }
            if line.starts_with("fn=") {
                current = names.get(number).copied().with_context(|| format!("`{number}` has no name"))?;
            }
        } else if line.starts_with("calls=") {
            is_call = true;
        } else if line.starts_with(|first: char| first.is_ascii_digit() || "+-*".contains(first))
            && !std::mem::take(&mut is_call)
        {
            let spent = line.split_whitespace().nth(1).unwrap_or("0");
            let spent: u64 = spent.parse().with_context(|| format!("cannot read `{line}`"))?;
            *counts.functions.entry(plain(current)).or_default() += spent;
            counts.total += spent;
        }
    }
    Ok(counts)
}

/// A name without the compiler's hash at its end, and without the number by which callgrind tells rounds of a recursion.
fn plain(name: &str) -> String {
    if name.starts_with("0x") {
        return NAMELESS.to_owned();
    }
    let name = match name.rsplit_once('\'') {
        Some((name, round)) if round.chars().all(|digit| digit.is_ascii_digit()) => name,
        _ => name,
    };
    match name.rsplit_once("::h") {
        Some((name, hash)) if hash.len() == 16 && hash.chars().all(|digit| digit.is_ascii_hexdigit()) => name,
        _ => name,
    }
    .to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_function_calls_is_not_its_own() {
        let text = "\
version: 1
events: Ir
fl=(1) a.rs
fn=(1) outer::h0123456789abcdef
10 5
+2 7
cfn=(2) inner'2
calls=3 20
11 300

fn=(2)
20 90
* 10
fn=(3) 0x0000000012345678
0 40
totals: 152
";
        let counts = read(text).unwrap();
        let functions = [("outer", 12), ("inner", 100), (NAMELESS, 40)];
        let functions = functions.map(|(name, count)| (name.to_owned(), count)).into();
        assert_eq!(counts, Counts { total: 152, functions });
        assert_eq!(counts.divided_by(2).functions["inner"], 50);
    }

    #[test]
    fn only_the_largest_are_kept() {
        let functions = [("a".to_owned(), 1), ("b".to_owned(), 3), ("c".to_owned(), 2)].into();
        let record = Counts { total: 6, functions }.record(2);
        assert_eq!(record, json!({ "instructions": 6, "functions": { "b": 3, "c": 2 } }));
    }
}
