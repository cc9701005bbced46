//! What the front page says was measured stands in BENCHMARKS.md, where it says how.

/// What is measured in them: a number, a space, and one of these.
const UNITS: &[&str] = &["ns", "µs", "ms", "KiB", "times"];

/// The measured numbers of a page that the benchmarks' document does not have.
pub(super) fn unfounded(path: &str, page: &str, benchmarks: &str) -> Vec<String> {
    let mut unfounded = Vec::new();
    for (number, line) in (1..).zip(page.lines()) {
        let words: Vec<&str> = line.split_whitespace().collect();
        for pair in words.windows(2) {
            let [value, unit] = pair else { continue };
            let unit = unit.trim_end_matches(|letter: char| !letter.is_alphanumeric());
            if UNITS.contains(&unit) && value.starts_with(|first: char| first.is_ascii_digit()) {
                let claim = format!("{value} {unit}");
                if !benchmarks.contains(&claim) {
                    unfounded.push(format!("{path}:{number}: `{claim}` is not in BENCHMARKS.md"));
                }
            }
        }
    }
    unfounded
}

#[cfg(test)]
mod tests {
    use super::unfounded;

    #[test]
    fn a_number_that_was_not_measured_is_named() {
        let page = "It takes 14 µs, six times\nas much: 3.5 times. It has 32MiB.\n";
        assert_eq!(unfounded("README.md", page, "14 µs and 3.5 times"), [""; 0]);
        let said = unfounded("README.md", page, "| 14 µs |");
        assert_eq!(said, ["README.md:2: `3.5 times` is not in BENCHMARKS.md"]);
    }
}
