//! The third of the chain: reports on a text with the help of the first and the second.

wit_bindgen::generate!({ path: "../../wit/chain", world: "third" });

use exports::my_org::chain::report::Guest;
use my_org::chain::titles;
use my_org::chain::words::{self, Document};

struct Third;

impl Guest for Third {
    fn run(text: String) -> String {
        let document = Document::new(&text);
        let title = titles::title(&document);
        let longest = words::longest(&document).unwrap_or_else(|| "none".to_owned());
        let count = titles::close(document);
        format!("{title} ({count} words, longest: {longest})")
    }
}

export!(Third);
