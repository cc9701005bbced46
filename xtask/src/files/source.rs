//! A Rust source without what is not code: comments and the insides of strings become blanks, lines stay lines.

/// The code of a source: comments, strings and characters are blanked out.
pub(super) fn code(text: &str) -> String {
    let mut code = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let length = match skipped(rest, code.chars().next_back()) {
            0 => {
                code.push(first);
                first.len_utf8()
            }
            length => {
                blank(&rest[..length], &mut code);
                length
            }
        };
        rest = &rest[length..];
    }
    code
}

/// Code (see [`code`]) without its attributes.
pub(super) fn without_attributes(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut rest = code;
    while let Some(start) = rest.find("#[").into_iter().chain(rest.find("#![")).min() {
        let (before, attribute) = rest.split_at(start);
        kept.push_str(before);
        let mut depth = 0_usize;
        let end = attribute.char_indices().find_map(|(at, c)| {
            match c {
                '[' => depth += 1,
                ']' => depth = depth.saturating_sub(1),
                _ => return None,
            }
            (depth == 0).then_some(at + 1)
        });
        let end = end.unwrap_or(attribute.len());
        blank(&attribute[..end], &mut kept);
        rest = &attribute[end..];
    }
    kept + rest
}

/// How many bytes at the start of `rest` are a comment, a string or a character; none if it is code.
fn skipped(rest: &str, before: Option<char>) -> usize {
    if rest.starts_with("//") {
        return rest.find('\n').unwrap_or(rest.len());
    }
    if rest.starts_with("/*") {
        return block_comment(rest);
    }
    if rest.starts_with('"') {
        return quoted(rest, '"');
    }
    if rest.starts_with('\'') {
        return character(rest);
    }
    // `r"`, `br#"`, `cr##"`: the letters start a string only where no name is under way.
    if before.is_some_and(|c| c.is_alphanumeric() || c == '_') {
        return 0;
    }
    let letters = ["br", "cr", "r"].into_iter().find(|letters| rest.starts_with(letters));
    letters.map_or(0, |letters| raw_string(&rest[letters.len()..]).map_or(0, |length| letters.len() + length))
}

/// The length of a block comment, which may hold others.
fn block_comment(rest: &str) -> usize {
    let mut depth = 0_usize;
    let mut at = 0;
    while at < rest.len() {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return at;
            }
        } else {
            at += rest[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    rest.len()
}

/// The length of a string or character that starts and ends with `quote`, a backslash hiding what follows it.
fn quoted(rest: &str, quote: char) -> usize {
    let mut hidden = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if hidden => hidden = false,
            '\\' => hidden = true,
            _ if c == quote => return at + 1,
            _ => {}
        }
    }
    rest.len()
}

/// The length of a character, or none if the quote starts the name of a lifetime.
fn character(rest: &str) -> usize {
    let mut inside = rest.chars().skip(1);
    match (inside.next(), inside.next()) {
        (Some('\\'), _) | (Some(_), Some('\'')) => quoted(rest, '\''),
        _ => 0,
    }
}

/// The length of `#"…"#` with as many hashes on both sides, or `None` if no raw string starts here.
fn raw_string(rest: &str) -> Option<usize> {
    let hashes = rest.len() - rest.trim_start_matches('#').len();
    let inside = rest[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", &rest[..hashes]);
    Some(inside.find(&end).map_or(rest.len(), |at| hashes + 1 + at + end.len()))
}

fn blank(text: &str, into: &mut String) {
    into.extend(text.chars().map(|c| if c == '\n' { '\n' } else { ' ' }));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of a source, blanks squeezed.
    fn left(text: &str) -> String {
        code(text).split_whitespace().collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn comments_are_blanked_and_may_nest() {
        assert_eq!(left("a // b\nc"), "a c");
        assert_eq!(left("a /* b /* c */ d */ e"), "a e");
        assert_eq!(left("a /* never closed"), "a");
    }

    #[test]
    fn strings_are_blanked_with_what_they_hide() {
        assert_eq!(left(r#"f("a \" // b", c)"#), "f( , c)");
        assert_eq!(left("f(r#\"a \" b\"#, b\"c\", br\"d\\\", e)"), "f( , b , , e)");
        assert_eq!(left("let r = 1; bar\"x\""), "let r = 1; bar");
    }

    #[test]
    fn a_quote_is_a_character_or_a_lifetime() {
        assert_eq!(left("f('\"', 'a', '\\'', 'ä', b'/')"), "f( , , , , b )");
        assert_eq!(left("fn f<'a>(x: &'a str) -> &'static str"), "fn f<'a>(x: &'a str) -> &'static str");
    }

    #[test]
    fn lines_stay_lines() {
        let text = "a /* 1\n2 */ b\nc \"1\n2\" d\n";
        assert_eq!(code(text).lines().count(), text.lines().count());
    }

    #[test]
    fn attributes_are_blanked_with_their_brackets() {
        let text = "#![forbid(x)]\n#[a([b])] fn f(x: [u8; 2]) {}";
        assert_eq!(without_attributes(text).trim(), "fn f(x: [u8; 2]) {}");
        assert_eq!(without_attributes("#[never closed").trim(), "");
    }
}
