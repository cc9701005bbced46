//! Do the component model's own scripts pass through our finding, linking, checking and calling?
//!
//! The scripts are in no registry: `cargo xtask suite component` runs this with the folders of checkouts of them in
//! `COMPONENT_TESTSUITE`, so it is left out of `cargo test`.

mod files; // which scripts there are, and what each needs switched on
mod host; // what they import
mod listed; // those that do not pass, and why
mod script; // one script, directive by directive
mod values; // arguments and results

#[path = "../../../host-core/tests/it/spec/judge.rs"]
mod judge; // whether the list is true

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use files::File;
use judge::Listed;
use listed::LISTED;
use script::Report;

#[test]
#[expect(clippy::print_stdout, reason = "shown by `cargo xtask suite component`")]
fn every_script_passes_or_is_listed_with_its_reason() {
    let files = files::all();
    let reports = run_all(&files);
    let given: Vec<&str> = files.iter().map(|file| file.suite).collect();
    let listed: Vec<&Listed> =
        LISTED.iter().filter(|listed| given.iter().any(|suite| listed.file.starts_with(suite))).collect();
    let failures = reports.iter().map(|(name, report)| (*name, &report.failures[..])).collect();
    let problems = judge::judge(&failures, &listed);

    let mut suites: BTreeMap<&str, [usize; 5]> = BTreeMap::new();
    for file in &files {
        let report = &reports[&*file.name];
        let is_listed = listed.iter().any(|listed| listed.file == file.name);
        let more = [1, report.assertions, report.passed, report.calls, usize::from(is_listed)];
        let counts = suites.entry(file.folder()).or_default();
        counts.iter_mut().zip(more).for_each(|(count, more)| *count += more);
    }
    let row = |name: &str, [files, assertions, passed, calls, listed]: [usize; 5]| {
        println!("{name:<38} {files:>5} {assertions:>10} {passed:>7} {calls:>6} {listed:>6}");
    };
    println!(
        "{:<38} {:>5} {:>10} {:>7} {:>6} {:>6}",
        "folder", "files", "assertions", "passed", "calls", "listed"
    );
    let mut sum = [0; 5];
    for (suite, counts) in &suites {
        row(suite, *counts);
        sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    row("all", sum);
    for Listed { file, failing, because } in &listed {
        println!("listed: {file}, {failing} of its directives: {because}");
    }
    let [files, assertions, passed, _, listed] = sum;
    println!("component: {files} files, {assertions} assertions, {passed} passed, {listed} files listed");
    assert!(assertions > 0, "the files assert nothing");
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

/// What became of each file, by name.
fn run_all(files: &[File]) -> BTreeMap<&str, Report> {
    let run = |file: &File| {
        let report = catch_unwind(AssertUnwindSafe(|| script::run(file)));
        report.unwrap_or_else(|_| Report {
            failures: vec!["the script panicked".to_owned()],
            ..Report::default()
        })
    };
    judge::run_all(files, |file| &file.name, run)
}

#[test]
fn a_script_that_is_wrong_fails_at_its_line() {
    for (directive, why) in [
        ("(assert_return (invoke \"f\") (u32.const 2))", "gave [U32(1)] instead of"),
        ("(assert_return (invoke \"f\"))", "gave [U32(1)] instead of"),
        ("(assert_return (invoke \"trap\"))", "wasm `unreachable` instruction executed"),
        ("(assert_return (invoke \"g\"))", "exports no function `g`"),
        ("(assert_return (invoke \"f\" (u32.const 1)) (u32.const 1))", "takes 0 arguments"),
        ("(assert_trap (invoke \"f\") \"unreachable\")", "but nothing was wrong"),
        ("(assert_trap (invoke \"trap\") \"divide by zero\")", "wanted divide by zero, but: "),
        ("(assert_invalid (component) \"something\")", "was accepted, and is: something"),
        ("(assert_malformed (component quote \"\") \"something\")", "was accepted, and is: something"),
        ("(assert_unlinkable (component) \"something\")", "but nothing was wrong"),
        ("(assert_unlinkable (component (import \"a\" (func))) \"other\")", "wanted other, but: "),
        ("(component (import \"a\" (func)))", "`a` is missing"),
        ("(component instance $a $none)", "there is no such component definition"),
    ] {
        let text = format!(
            "(component
                (core module $m (func (export \"f\") (result i32) (i32.const 1))
                    (func (export \"trap\") unreachable))
                (core instance $i (instantiate $m))
                (func (export \"f\") (result u32) (canon lift (core func $i \"f\")))
                (func (export \"trap\") (canon lift (core func $i \"trap\"))))
            (assert_return (invoke \"f\") (u32.const 1))
            {directive}"
        );
        let report = script::run(&File::of_text(text));
        assert_eq!(report.failures.len(), 1, "{directive}: {:?}", report.failures);
        assert!(report.failures[0].starts_with("line 8: "), "{directive}: {}", report.failures[0]);
        assert!(report.failures[0].contains(why), "{directive}: {}", report.failures[0]);
        assert_eq!(report.passed, 1, "{directive}");
    }
    let unread = script::run(&File::of_text("(component) (assert_nothing)".to_owned()));
    assert_eq!((unread.assertions, unread.failures.len()), (0, 1));
}
