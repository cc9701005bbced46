//! Hostile: panics, with a message on its standard error.

struct Panics;

impl plugins::Plugin for Panics {
    fn process(input: String) -> Result<String, String> {
        panic!("this plugin panics on {input:?}")
    }

    fn get_version() -> String {
        plugins::HOSTILE.to_owned()
    }
}

plugins::export!(Panics with_types_in plugins);
