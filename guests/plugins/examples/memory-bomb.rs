//! Hostile: takes memory, one touched MiB after another, and keeps it all.

struct MemoryBomb;

impl plugins::Plugin for MemoryBomb {
    fn process(_input: String) -> Result<String, String> {
        let mut kept = Vec::new();
        loop {
            // Filled with something other than zero, so that every page is touched.
            kept.push(std::hint::black_box(vec![1u8; 1 << 20]));
        }
    }

    fn get_version() -> String {
        plugins::HOSTILE.to_owned()
    }
}

plugins::export!(MemoryBomb with_types_in plugins);
