//! On which line of a TOML text does a key stand?

use host_wasi::KeyPart;
use toml::de::{DeTable, DeValue};

/// The line, from 1, of the value that `path` leads to; `None` if the text does not have it.
pub(crate) fn line_of(text: &str, path: &[KeyPart]) -> Option<usize> {
    let root = DeTable::parse(text).ok()?;
    let (KeyPart::Name(first), rest) = path.split_first()? else { return None };
    let mut found = root.get_ref().get(first.as_str())?;
    for part in rest {
        found = match (part, found.get_ref()) {
            (KeyPart::Name(name), DeValue::Table(table)) => table.get(name.as_str())?,
            (KeyPart::Index(index), DeValue::Array(array)) => array.get(*index)?,
            _ => return None,
        };
    }
    let before = text.get(..found.span().start)?;
    Some(before.matches('\n').count() + 1)
}

#[cfg(test)]
mod tests {
    use host_wasi::KeyPart;

    use super::line_of;

    const TEXT: &str = r#"
[grants]
args = [
    "app",
    "--verbose",
]

stdout = { file = { path = "out" } }

[grants.env]
"A=B" = "odd"
NAME = """
long"""

[[grants.directories]]
host = "a"
guest = "b"

[[grants.directories]]
guest = "c"
host = "d"
"#;

    /// `grants args 1`: a path with a space between its parts.
    fn line(path: &str) -> Option<usize> {
        let path: Vec<KeyPart> = path
            .split(' ')
            .map(|part| part.parse().map_or_else(|_| KeyPart::Name(part.to_owned()), KeyPart::Index))
            .collect();
        line_of(TEXT, &path)
    }

    #[test]
    fn every_kind_of_key_is_found() {
        assert_eq!(line("grants args 0"), Some(4));
        assert_eq!(line("grants args 1"), Some(5));
        assert_eq!(line("grants stdout file path"), Some(8));
        assert_eq!(line("grants env A=B"), Some(11));
        assert_eq!(line("grants env NAME"), Some(12));
        assert_eq!(line("grants directories 0"), Some(15));
        assert_eq!(line("grants directories 0 host"), Some(16));
        assert_eq!(line("grants directories 1 guest"), Some(20));
        assert_eq!(line("grants directories 1 host"), Some(21));
    }

    #[test]
    fn what_is_not_there_has_no_line() {
        for path in [
            "limits",
            "0",
            "grants args 2",
            "grants env OTHER",
            "grants directories 2 host",
            "grants args host",
            "grants args 0 0",
        ] {
            assert_eq!(line(path), None, "{path}");
        }
        assert_eq!(line_of("[grants", &[KeyPart::Name("grants".to_owned())]), None);
        assert_eq!(line_of("", &[]), None);
    }

    #[test]
    fn lines_that_end_in_other_ways_are_counted() {
        let path = [KeyPart::Name("é".to_owned())];
        assert_eq!(line_of("# ü\r\n\r\n\"é\" = 1\r\n", &path), Some(3));
    }
}
