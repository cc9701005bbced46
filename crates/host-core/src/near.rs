//! Near names: what a misspelt name may have meant, found in bounded time. Guests choose the names, and how many there are.

/// By how many characters similar names may differ.
pub(crate) const NEAR: usize = 3;

/// How many names one is compared with.
pub(crate) const LOOKED_AT: usize = 1_000;

/// The longest name that is compared, in bytes: comparing takes the square of it.
const COMPARED: usize = 64;

/// By how many characters two names differ; `None` if they are too long to compare.
pub(crate) fn distance(one: &str, other: &str) -> Option<usize> {
    (one.len().max(other.len()) <= COMPARED).then(|| strsim::levenshtein(one, other))
}

/// The three nearest of names with their distances; of equally near ones, the first in alphabetical order.
pub(crate) fn nearest(mut ranked: Vec<(usize, String)>) -> Vec<String> {
    ranked.sort_unstable();
    ranked.into_iter().take(3).map(|(_, name)| name).collect()
}
