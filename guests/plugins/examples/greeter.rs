//! Greets by name, and tells the host's log whom.

struct Greeter;

impl plugins::Plugin for Greeter {
    fn process(name: String) -> Result<String, String> {
        if name.is_empty() {
            return Err("nobody to greet".to_owned());
        }
        plugins::log(&format!("greeting {name}"));
        Ok(format!("Hello, {name}!"))
    }

    fn get_version() -> String {
        "0.1.0".to_owned()
    }
}

plugins::export!(Greeter with_types_in plugins);
