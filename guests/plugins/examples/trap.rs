//! Hostile: runs into the instruction `unreachable`.

struct Trap;

impl plugins::Plugin for Trap {
    fn process(_input: String) -> Result<String, String> {
        core::arch::wasm32::unreachable()
    }

    fn get_version() -> String {
        plugins::HOSTILE.to_owned()
    }
}

plugins::export!(Trap with_types_in plugins);
