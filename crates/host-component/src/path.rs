//! Where inside a value is the mistake? Written as `$.items[3].name`.

use std::fmt;

use crate::names;

/// A place inside a value, built from the inside out while an error travels up.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Path(Vec<Step>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Name(String),
    Index(usize),
}

impl Path {
    /// The place one level up: `name` is the field, case or key that led here.
    pub(crate) fn under(mut self, name: &str) -> Path {
        self.0.push(Step::Name(name.to_owned()));
        self
    }

    /// The place one level up: `index` is the position in the list or tuple that led here.
    pub(crate) fn at(mut self, index: usize) -> Path {
        self.0.push(Step::Index(index));
        self
    }
}

impl fmt::Display for Path {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("$")?;
        for step in self.0.iter().rev() {
            match step {
                Step::Name(name) => write!(f, ".{}", names::printable(name))?,
                Step::Index(index) => write!(f, "[{index}]")?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Path;

    #[test]
    fn names_are_cut_and_made_printable() {
        let path = Path::default().under(&"x".repeat(100_000)).at(3).under("a\u{1b}[2J").to_string();
        assert!(path.starts_with("$.a\\u{1b}[2J[3].xxx") && path.len() < 300, "{path}");
    }
}
