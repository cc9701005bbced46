//! How is a place in a configuration written? `directories[0].host`.

use std::fmt::Write as _;

/// One step on the way to a value in a configuration: into a table by a key, or into an array by a place.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum KeyPart {
    /// The key in a table.
    Name(String),
    /// The place in an array, from 0.
    Index(usize),
}

pub(crate) fn name(name: &str) -> KeyPart {
    KeyPart::Name(name.to_owned())
}

/// The path as text. A name that TOML would not take as it is stands in quotes.
pub(crate) fn key_text(path: &[KeyPart]) -> String {
    let mut text = String::new();
    for part in path {
        match part {
            KeyPart::Index(index) => write!(text, "[{index}]").expect("a String takes all"),
            KeyPart::Name(name) => {
                if !text.is_empty() {
                    text.push('.');
                }
                text.push_str(&quoted_unless_bare(name));
            }
        }
    }
    text
}

fn quoted_unless_bare(name: &str) -> String {
    let bare = |character: char| character.is_ascii_alphanumeric() || matches!(character, '-' | '_');
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { quoted(name) }
}

/// The text as a TOML string. What a terminal would not show as it is, is escaped.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' | '\\' => quoted.extend(['\\', character]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            _ if is_shown(character) => quoted.push(character),
            _ => write!(quoted, "\\U{:08X}", u32::from(character)).expect("a String takes all"),
        }
    }
    quoted.push('"');
    quoted
}

/// The text as it is, but for what a terminal would not show: that is escaped.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::new();
    for character in text.chars() {
        if is_shown(character) {
            shown.push(character);
        } else {
            shown.extend(character.escape_debug());
        }
    }
    shown
}

/// Whether a terminal shows the character, and does not do as it says.
fn is_shown(character: char) -> bool {
    !character.escape_debug().to_string().starts_with("\\u") && !character.is_control()
}

#[cfg(test)]
mod tests {
    use super::{KeyPart::Index, key_text, name, quoted};

    #[test]
    fn a_path_is_written_as_in_toml() {
        assert_eq!(key_text(&[name("directories"), Index(0), name("host")]), "directories[0].host");
        assert_eq!(key_text(&[name("env"), name("A=B")]), "env.\"A=B\"");
        assert_eq!(key_text(&[name("env"), name("")]), "env.\"\"");
    }

    #[test]
    fn a_quoted_text_is_toml_and_does_nothing_to_a_terminal() {
        for text in ["plain", "é🦀", "\"\\\n\t", "\u{1b}[2J\r\0\u{7f}\u{9b}", "\u{202e}txt.exe"] {
            let written = quoted(text);
            assert!(!written.chars().any(char::is_control) && !written.contains('\u{202e}'), "{written}");
            let read: std::collections::BTreeMap<String, String> =
                toml::from_str(&format!("text = {written}")).unwrap();
            assert_eq!(read["text"], text);
        }
    }
}
