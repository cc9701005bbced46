//! Hostile: never stops computing.

struct EndlessLoop;

impl plugins::Plugin for EndlessLoop {
    fn process(_input: String) -> Result<String, String> {
        loop {
            std::hint::spin_loop();
        }
    }

    fn get_version() -> String {
        plugins::HOSTILE.to_owned()
    }
}

plugins::export!(EndlessLoop with_types_in plugins);
