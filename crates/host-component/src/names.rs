//! How are names of the component model taken apart, compared and printed?

use std::fmt::Write;

/// A name such as `my-org:my-plugin/plugin-api@0.1.0`, taken apart.
///
/// Every name can be taken apart: what has no package is its own short name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InterfaceName<'a> {
    /// The part before the slash: `my-org:my-plugin`.
    pub package: Option<&'a str>,
    /// The part after the slash and before the version: `plugin-api`.
    pub short: &'a str,
    /// The part after the `@`: `0.1.0`.
    pub version: Option<&'a str>,
    unversioned: &'a str,
}

impl<'a> InterfaceName<'a> {
    /// Takes `name` apart.
    pub fn parse(name: &'a str) -> InterfaceName<'a> {
        let (unversioned, version) = match name.split_once('@') {
            Some((before, version)) => (before, Some(version)),
            None => (name, None),
        };
        let (package, short) = match unversioned.rsplit_once('/') {
            Some((package, short)) => (Some(package), short),
            None => (None, unversioned),
        };
        InterfaceName { package, short, version, unversioned }
    }

    /// The name without its version: `my-org:my-plugin/plugin-api`.
    pub fn unversioned(&self) -> &'a str {
        self.unversioned
    }

    /// Whether a linker that offers `self` also serves an import of `other`: the same name and the same version, or
    /// versions of one semver track (`0.2.3` and `0.2.6`, `1.0.0` and `1.4.0`, but not `0.2.6` and `0.3.0`, and never a
    /// pre-release).
    pub fn is_compatible_with(&self, other: &InterfaceName<'_>) -> bool {
        if self.unversioned != other.unversioned {
            return false;
        }
        match (self.version, other.version) {
            (Some(a), Some(b)) => a == b || matches!((track(a), track(b)), (Some(a), Some(b)) if a == b),
            (a, b) => a == b,
        }
    }
}

/// The part of a version that compatible versions share: `0.2` of `0.2.6`, `1` of `1.4.0`; none for `0.0.1` or `1.0.0-rc.1`.
pub(crate) fn track(version: &str) -> Option<&str> {
    let plain = version.split_once('+').map_or(version, |(plain, _build)| plain);
    let mut parts = plain.split('.');
    let (major, minor, patch) = (parts.next()?, parts.next()?, parts.next()?);
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.next().is_some() || ![major, minor, patch].into_iter().all(number) {
        return None;
    }
    if major != "0" {
        Some(major)
    } else if minor != "0" {
        Some(&plain[..major.len() + 1 + minor.len()])
    } else {
        None
    }
}

/// Names longer than this are not searched for near ones; the comparison takes time in the square of the length.
const LONGEST_COMPARED: usize = 200;

/// How many near names an error shows.
const NEAR_SHOWN: usize = 3;

/// The names among `offered` that someone who wrote `asked` may have meant, nearest first.
pub(crate) fn near<'a>(asked: &str, offered: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    if asked.len() > LONGEST_COMPARED {
        return Vec::new();
    }
    let tolerated = (asked.chars().count() / 3).clamp(1, 3);
    let mut found: Vec<(usize, &str)> = offered
        .into_iter()
        .filter(|name| name.len() <= LONGEST_COMPARED && name.len().abs_diff(asked.len()) <= 4 * tolerated)
        .map(|name| (distance(asked, name), name))
        .filter(|(distance, _)| *distance <= tolerated)
        .collect();
    found.sort_unstable();
    found.dedup();
    found.into_iter().take(NEAR_SHOWN).map(|(_, name)| name.to_owned()).collect()
}

/// Edits (insert, delete, replace) that lead from `a` to `b`.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// How many names an error lists before it says how many more there are.
const LISTED: usize = 20;

/// The longest name printed in full.
const LONGEST_PRINTED: usize = 200;

/// `a`, `b`, `c`: a list for an error message, of bounded length, safe to print on a terminal.
pub(crate) fn list<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> String {
    let mut names = names.into_iter();
    let mut text =
        names.by_ref().take(LISTED).map(|name| quoted(name.as_ref())).collect::<Vec<_>>().join(", ");
    add_more(&mut text, names.count());
    if text.is_empty() { "nothing".to_owned() } else { text }
}

/// [`list`] of what [`first`] gives.
pub(crate) fn list_and_more(names: &[String], more: usize) -> String {
    let mut text = list(names);
    add_more(&mut text, more);
    text
}

fn add_more(text: &mut String, more: usize) {
    if more > 0 {
        // Writing to a String does not fail.
        let _ = write!(text, " and {more} more");
    }
}

