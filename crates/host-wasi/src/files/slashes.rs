//! The name of a directory may have slashes after it, also where it is to be removed.

/// `path` without the slashes at its end. What consists of slashes stays: it is no name, but a way out.
pub(crate) fn without(path: &str) -> &str {
    match path.trim_end_matches('/') {
        "" => path,
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use super::without;

    #[test]
    fn only_slashes_after_a_name_go() {
        let cases = [
            ("a/", "a"),
            ("a//", "a"),
            ("/a/b/", "/a/b"),
            ("a/.", "a/."),
            ("/", "/"),
            ("//", "//"),
            ("", ""),
        ];
        for (path, expected) in cases {
            assert_eq!(without(path), expected, "{path}");
        }
    }
}
