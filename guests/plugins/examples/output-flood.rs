//! Hostile: prints for ever.

struct OutputFlood;

impl plugins::Plugin for OutputFlood {
    fn process(input: String) -> Result<String, String> {
        loop {
            println!("{input} {}", "and so on, ".repeat(100));
        }
    }

    fn get_version() -> String {
        plugins::HOSTILE.to_owned()
    }
}

plugins::export!(OutputFlood with_types_in plugins);
