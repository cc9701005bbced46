//! Is the list of the files that do not pass true? For this crate's suite of scripts and others of the same kind.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// A file in which some directives do not give what it says.
pub(crate) struct Listed {
    /// Its name, with the folders that the suite tells it by.
    pub(crate) file: &'static str,
    /// How many directives fail; another number, none above all, fails the run.
    pub(crate) failing: usize,
    /// Why.
    pub(crate) because: &'static str,
}

/// What `run` makes of each script, by the script's name. Several at a time.
pub(crate) fn run_all<'a, S: Sync, R: Send>(
    scripts: &'a [S],
    name: impl Fn(&'a S) -> &'a str + Sync,
    run: impl Fn(&'a S) -> R + Sync,
) -> BTreeMap<&'a str, R> {
    /// Scripts may nest deeply, and are read recursively; a test's thread has 2 MiB.
    const STACK: usize = 16 << 20;

    let next = AtomicUsize::new(0);
    let reports = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
            let work = || {
                while let Some(script) = scripts.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let report = run(script);
                    reports.lock().unwrap().insert(name(script), report);
                }
            };
            thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).unwrap();
        }
    });
    reports.into_inner().unwrap()
}

/// What is wrong: files with failures that are not listed, and everything listed that is not so.
pub(crate) fn judge(failures: &BTreeMap<&str, &[String]>, listed: &[&Listed]) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, failures) in failures {
        let wanted = listed.iter().find(|listed| listed.file == *name).map(|listed| listed.failing);
        let failing = failures.len();
        match wanted {
            None if failing == 0 => continue,
            Some(wanted) if wanted == failing && wanted > 0 => continue,
            None => problems.push(format!("{name}: {failing} directives fail")),
            Some(_) if failing == 0 => {
                problems.push(format!("{name} is listed, but passes: take it off the list"))
            }
            Some(wanted) => {
                problems.push(format!("{name}: {failing} directives fail, and {wanted} are listed"))
            }
        }
        problems.extend(failures.iter().take(5).map(|failure| format!("  {name}: {failure}")));
    }
    for (index, Listed { file, .. }) in listed.iter().enumerate() {
        if !failures.contains_key(file) {
            problems.push(format!("{file} is listed, but there is no such file"));
        }
        if listed[..index].iter().any(|other| other.file == *file) {
            problems.push(format!("{file} is listed twice"));
        }
    }
    problems
}

#[test]
fn a_list_that_is_not_true_is_a_problem() {
    let bad = ["line 1: no".to_owned(), "line 2: no".to_owned()];
    let failures = BTreeMap::from([("a/good", &[][..]), ("a/bad", &bad[..])]);
    let judged = |listed: &[(&'static str, usize)]| {
        let listed: Vec<Listed> =
            listed.iter().map(|&(file, failing)| Listed { file, failing, because: "of this test" }).collect();
        judge(&failures, &listed.iter().collect::<Vec<_>>())
    };
    assert_eq!(judged(&[("a/bad", 2)]), [""; 0]);
    assert_eq!(judged(&[]), ["a/bad: 2 directives fail", "  a/bad: line 1: no", "  a/bad: line 2: no"]);
    assert_eq!(judged(&[("a/bad", 1)])[0], "a/bad: 2 directives fail, and 1 are listed");
    assert_eq!(
        judged(&[("a/bad", 2), ("a/good", 1)]),
        ["a/good is listed, but passes: take it off the list"]
    );
    assert_eq!(judged(&[("a/bad", 2), ("a/good", 0)]).len(), 1);
    assert_eq!(judged(&[("a/bad", 2), ("a/gone", 2)]), ["a/gone is listed, but there is no such file"]);
    assert_eq!(judged(&[("a/bad", 2), ("a/bad", 2)]), ["a/bad is listed twice"]);
}
