//! Text that a guest or a stranger chose, made fit for a terminal.

/// At most `most` characters of `text`, in which nothing can move the cursor, colour the terminal, turn the direction of
/// writing, or pass for another line.
pub(super) fn printable(text: &str, most: usize) -> String {
    let mut printable = String::new();
    for (count, character) in text.chars().enumerate() {
        if count == most {
            printable.push('…');
            break;
        }
        match character {
            '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
                printable.extend(character.escape_unicode());
            }
            character if character.is_control() => printable.extend(character.escape_default()),
            character => printable.push(character),
        }
    }
    printable
}

/// A word for a POSIX shell; `None` if it holds what cannot be shown.
pub(super) fn shell_word(text: &str) -> Option<String> {
    if printable(text, usize::MAX) != text {
        return None;
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@+".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return Some(text.to_owned());
    }
    Some(format!("'{}'", text.replace('\'', r"'\''")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_controls_the_terminal() {
        assert_eq!(printable("a\u{1b}[2J\nü\u{9b}\u{202e}b", 99), r"a\u{1b}[2J\nü\u{9b}\u{202e}b");
        assert_eq!(printable("abc", 3), "abc");
        assert_eq!(printable("abcd", 3), "abc…");
    }

    #[test]
    fn words_stay_one_word() {
        assert_eq!(shell_word("a-b.wasm").as_deref(), Some("a-b.wasm"));
        assert_eq!(shell_word("f(\"x\")").as_deref(), Some("'f(\"x\")'"));
        assert_eq!(shell_word("it's; rm").as_deref(), Some(r"'it'\''s; rm'"));
        assert_eq!(shell_word("").as_deref(), Some("''"));
        assert_eq!(shell_word("a\nb"), None);
    }
}
