//! Which paths of a server does a rule open, and is the path of a request plain enough to be compared?

use std::fmt;
use std::str::FromStr;

use url::Url;

/// The path of an `http` or `https` rule: `/v1/items` for this one path, `/v1/*` for all that begin so.
///
/// What stands behind a `?` in a request is not looked at. Paths are compared as they are sent, capital letters and
/// `%` codes too.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PathPattern {
    path: String,
    /// Whether `*` stands behind it.
    open: bool,
}

impl PathPattern {
    /// Whether a path is covered that is normal already: `.` and `..` are gone.
    #[cfg_attr(not(feature = "http"), expect(dead_code, reason = "only wasi:http has paths"))]
    pub(crate) fn matches(&self, path: &str) -> bool {
        if !self.open {
            return self.path == path;
        }
        path.starts_with(&self.path) && (self.path == "/" || is_plain(path))
    }
}

impl PathPattern {
    /// Whether it opens all paths that `other` opens.
    pub(super) fn includes(&self, other: &PathPattern) -> bool {
        // Only `/*` opens paths that are not plain.
        self == other
            || (self.open && other.path.starts_with(&self.path) && (self.path == "/" || other.path != "/"))
    }
}

/// Whether no server can read the path as leading upwards, for instance because it takes `%2f` for a slash.
fn is_plain(path: &str) -> bool {
    let mut bytes = path.as_bytes().to_vec();
    // A server behind a proxy may decode twice.
    for _ in 0..3 {
        let decoded = decoded(&bytes);
        if decoded == bytes {
            let mut segments = bytes.split(|byte| matches!(byte, b'/' | b'\\'));
            // Some servers cut off what follows a `;`.
            return !segments.any(|segment| {
                let name = segment.split(|byte| *byte == b';').next().unwrap_or(segment);
                name == b"." || name == b".."
            });
        }
        bytes = decoded;
    }
    false
}

/// The bytes with their `%` codes resolved, once.
fn decoded(bytes: &[u8]) -> Vec<u8> {
    let digit = |byte: Option<&u8>| byte.and_then(|byte| char::from(*byte).to_digit(16));
    let mut out = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        match (bytes[index], digit(bytes.get(index + 1)), digit(bytes.get(index + 2))) {
            (b'%', Some(high), Some(low)) => {
                out.push((high * 16 + low) as u8);
                index += 3;
            }
            (byte, ..) => {
                out.push(byte);
                index += 1;
            }
        }
    }
    out
}

impl FromStr for PathPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if !text.starts_with('/') {
            return Err("the path is missing: write `/*` behind the host for all paths".to_owned());
        }
        if let Some(mark) = text.find(['?', '#']) {
            return Err(format!(
                "a rule has no query and no fragment: leave out {:?}; any query is allowed",
                &text[mark..]
            ));
        }
        let (path, open) = match text.strip_suffix('*') {
            Some(path) => (path, true),
            None => (text, false),
        };
        if path.contains('*') {
            return Err(format!("the path {text:?} is wrong: `*` stands only at its end, as in `/v1/*`"));
        }
        match Url::parse(&format!("http://host{path}")) {
            Ok(url) if url.path() == path && is_plain(path) => Ok(Self { path: path.to_owned(), open }),
            Ok(url) if url.path() != path => {
                Err(format!("the path {path:?} is sent as {0:?}: write {0:?}", url.path()))
            }
            _ => Err(format!(
                "the path {path:?} leads upwards for some servers: write it without `..` and its codes"
            )),
        }
    }
}

impl fmt::Display for PathPattern {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.path)?;
        formatter.write_str(if self.open { "*" } else { "" })
    }
}

#[cfg(test)]
mod tests {
    use super::{PathPattern, is_plain};

    #[test]
    #[cfg(feature = "http")]
    fn a_pattern_opens_one_path_or_all_that_begin_so() {
        let check = |pattern: &str, path, expect| {
            let pattern: PathPattern = pattern.parse().unwrap();
            assert_eq!(pattern.matches(path), expect, "{pattern} {path}");
        };
        check("/", "/", true);
        check("/", "/a", false);
        check("/v1/items", "/v1/items", true);
        check("/v1/items", "/v1/items/", false);
        check("/v1/*", "/v1/", true);
        check("/v1/*", "/v1/a/b", true);
        check("/v1/*", "/v1", false);
        check("/v1/*", "/V1/a", false);
        check("/v1/*", "/%76%31/a", false);
        check("/v1/*", "/v1/..%2fadmin", false);
        check("/v1/*", "/v1/..%5Cadmin", false);
        check("/v1/*", "/v1/%252e%252e%252fadmin", false);
        check("/v1/*", "/v1/..;/admin", false);
        check("/v1/*", "/v1/a%2fb", true);
        check("/v1/*", "/v1/100%", true);
        check("/*", "/..%2fadmin", true);
    }

    #[test]
    fn a_path_that_is_coded_again_and_again_is_not_plain() {
        assert!(!is_plain(&format!("/v1/%{}2e", "25".repeat(10_000))));
        assert!(is_plain("/v1/%25"));
    }

    #[test]
    fn a_wrong_path_is_told_with_the_right_form() {
        let check = |text: &str, says: &str| {
            let error = text.parse::<PathPattern>().unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        };
        check("", "`/*`");
        check("v1", "`/*`");
        check("/v1?a=b", "leave out \"?a=b\"");
        check("/v1#a", "leave out \"#a\"");
        check("/*/v1", "`/v1/*`");
        check("/v1/../admin", "write \"/admin\"");
        check("/v1/%2e%2e/admin", "write \"/admin\"");
        check("/a b", "write \"/a%20b\"");
        check("/v1/..%2fadmin", "without `..`");
    }
}
