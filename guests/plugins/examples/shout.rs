//! A second, independent plugin of the same world: answers in capitals.

struct Shout;

impl plugins::Plugin for Shout {
    fn process(text: String) -> Result<String, String> {
        plugins::log(&format!("shouting {} bytes", text.len()));
        Ok(text.to_uppercase())
    }

    fn get_version() -> String {
        "2.3.1".to_owned()
    }
}

plugins::export!(Shout with_types_in plugins);
