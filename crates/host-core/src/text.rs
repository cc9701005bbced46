//! Text that others chose, such as a guest's function names, made fit to print: one line, of bounded length.

/// How many characters of one name or message are kept.
const KEPT: usize = 300;

/// `text` on one line: runs of white space and control characters become one space, and what is very long is cut.
pub(crate) fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control()).filter(|word| !word.is_empty());
    let mut line = String::new();
    for word in words {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
        if let Some((end, _)) = line.char_indices().nth(KEPT) {
            line.truncate(end);
            line.push('…');
            break;
        }
    }
    line
}

/// The first dozen of `names`, and how many there are besides; `None` if there are none.
pub(crate) fn some_of(names: &[String]) -> Option<String> {
    const SHOWN: usize = 12;
    let shown: Vec<String> = names.iter().take(SHOWN).map(|name| one_line(name)).collect();
    let text = shown.join(", ");
    match names.len() {
        0 => None,
        all if all > SHOWN => Some(format!("{text}, and {} more", all - SHOWN)),
        _ => Some(text),
    }
}

/// The name of one of our variants, such as `OutOfFuel`, as `out-of-fuel`.
pub(crate) fn kebab(name: &str) -> String {
    let mut text = String::new();
    for letter in name.chars() {
        if letter.is_ascii_uppercase() && !text.is_empty() {
            text.push('-');
        }
        text.push(letter.to_ascii_lowercase());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_for_machines() {
        for (name, text) in [("Fuel", "fuel"), ("OutOfFuel", "out-of-fuel"), ("", "")] {
            assert_eq!(kebab(name), text);
        }
    }

    #[test]
    fn becomes_one_line_of_bounded_length() {
        assert_eq!(one_line(""), "");
        assert_eq!(one_line("as it was"), "as it was");
        assert_eq!(one_line(" a\n  b\u{1b}[2J\tc "), "a b [2J c");
        for long in ["x".repeat(10_000), "€ ".repeat(10_000)] {
            let line = one_line(&long);
            assert_eq!(line.chars().count(), KEPT + 1);
            assert!(line.ends_with('…'));
        }
    }
}