/// The first names, as many as [`list`] shows, and how many more there are.
pub(crate) fn first<S: AsRef<str>>(names: impl IntoIterator<Item = S>) -> (Vec<String>, usize) {
    let mut names = names.into_iter();
    let first = names.by_ref().take(LISTED).map(|name| name.as_ref().to_owned()).collect();
    (first, names.count())
}

/// A name between back quotes; see [`printable`].
pub(crate) fn quoted(name: &str) -> String {
    format!("`{}`", printable(name))
}

/// A name that may come from a guest, with characters escaped that could drive a terminal, and cut where it gets too long.
pub(crate) fn printable(name: &str) -> String {
    escaped(name, LONGEST_PRINTED)
}

/// The longest words of others printed in full.
const LONGEST_WORDS: usize = 2_000;

/// Words of Wasmtime's in which there may be names from a guest; see [`printable`].
pub(crate) fn printable_words(words: &str) -> String {
    escaped(words, LONGEST_WORDS)
}

/// As [`printable_words`], of text with several lines, each of which is cut by itself.
#[cfg(feature = "wit")]
pub(crate) fn printable_text(text: &str) -> String {
    let lines: Vec<String> = text.lines().take(LISTED).map(printable_words).collect();
    lines.join("\n")
}

fn escaped(name: &str, longest: usize) -> String {
    let mut text = String::new();
    for character in name.chars() {
        if text.len() >= longest {
            text.push('…');
            break;
        }
        if character.is_control() {
            text.extend(character.escape_default());
        } else if reorders(character) {
            text.extend(character.escape_unicode());
        } else {
            text.push(character);
        }
    }
    text
}

/// Whether the character makes others stand elsewhere, or on another line: what is read is not what is there then.
fn reorders(character: char) -> bool {
    matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn interface_names_come_apart() {
        let name = InterfaceName::parse("my-org:my-plugin/plugin-api@0.1.0");
        assert_eq!(
            (name.package, name.short, name.version, name.unversioned()),
            (Some("my-org:my-plugin"), "plugin-api", Some("0.1.0"), "my-org:my-plugin/plugin-api")
        );
        let name = InterfaceName::parse("log");
        assert_eq!((name.package, name.short, name.version), (None, "log", None));
    }

    #[test]
    fn versions_of_one_track_are_compatible() {
        let compatible = |a, b| InterfaceName::parse(a).is_compatible_with(&InterfaceName::parse(b));
        assert!(compatible("a:b/c@0.2.3", "a:b/c@0.2.6"));
        assert!(compatible("a:b/c@1.0.0", "a:b/c@1.4.0"));
        assert!(compatible("a:b/c@0.0.1", "a:b/c@0.0.1"));
        assert!(compatible("a:b/c@1.0.0+build.7", "a:b/c@1.2.0"));
        assert!(!compatible("a:b/c@0.2.6", "a:b/c@0.3.0"));
        assert!(!compatible("a:b/c@0.0.1", "a:b/c@0.0.2"));
        assert!(!compatible("a:b/c@1.0.0-rc.1", "a:b/c@1.0.0"));
        assert!(!compatible("a:b/c", "a:b/c@1.0.0"));
        assert!(!compatible("a:b/c@1.0.0", "a:b/d@1.0.0"));
    }

    #[test]
    fn distances_are_those_of_levenshtein() {
        for (a, b, expected) in
            [("", "", 0), ("kitten", "sitting", 3), ("abc", "", 3), ("process", "proces", 1)]
        {
            assert_eq!(distance(a, b), expected, "{a} {b}");
        }
    }

    #[test]
    fn near_names_come_nearest_first_and_never_far_ones() {
        assert_eq!(near("proces", ["princes", "get-version", "process"]), ["process", "princes"]);
        assert!(near("x", ["process"]).is_empty());
        assert!(near(&"x".repeat(1000), ["x"]).is_empty());
    }

    #[test]
    fn names_of_guests_cannot_drive_the_terminal() {
        assert_eq!(quoted("a\u{1b}[2J"), "`a\\u{1b}[2J`");
        assert_eq!(quoted("a\u{202e}b\u{2028}c"), "`a\\u{202e}b\\u{2028}c`");
        assert!(quoted(&"x".repeat(5000)).len() < 300);
    }

    #[test]
    fn lists_are_bounded() {
        let names: Vec<String> = (0..30).map(|n| n.to_string()).collect();
        assert!(list(&names).ends_with("`19` and 10 more"));
        assert_eq!(list([""; 0]), "nothing");
    }
}
