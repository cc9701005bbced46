//! Links of the documents: a relative one must lead to a file of the repository.

use std::collections::BTreeSet;

/// The relative links of the document at `path` that lead to none of `files` (nor to a folder that holds one).
pub(super) fn broken(path: &str, text: &str, files: &BTreeSet<String>) -> Vec<String> {
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let mut problems = Vec::new();
    let mut fenced = false;
    for (number, line) in (1..).zip(text.lines()) {
        if line.trim_start().starts_with("```") {
            fenced = !fenced;
            continue;
        }
        if fenced {
            continue;
        }
        for target in targets(line).into_iter().filter(|target| !elsewhere(target)) {
            let file = target.split(['#', '?']).next().unwrap_or_default();
            let there = resolve(folder, file).is_some_and(|file| exists(&file, files));
            if !there {
                problems.push(format!(
                    "{path}:{number}: the link to `{target}` leads to no file of the repository"
                ));
            }
        }
    }
    problems
}

/// What the links of a line point at: `[text](target)`, `[text](target "title")`, and `[name]: target`.
fn targets(line: &str) -> Vec<&str> {
    if line.starts_with('[')
        && let Some((_, target)) = line.split_once("]: ")
    {
        return word(target).into_iter().collect();
    }
    // Between backticks stands code, where brackets mean something else; a link's own text may be code.
    let mut targets = Vec::new();
    let mut rest = line;
    while let Some(at) = rest.find(['`', ']']) {
        let after = &rest[at + 1..];
        rest = match rest.as_bytes()[at] {
            b'`' => after.split_once('`').map_or("", |(_, after)| after),
            _ => {
                if let Some((target, _)) = after.strip_prefix('(').and_then(|link| link.split_once(')')) {
                    targets.extend(word(target));
                }
                after
            }
        };
    }
    targets
}

/// The target itself, without a title and without the angles that may hold it.
fn word(target: &str) -> Option<&str> {
    let target = target.trim();
    match target.strip_prefix('<') {
        Some(angled) => angled.split('>').next(),
        None => target.split_whitespace().next(),
    }
}

/// Whether a target is outside the repository or inside the same document.
fn elsewhere(target: &str) -> bool {
    target.starts_with('#') || target.contains("://") || target.starts_with("mailto:")
}

/// The path of `file` as seen from `folder`, or `None` if it climbs out of the repository.
fn resolve(folder: &str, file: &str) -> Option<String> {
    let mut parts: Vec<&str> = if file.starts_with('/') { Vec::new() } else { folder.split('/').collect() };
    for part in file.split('/') {
        match part {
            "" | "." => {}
            ".." => {
                parts.retain(|part| !part.is_empty());
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    parts.retain(|part| !part.is_empty());
    Some(parts.join("/"))
}

fn exists(path: &str, files: &BTreeSet<String>) -> bool {
    let inside = format!("{path}/");
    path.is_empty()
        || files.contains(path)
        || files.range(inside.clone()..).next().is_some_and(|file| file.starts_with(&inside))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, text: &str) -> Vec<String> {
        let files = ["README.md", "crates/limits/README.md", "crates/limits/src/lib.rs"];
        broken(path, text, &files.into_iter().map(str::to_owned).collect())
    }

    #[test]
    fn links_that_lead_somewhere_are_fine() {
        let text = "[a](README.md) [b](crates/limits) [c](./crates/limits/README.md#top \"title\") [`d`](https://a.example)\n\
            [e](#here) [f](mailto:a@b.example) [g](<crates/limits/src/lib.rs>)\n[h]: crates/limits/\n";
        assert!(check("README.md", text).is_empty(), "{:?}", check("README.md", text));
        assert!(check("crates/limits/README.md", "[up](../../README.md) [x](src/lib.rs)").is_empty());
    }

    #[test]
    fn links_that_lead_nowhere_are_named_with_their_line() {
        let problems = check("README.md", "fine\n[a](GONE.md) and [`b`](crates/gone#x)\n[c]: gone.md\n");
        assert_eq!(problems.len(), 3, "{problems:?}");
        assert!(problems[0].starts_with("README.md:2: the link to `GONE.md`"), "{problems:?}");
        assert_eq!(check("crates/limits/README.md", "[a](../../../README.md)").len(), 1);
    }

    #[test]
    fn code_holds_no_links() {
        assert!(check("README.md", "`a[0](b)`\n```rust\nx[1](gone)\n```\n").is_empty());
    }
}
