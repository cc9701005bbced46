//! Hostile: calls itself deeper than any stack.

struct DeepRecursion;

impl plugins::Plugin for DeepRecursion {
    fn process(input: String) -> Result<String, String> {
        Ok(descend(u64::MAX - input.len() as u64).to_string())
    }

    fn get_version() -> String {
        plugins::HOSTILE.to_owned()
    }
}

plugins::export!(DeepRecursion with_types_in plugins);

/// What the call below returns is turned and mixed, so that no compiler can make a loop of this.
#[inline(never)]
fn descend(depth: u64) -> u64 {
    if depth == 0 { 0 } else { descend(depth - 1).rotate_left(1) ^ depth }
}
