//! JSON text gone wrong, or written in a way that no serializer would choose.

use proptest::prelude::*;
use proptest::sample::{Index, select};

/// One change at one place of the text.
#[derive(Clone, Debug)]
pub(super) struct Mistake {
    place: Index,
    change: Change,
}

#[derive(Clone, Debug)]
enum Change {
    /// Something put in anywhere.
    Insert(&'static str),
    /// A character less.
    Remove,
    /// The end comes early.
    Cut,
    /// A field under the name of another that comes after it.
    Before(&'static str),
    /// A field under the name of another that comes before it.
    After(&'static str),
}

const PIECES: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"",
    ",",
    ":",
    "0",
    "1",
    "-",
    ".0",
    "e3",
    "e999",
    "null",
    "nul",
    "true,",
    " ",
    "\n",
    "\\",
    "\\ud800",
    "\\u0061",
    "\u{1}",
    "ß",
    "1,",
    "\"a\":1,",
    "{},",
    "[],",
    "[1e999],",
    "\"\\ud800\",",
];

const JUNK: &[&str] = &[
    "null",
    "1",
    "1.0",
    "-1",
    "1e999",
    "\"x\"",
    "\"\\ud800\"",
    "[]",
    "{}",
    "[[null]]",
    "{\"a\":1,\"a\":2}",
    "{\"some\":null}",
];

pub(super) fn mistake() -> impl Strategy<Value = Mistake> {
    let change = prop_oneof![
        4 => select(PIECES).prop_map(Change::Insert),
        1 => Just(Change::Remove),
        1 => Just(Change::Cut),
        4 => select(JUNK).prop_map(Change::Before),
        4 => select(JUNK).prop_map(Change::After),
    ];
    (any::<Index>(), change).prop_map(|(place, change)| Mistake { place, change })
}

impl Mistake {
    pub(super) fn apply(&self, text: &mut String) {
        let places: Vec<usize> = text.char_indices().map(|(at, _)| at).collect();
        let at = if places.is_empty() { 0 } else { places[self.place.index(places.len())] };
        match self.change {
            Change::Insert(piece) => text.insert_str(at, piece),
            Change::Remove if places.is_empty() => {}
            Change::Remove => drop(text.remove(at)),
            Change::Cut => text.truncate(at),
            Change::Before(junk) | Change::After(junk) => {
                let starts: Vec<usize> = text.match_indices("{\"").map(|(at, _)| at + 1).collect();
                if starts.is_empty() {
                    return;
                }
                let start = starts[self.place.index(starts.len())];
                let Some(length) = text[start + 1..].find('"') else { return };
                let name = text[start..start + length + 2].to_owned();
                let end = text[start..].find('}').map(|end| start + end);
                match (&self.change, end) {
                    (Change::After(_), Some(end)) => text.insert_str(end, &format!(",{name}:{junk}")),
                    _ => text.insert_str(start, &format!("{name}:{junk},")),
                }
            }
        }
    }
}
