//! The second of the chain: makes titles of the first one's documents.
//!
//! A document whose first word is `!second` is an order: its second word is the path of a file, and the title is what reading that
//! gives.

wit_bindgen::generate!({ path: "../../wit/chain", world: "second" });

use exports::my_org::chain::titles::{Document, Guest};

struct Second;

impl Guest for Second {
    fn title(of: &Document) -> String {
        let words: Vec<String> = (0..of.count()).filter_map(|index| of.word(index)).collect();
        if let [order, path, ..] = &words[..]
            && order == "!second"
        {
            return std::fs::read_to_string(path).unwrap_or_else(|error| error.kind().to_string());
        }
        words.iter().map(|word| capital(word)).collect::<Vec<_>>().join(" ")
    }

    fn close(document: Document) -> u32 {
        document.count()
    }
}

fn capital(word: &str) -> String {
    let mut rest = word.chars();
    rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect())
}

export!(Second);
