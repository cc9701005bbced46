//! `cargo xtask suite languages`: components of one world in several languages, each made with its ordinary tools, through
//! the same tests.

mod make;
mod tools;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, bail};

use self::tools::Tools;
use super::{built, run_tests};
use crate::cargo::{metadata, root};
use crate::{guests, table};

/// How the tests are told where the guests are.
const VARIABLE: &str = "LANGUAGES";

/// A guest, and which part it has.
#[derive(Debug)]
struct Guest {
    language: Language,
    /// Its source in `guests/languages/LANGUAGE/`, without the extension.
    source: &'static str,
    /// The folder in `wit/`.
    wit: &'static str,
    world: &'static str,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    JavaScript,
    Python,
    C,
}

impl Language {
    /// Its folder, and the beginning of the guests' names.
    fn folder(self) -> &'static str {
        match self {
            Language::JavaScript => "javascript",
            Language::Python => "python",
            Language::C => "c",
        }
    }

    fn extension(self) -> &'static str {
        match self {
            Language::JavaScript => "js",
            Language::Python => "py",
            Language::C => "c",
        }
    }
}

const GUESTS: &[Guest] = &[
    Guest { language: Language::JavaScript, source: "greeter", wit: "my-plugin", world: "my-plugin" },
    Guest { language: Language::JavaScript, source: "words", wit: "chain", world: "first" },
    Guest { language: Language::Python, source: "greeter", wit: "my-plugin", world: "my-plugin" },
    Guest { language: Language::Python, source: "words", wit: "chain", world: "first" },
    Guest { language: Language::C, source: "greeter", wit: "my-plugin", world: "my-plugin" },
    Guest { language: Language::C, source: "titles", wit: "chain", world: "second" },
];

/// Tests, by the beginning of their names, and the guests that they need besides those in Rust.
const TESTS: &[(&str, &[&str])] = &[
    ("rust::", &[]),
    ("javascript::", &["javascript-greeter"]),
    ("python::", &["python-greeter"]),
    ("c::", &["c-greeter"]),
    ("chain::javascript", &["javascript-words", "c-titles"]),
    ("chain::python", &["python-words", "c-titles"]),
];

impl Guest {
    fn name(&self) -> String {
        format!("{}-{}", self.language.folder(), self.source)
    }
}

/// Builds the guests, and runs the tests of those that could be built. Fails if a test does, or if a tool does not do its
/// work; what a missing tool would have built is skipped.
pub(super) fn run(arguments: &[&str]) -> Result<ExitCode> {
    let offline = match arguments {
        [] => false,
        ["--offline"] => true,
        other => bail!("`suite languages` takes --offline, not `{}`", other.join(" ")),
    };
    let rust = guests::build()?;
    let target = metadata()?["target_directory"].as_str().map(PathBuf::from);
    let folder = target.context("`cargo metadata` names no target directory")?.join("languages");
    let made = folder.join("guests");
    fs::create_dir_all(&made)?;
    let tools = Tools::new(&root(), &folder, offline);

    let mut outcomes = BTreeMap::new();
    for (index, guest) in (1..).zip(GUESTS) {
        eprintln!("{index} of {}: {}", GUESTS.len(), guest.name());
        let outcome = make::make(guest, &tools, &made);
        if let Err(error) = &outcome {
            eprintln!("{}: {error:#}", guest.name());
        }
        outcomes.insert(guest.name(), outcome);
    }
    println!("\n{}", show(&outcomes, &made, &rust.join("plugins").join("greeter.wasm")));

    let here = |name: &&str| matches!(outcomes.get(*name), Some(Ok(None)));
    let chosen = TESTS.iter().filter(|(_, needs)| needs.iter().all(here));
    let test = built::test("host-component", "languages")?;
    let done = run_tests(Command::new(test).args(chosen.map(|(module, _)| *module)).env(VARIABLE, &made))?;
    let failed = outcomes.values().filter(|outcome| outcome.is_err()).count();
    if failed > 0 {
        bail!("{failed} of {} guests could not be made: see above", GUESTS.len());
    }
    Ok(done)
}

/// What became of a guest: made, or skipped for a reason.
type Outcome = Result<Option<String>>;

fn show(outcomes: &BTreeMap<String, Outcome>, made: &Path, rust: &Path) -> String {
    let mebibytes = |file: &Path| {
        fs::metadata(file).map_or_else(
            |_| String::new(),
            |metadata| format!("{:.2}", metadata.len() as f64 / f64::from(1 << 20)),
        )
    };
    let mut rows = vec![vec!["rust-greeter".to_owned(), mebibytes(rust), "made".to_owned()]];
    rows.extend(outcomes.iter().map(|(name, outcome)| match outcome {
        Ok(None) => {
            vec![name.clone(), mebibytes(&made.join(format!("{name}.wasm"))), "made".to_owned()]
        }
        Ok(Some(why)) => vec![name.clone(), String::new(), format!("skipped: {why}")],
        Err(_) => vec![name.clone(), String::new(), "not made".to_owned()],
    }));
    table::render(&["guest", "MiB", "outcome"], &rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_guest_has_its_source_and_its_world_and_is_tested() {
        for guest in GUESTS {
            let Guest { language, source, wit, .. } = guest;
            let folder = root().join("guests").join("languages").join(language.folder());
            assert!(folder.join(format!("{source}.{}", language.extension())).exists(), "{guest:?}");
            assert!(root().join("wit").join(wit).is_dir(), "{guest:?}");
        }
        for name in TESTS.iter().flat_map(|(_, needs)| *needs) {
            assert!(GUESTS.iter().any(|guest| guest.name() == *name), "{name}");
        }
    }

    #[test]
    fn arguments_that_are_not_known_are_refused() {
        let error = run(&["python"]).unwrap_err();
        assert_eq!(error.to_string(), "`suite languages` takes --offline, not `python`");
    }

    #[test]
    fn what_is_skipped_is_shown_with_its_reason() {
        let outcomes = BTreeMap::from([
            ("c-greeter".to_owned(), Ok(Some("npm is not here".to_owned()))),
            ("python-greeter".to_owned(), Err(anyhow::anyhow!("no"))),
        ]);
        let table = show(&outcomes, Path::new("no-such-folder"), Path::new("no-such-file"));
        assert!(table.contains("skipped: npm is not here") && table.contains("not made"), "{table}");
    }
}
