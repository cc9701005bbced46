//! Which names does a rule speak of, and how is a name written?

use std::fmt;
use std::str::FromStr;

use url::Host as UrlHost;

/// The names of a rule: `example.org`, or `*.example.org` for every name below that one, however deep, but not for
/// `example.org` itself.
///
/// Capital letters are read as small ones. A name with others than ASCII letters is written as DNS has it (`xn--…`).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NamePattern {
    /// Whether `*.` stands before it.
    below: bool,
    /// In small ASCII letters, without a dot at the end.
    name: String,
}

impl NamePattern {
    /// Whether the pattern speaks of `name`, which is [normal](normal).
    pub(crate) fn matches(&self, name: &str) -> bool {
        if !self.below {
            return self.name == name;
        }
        name.strip_suffix(self.name.as_str())
            .and_then(|front| front.strip_suffix('.'))
            .is_some_and(|front| !front.is_empty())
    }

    /// Whether it speaks of all names that `other` speaks of.
    pub(super) fn includes(&self, other: &NamePattern) -> bool {
        self == other || (self.below && self.matches(&other.name))
    }

    /// Whether it speaks of names that stand for this machine.
    pub(super) fn may_be_localhost(&self) -> bool {
        is_localhost(&self.name)
    }
}

/// Whether a name is said to be this machine's, whatever a name server says.
pub(crate) fn is_localhost(name: &str) -> bool {
    name == "localhost" || name.ends_with(".localhost")
}

/// A name as it is compared: small ASCII letters, other letters as DNS has them, no dot at the end. `None` for what
/// is not a name, or is an address in any of the forms that are taken for one (`0x7f.1`, `2130706433`).
pub(crate) fn normal(name: &str) -> Option<String> {
    match UrlHost::parse(name).ok()? {
        UrlHost::Domain(domain) => {
            let domain = domain.strip_suffix('.').unwrap_or(&domain);
            is_name(domain).then(|| domain.to_owned())
        }
        UrlHost::Ipv4(_) | UrlHost::Ipv6(_) => None,
    }
}

/// Whether this consists of labels that a name server could know.
fn is_name(name: &str) -> bool {
    let is_label = |label: &str| {
        let characters =
            label.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        characters && (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
    };
    name.len() <= 253 && name.split('.').all(is_label)
}

impl FromStr for NamePattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (below, written) = match text.strip_prefix("*.") {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        if written.contains('*') {
            return Err(format!(
                "the name pattern {text:?} is wrong: `*` stands only for the front, as in `*.example.org`"
            ));
        }
        if let Ok(UrlHost::Ipv4(address)) = UrlHost::parse(written) {
            return Err(format!("{text:?} would be read as an IPv4 address: write `{address}`"));
        }
        if written.ends_with('.') {
            return Err(format!("the name {text:?} ends in a dot: write it without"));
        }
        let Some(name) = normal(written) else {
            return Err(format!(
                "{text:?} is no name: write labels of letters, digits, `-` and `_`, as in `example.org`"
            ));
        };
        if !written.is_ascii() {
            return Err(format!(
                "the name {text:?} has letters beyond ASCII: write it as DNS has it, {name:?}"
            ));
        }
        Ok(Self { below, name })
    }
}

impl fmt::Display for NamePattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(if self.below { "*." } else { "" })?;
        formatter.write_str(&self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::{NamePattern, normal};

    #[test]
    fn a_pattern_speaks_of_whole_labels() {
        let check = |pattern: &str, name, expect| {
            let pattern: NamePattern = pattern.parse().unwrap();
            assert_eq!(pattern.matches(name), expect, "{pattern} {name}");
        };
        check("example.org", "example.org", true);
        check("Example.ORG", "example.org", true);
        check("example.org", "a.example.org", false);
        check("example.org", "badexample.org", false);
        check("example.org", "example.org.evil.net", false);
        check("*.example.org", "a.example.org", true);
        check("*.example.org", "a.b.example.org", true);
        check("*.example.org", "example.org", false);
        check("*.example.org", ".example.org", false);
        check("*.example.org", "badexample.org", false);
    }

    #[test]
    fn a_name_is_compared_in_one_form() {
        assert_eq!(normal("EXAMPLE.org.").as_deref(), Some("example.org"));
        assert_eq!(normal("bücher.example").as_deref(), Some("xn--bcher-kva.example"));
        assert_eq!(normal("ｅｘａｍｐｌｅ。org").as_deref(), Some("example.org"));
        assert_eq!(normal("ex%61mple.org").as_deref(), Some("example.org"));
        assert_eq!(normal("_service.example.org").as_deref(), Some("_service.example.org"));
        let long = format!("{}.org", "a".repeat(64));
        for no_name in [
            "",
            ".",
            "..",
            "a..b",
            "example.org..",
            "127.0.0.1",
            "0x7f.1",
            "0177.0.0.1",
            "2130706433",
            "127.1",
            "1.2.3.4.",
            "[::1]",
            "::1",
            "a b",
            "a/b",
            "a@b",
            "a:80",
            "-a.org",
            "a-.org",
            "a\0b",
            "a%00b",
            &long,
        ] {
            assert_eq!(normal(no_name), None, "{no_name}");
        }
    }

    #[test]
    fn a_wrong_pattern_is_told_with_the_right_form() {
        let check = |text: &str, says: &str| {
            let error = text.parse::<NamePattern>().unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        };
        check("a.*.org", "*.example.org");
        check("*example.org", "*.example.org");
        check("*.*.org", "*.example.org");
        check("example.org.", "without");
        check("0x7f.1", "`127.0.0.1`");
        check("2130706433", "`127.0.0.1`");
        check("*.0x7f.1", "`127.0.0.1`");
        check("bücher.example", "xn--bcher-kva.example");
        check("*.", "no name");
        check("", "no name");
        check("exa mple.org", "no name");
    }
}
