//! The first of the chain: keeps documents, as words.
//!
//! Some words are orders, for tests of what the others do then: `!trap` traps, `!grow` takes 16 MiB, `!read=PATH` is replaced by what
//! reading that file gives.

wit_bindgen::generate!({ path: "../../wit/chain", world: "first" });

use exports::my_org::chain::words::{DocumentBorrow, Guest, GuestDocument};

struct First;

struct Document {
    words: Vec<String>,
}

impl Guest for First {
    type Document = Document;

    fn longest(of: DocumentBorrow<'_>) -> Option<String> {
        // Of several, the first.
        of.get::<Document>().words.iter().rev().max_by_key(|word| word.chars().count()).cloned()
    }
}

impl GuestDocument for Document {
    fn new(text: String) -> Self {
        Self { words: text.split_whitespace().map(obey).collect() }
    }

    fn count(&self) -> u32 {
        self.words.len() as u32
    }

    fn word(&self, index: u32) -> Option<String> {
        self.words.get(index as usize).cloned()
    }
}

fn obey(word: &str) -> String {
    match word.strip_prefix('!') {
        Some("trap") => panic!("ordered to"),
        Some("grow") => {
            let taken = std::hint::black_box(vec![1_u8; 16 << 20]);
            std::mem::forget(taken);
            "grown".to_owned()
        }
        Some(order) => match order.strip_prefix("read=") {
            Some(path) => std::fs::read_to_string(path)
                .unwrap_or_else(|error| error.kind().to_string().replace(' ', "-")),
            None => word.to_owned(),
        },
        None => word.to_owned(),
    }
}

export!(First);
