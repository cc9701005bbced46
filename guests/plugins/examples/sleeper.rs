//! Hostile: uses no CPU and comes back in an hour.

struct Sleeper;

impl plugins::Plugin for Sleeper {
    fn process(input: String) -> Result<String, String> {
        std::thread::sleep(std::time::Duration::from_secs(3600));
        Ok(input)
    }

    fn get_version() -> String {
        plugins::HOSTILE.to_owned()
    }
}

plugins::export!(Sleeper with_types_in plugins);
