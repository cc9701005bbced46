//! What `cargo test` said, as numbers: one line per target, and nothing that died in silence.

use std::ops::Add;

/// Results of tests.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) passed: u64,
    pub(crate) failed: u64,
    pub(crate) ignored: u64,
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            ignored: self.ignored + other.ignored,
        }
    }
}

/// The results of one test binary, of one crate's doc tests, or of all examples.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) name: String,
    pub(super) counts: Counts,
}

impl Target {
    /// Cells for the table: target, passed, failed, ignored.
    pub(super) fn row(&self) -> Vec<String> {
        let Counts { passed, failed, ignored } = self.counts;
        vec![self.name.clone(), passed.to_string(), failed.to_string(), ignored.to_string()]
    }
}

/// Reads the output of `cargo test` line by line.
#[derive(Default)]
pub(super) struct Reader {
    targets: Vec<Target>,
    /// The crate whose unit tests ran last: cargo runs a package's own tests first, then those beside it.
    package: String,
    /// Whether the last target named has told a result yet.
    told: bool,
}

impl Reader {
    pub(super) fn line(&mut self, line: &str) {
        if let Some(header) = header(line) {
            self.close();
            let name = match header {
                Header::Unit(name) => {
                    self.package.clone_from(&name);
                    name
                }
                Header::Integration(name) => format!("{} / {name}", self.package),
                Header::Documentation(name) => format!("{name} / documentation"),
            };
            self.targets.push(Target { name, counts: Counts::default() });
            self.told = false;
        } else if let Some(counts) = result(line) {
            if self.targets.is_empty() {
                self.targets.push(Target { name: "(unnamed)".to_owned(), counts: Counts::default() });
            }
            if let Some(target) = self.targets.last_mut() {
                target.counts = target.counts + counts;
            }
            self.told = true;
        }
    }

    /// The targets, given whether cargo was satisfied; if it was not, at least one failure is counted.
    pub(super) fn finish(mut self, satisfied: bool) -> Vec<Target> {
        self.close();
        if !satisfied && self.targets.iter().all(|target| target.counts.failed == 0) {
            let counts = Counts { failed: 1, ..Counts::default() };
            self.targets.push(Target { name: "cargo test (did not succeed)".to_owned(), counts });
        }
        self.targets
    }

    /// A target that was started and told no result died on the way: one failure.
    fn close(&mut self) {
        if let Some(target) = self.targets.last_mut()
            && !self.told
        {
            target.counts.failed += 1;
        }
    }
}

/// What cargo announces before it runs tests.
enum Header {
    Unit(String),
    Integration(String),
    Documentation(String),
}

/// Reads a line such as `Running unittests src/lib.rs (target/debug/deps/x-0123abcd)`.
fn header(line: &str) -> Option<Header> {
    let line = line.trim();
    if let Some(name) = line.strip_prefix("Doc-tests ") {
        return Some(Header::Documentation(name.to_owned()));
    }
    let (what, binary) = line.strip_prefix("Running ")?.strip_suffix(')')?.split_once(" (")?;
    let name = binary.rsplit(['/', '\\']).next()?;
    let name = name.rsplit_once('-').map_or(name, |(name, _)| name).to_owned();
    Some(if what.starts_with("unittests ") { Header::Unit(name) } else { Header::Integration(name) })
}

/// The numbers of `test result: ok. 12 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.01s`.
pub(crate) fn result(line: &str) -> Option<Counts> {
    let (_, numbers) = line.strip_prefix("test result: ")?.split_once(". ")?;
    let mut counts = Counts::default();
    for part in numbers.split(';') {
        let mut words = part.split_whitespace();
        let (Some(number), Some(what)) = (words.next(), words.next()) else { continue };
        match what {
            "passed" => counts.passed = number.parse().ok()?,
            "failed" => counts.failed = number.parse().ok()?,
            "ignored" => counts.ignored = number.parse().ok()?,
            _ => {}
        }
    }
    Some(counts)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(output: &str, satisfied: bool) -> Vec<Target> {
        let mut reader = Reader::default();
        output.lines().for_each(|line| reader.line(line));
        reader.finish(satisfied)
    }

    fn target(name: &str, passed: u64, failed: u64, ignored: u64) -> Target {
        Target { name: name.to_owned(), counts: Counts { passed, failed, ignored } }
    }

    #[test]
    fn results_go_to_the_target_announced_before_them() {
        let output = "\
     Running unittests src/lib.rs (target/debug/deps/host_limits-6cd1e9de86ad5c4b)

running 3 tests
test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
     Running tests/it/main.rs (target/debug/deps/it-aa9b23b7a1a1f2d5)
test result: FAILED. 10 passed; 2 failed; 1 ignored; 0 measured; 0 filtered out; finished in 1.00s
   Doc-tests host_limits
test result: ok. 1 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s
test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.10s
";
        let expected = [
            target("host_limits", 3, 0, 0),
            target("host_limits / it", 10, 2, 1),
            target("host_limits / documentation", 3, 0, 0),
        ];
        assert_eq!(read(output, false), expected);
    }

    #[test]
    fn a_target_that_dies_without_a_result_is_a_failure() {
        let output = "\
     Running unittests src/lib.rs (target/debug/deps/host_cache-6cd1e9de86ad5c4b)
test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
     Running tests/it/main.rs (target/debug/deps/it-aa9b23b7a1a1f2d5)
running 3 tests
error: test failed, to rerun pass `-p host-cache --test it`
     Running unittests src/lib.rs (target/debug/deps/host_core-6cd1e9de86ad5c4b)
test result: ok. 3 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s
";
        let expected =
            [target("host_cache", 3, 0, 0), target("host_cache / it", 0, 1, 0), target("host_core", 3, 0, 0)];
        assert_eq!(read(output, false), expected);
    }

    #[test]
    fn a_build_that_fails_is_a_failure_though_no_test_ran() {
        assert_eq!(
            read("error: could not compile `x`", false),
            [target("cargo test (did not succeed)", 0, 1, 0)]
        );
    }

    #[test]
    fn success_without_tests_is_nothing() {
        assert!(read("", true).is_empty());
    }
}
