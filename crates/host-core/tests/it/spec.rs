//! The standard's own tests, through our linking, calling and faults; `cargo xtask suite spec` shows what they say.

mod files; // which there are
mod graph; // what a script links step by step, at once
mod judge; // whether the list is true
mod listed; // those that do not pass, and why
mod refusal; // what must not work, in our types
mod script; // one file, directive by directive
mod spectest; // the host module they import from
mod values; // arguments and results

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use host_core::Profile;
use host_limits::{Bytes, Limits, Ticker};
use wasmtime::Engine;

use files::File;
use judge::Listed;
use listed::LISTED;
use script::{Host, Report};

/// How many files, assertions and linked graphs there are at least. The files come with a crate of an exact version, so
/// fewer means that some are no longer found or no longer read to their end.
const FILES: usize = 388;
const ASSERTIONS: usize = 83_619;
const GRAPHS: usize = 313;

#[test]
#[expect(clippy::print_stdout, reason = "shown by `cargo xtask suite spec`")]
fn every_file_of_the_standard_passes_or_is_listed_with_its_reason() {
    let host = host();
    let files = files::all();
    let reports = run_all(&host, &files);
    let mut problems = files::wrongly_left_out(&host.engine);
    let failures = reports.iter().map(|(name, report)| (*name, &report.failures[..])).collect();
    problems.extend(judge::judge(&failures, &LISTED.iter().collect::<Vec<_>>()));

    let mut suites: BTreeMap<&str, [usize; 4]> = BTreeMap::new();
    for file in &files {
        let (name, report) = (file.name.as_str(), &reports[&*file.name]);
        let listed = LISTED.iter().any(|listed| listed.file == name);
        let counts = suites.entry(&file.suite).or_default();
        for (count, more) in counts.iter_mut().zip([1, report.assertions, report.passed, usize::from(listed)])
        {
            *count += more;
        }
    }
    println!("{:<38} {:>5} {:>10} {:>7} {:>6}", "suite", "files", "assertions", "passed", "listed");
    let mut sum = [0; 4];
    for (suite, counts) in &suites {
        let [files, assertions, passed, listed] = counts;
        println!("{suite:<38} {files:>5} {assertions:>10} {passed:>7} {listed:>6}");
        sum.iter_mut().zip(counts).for_each(|(sum, count)| *sum += count);
    }
    for Listed { file, failing, because } in LISTED {
        println!("listed: {file}, {failing} of its directives: {because}");
    }
    println!("left out, because Wasmtime has them off by default: {}", files::left_out().join(", "));
    let [files, assertions, passed, listed] = sum;
    let graphs: usize = reports.values().map(|report| report.graphs).sum();
    println!(
        "{graphs} modules that import from others were linked again, each with them as a graph in a store of its own"
    );
    println!("spec: {files} files, {assertions} assertions, {passed} passed, {listed} files listed");

    let (now, once) = ([files, assertions, graphs], [FILES, ASSERTIONS, GRAPHS]);
    let all = now.iter().zip(&once).all(|(now, once)| now >= once);
    assert!(all, "there were {once:?} files, assertions and graphs once, and are {now:?}");
    assert!(problems.is_empty(), "{} problems:\n{}", problems.len(), problems.join("\n"));
}

/// Every proposal that Wasmtime has on by default, and limits that only a runaway script meets.
fn host() -> Host {
    let limits = Limits {
        memory: Bytes::gibi(1 << 20),
        memories: u32::MAX,
        tables: u32::MAX,
        table_elements: u64::MAX,
        instances: u32::MAX,
        fuel: None,
        deadline: Duration::from_secs(60),
        stack: Bytes::kibi(512),
        ..Limits::trusted()
    };
    let engine = Engine::new(limits.configure(&mut Profile::Development.config())).unwrap();
    let ticker = Ticker::start(&engine).unwrap();
    Host { engine, limits, ticker }
}

/// What became of each file, by name.
fn run_all<'a>(host: &Host, files: &'a [File]) -> BTreeMap<&'a str, Report> {
    let run = |file: &File| {
        let report = catch_unwind(AssertUnwindSafe(|| script::run(host, file.text)));
        report.unwrap_or_else(|_| Report {
            failures: vec!["the script panicked".to_owned()],
            ..Report::default()
        })
    };
    judge::run_all(files, |file| &file.name, run)
}

#[test]
fn a_script_that_is_wrong_fails_at_its_line() {
    let host = host();
    for (directive, why) in [
        ("(assert_return (invoke \"f\") (i32.const 2))", "gave [I32(1)] instead of"),
        ("(assert_return (invoke \"f\"))", "gave [I32(1)] instead of"),
        ("(assert_return (invoke \"trap\"))", "guest: wasm trap: integer divide by zero"),
        ("(assert_return (invoke \"g\"))", "there is no such function"),
        ("(assert_trap (invoke \"f\") \"unreachable\")", "nothing was wrong"),
        (
            "(assert_trap (invoke \"trap\") \"unreachable\")",
            "wanted unreachable, but: guest: wasm trap: integer",
        ),
        ("(assert_trap (invoke \"trap\") \"\")", "wanted , but"),
        ("(assert_trap (invoke \"deep\") \"unreachable\")", "but: budget: stack budget"),
        ("(assert_exhaustion (invoke \"trap\") \"call stack exhausted\")", "but: guest"),
        ("(assert_exception (invoke \"trap\"))", "wanted an exception, but: guest"),
        ("(assert_invalid (module) \"something\")", "was accepted, and is: something"),
        ("(assert_malformed (module quote \"(func)\") \"something\")", "was accepted, and is: something"),
        ("(assert_invalid (module (memory 1 (pagesize 1))) \"something\")", "but was refused for: "),
        ("(assert_unlinkable (module) \"unknown import\")", "nothing was wrong"),
        (
            "(assert_unlinkable (module (import \"a\" \"b\" (func))) \"incompatible import type\")",
            "`a.b` is missing",
        ),
        (
            "(assert_unlinkable (module (import \"spectest\" \"memory\" (func))) \"unknown import\")",
            "`spectest.memory` has another type",
        ),
        ("(module (import \"a\" \"b\" (func)))", "`a.b` is missing"),
        ("(register \"a\" $none)", "there is no such instance"),
        ("(module instance $a $none)", "there is no such module definition"),
    ] {
        let text = format!(
            "(module (func (export \"f\") (result i32) (i32.const 1))
                (func (export \"trap\") (drop (i32.div_s (i32.const 1) (i32.const 0))))
                (func $deep (export \"deep\") (call $deep)))
            (assert_return (invoke \"f\") (i32.const 1))
            {directive}"
        );
        let report = script::run(&host, &text);
        assert_eq!(report.failures.len(), 1, "{directive}: {:?}", report.failures);
        assert!(report.failures[0].starts_with("line 5: "), "{directive}: {}", report.failures[0]);
        assert!(report.failures[0].contains(why), "{directive}: {}", report.failures[0]);
        assert_eq!(report.passed, 1, "{directive}");
    }
    let unread = script::run(&host, "(module) (assert_nothing)");
    assert_eq!((unread.assertions, unread.failures.len()), (0, 1));
}
