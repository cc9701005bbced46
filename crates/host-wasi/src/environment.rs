//! Which environment variables does a guest see?

use std::collections::BTreeMap;
use std::env;

use crate::GrantError;

/// Checks names, values and patterns, before any variable of the process is read.
pub(crate) fn check(variables: &BTreeMap<String, String>, patterns: &[String]) -> Result<(), GrantError> {
    for (name, value) in variables {
        if !is_name(name) {
            return Err(GrantError::VariableName { name: name.clone() });
        }
        if value.contains('\0') {
            return Err(GrantError::VariableValue { name: name.clone() });
        }
    }
    match patterns.iter().position(|pattern| !is_name(pattern)) {
        Some(index) => Err(GrantError::VariablePattern { index, pattern: patterns[index].clone() }),
        None => Ok(()),
    }
}

/// The variables a guest sees: those of this process that match a pattern, and above them the given ones.
pub(crate) fn visible(given: &BTreeMap<String, String>, patterns: &[String]) -> BTreeMap<String, String> {
    let mut visible = BTreeMap::new();
    if !patterns.is_empty() {
        // Not `env::vars`, which panics on a variable that is not Unicode.
        let inherited = env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
            .filter(|(name, _)| is_name(name) && patterns.iter().any(|pattern| matches(pattern, name)));
        visible.extend(inherited);
    }
    visible.extend(given.iter().map(|(name, value)| (name.clone(), value.clone())));
    visible
}

pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains(['=', '\0'])
}

/// Whether every name that `narrow` matches is matched by `wide`, too. The `*` in `narrow` stands for any run of
/// characters, so only a `*` in `wide` can take it; and then it takes whatever comes in its place.
pub(crate) fn covers(wide: &str, narrow: &str) -> bool {
    matches(wide, narrow)
}

/// Whether the whole `name` matches `pattern`, in which `*` stands for any run of characters. The first piece is
/// fixed to the start, the last to the end, and each one between is taken where it first occurs, which leaves the
/// most for those after it.
pub(crate) fn matches(pattern: &str, name: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == name };
    let (middle, last) = rest.rsplit_once('*').unwrap_or(("", rest));
    let Some(name) = name.strip_prefix(first) else { return false };
    let Some(mut name) = name.strip_suffix(last) else { return false };
    for piece in middle.split('*') {
        let Some((_, after)) = name.split_once(piece) else { return false };
        name = after;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_pattern_matches_the_whole_name() {
        let check = |pattern, name, expect| assert_eq!(matches(pattern, name), expect, "{pattern} {name}");
        check("LANG", "LANG", true);
        check("LANG", "LANGUAGE", false);
        check("LANG", "XLANG", false);
        check("LC_*", "LC_ALL", true);
        check("LC_*", "LC_", true);
        check("LC_*", "XLC_ALL", false);
        check("*", "ANYTHING", true);
        check("*_KEY", "API_KEY", true);
        check("*_KEY", "API_KEYS", false);
        check("A*B*C", "A__B__C", true);
        check("A*B*C", "A__C__B", false);
        check("A*A", "A", false);
        check("A**A", "AA", true);
        check("*A*A*", "A", false);
        check("*É*", "CAFÉS", true);
    }
}
