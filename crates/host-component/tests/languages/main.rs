//! Do guests of different languages, made with their ordinary tools, do the same here?
//!
//! `cargo xtask suite languages` builds them, says in `LANGUAGES` where they are, and chooses the tests of those languages
//! whose tools it could have; so this is left out of `cargo test`.

mod chain; // three languages that use each other
mod greeter; // what every language's greeter does
mod host; // what they are given

use greeter::guest;

guest!(rust, fixtures::path("plugins/greeter"));
guest!(javascript, crate::host::built("javascript-greeter"));
guest!(python, crate::host::built("python-greeter"));
guest!(c, crate::host::built("c-greeter"));
