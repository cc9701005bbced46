//! The standard's own tests, through our linking, calling and faults; `cargo xtask suite spec` shows what they say.

mod files; // which there are
mod graph; // what a script links step by step, at once
mod listed; // those that do not pass, and why
mod refusal; // what must not work, in our types
mod script; // one file, directive by directive
mod spectest; // the host module they import from
mod values; // arguments and results

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use host_core::Profile;
use host_limits::{Bytes, Limits, Ticker};
use wasmtime::Engine;

use files::File;
use listed::{LISTED, Listed};
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
    problems.extend(judge(&reports, LISTED));

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

/// What became of each file, by name. Several at a time, each in a store of its own.
fn run_all<'a>(host: &Host, files: &'a [File]) -> BTreeMap<&'a str, Report> {
    /// The standard's scripts may nest deeply, and are read recursively; a test's thread has 2 MiB.
    const STACK: usize = 16 << 20;

    let next = AtomicUsize::new(0);
    let reports = Mutex::new(BTreeMap::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
            let work = || {
                while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let report = catch_unwind(AssertUnwindSafe(|| script::run(host, file.text)));
                    let report = report.unwrap_or_else(|_| Report {
                        failures: vec!["the script panicked".to_owned()],
                        ..Report::default()
                    });
                    reports.lock().unwrap().insert(file.name.as_str(), report);
                }
            };
            thread::Builder::new().stack_size(STACK).spawn_scoped(scope, work).unwrap();
        }
    });
    reports.into_inner().unwrap()
}

/// What is wrong: files that fail and are not listed, and everything listed that is not so.
fn judge(reports: &BTreeMap<&str, Report>, listed: &[Listed]) -> Vec<String> {
    let mut problems = Vec::new();
    for (name, report) in reports {
        let wanted = listed.iter().find(|listed| listed.file == *name).map(|listed| listed.failing);
        let failing = report.failures.len();
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
        problems.extend(report.failures.iter().take(5).map(|failure| format!("  {name}: {failure}")));
    }
    for (index, Listed { file, .. }) in listed.iter().enumerate() {
        if !reports.contains_key(file) {
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
    let report = |failures: &[&str]| Report {
        failures: failures.iter().map(|failure| (*failure).to_owned()).collect(),
        ..Report::default()
    };
    let reports = BTreeMap::from([("a/good", report(&[])), ("a/bad", report(&["line 1: no", "line 2: no"]))]);
    let listed = |file, failing| Listed { file, failing, because: "of this test" };

    assert_eq!(judge(&reports, &[listed("a/bad", 2)]), [""; 0]);
    assert_eq!(
        judge(&reports, &[]),
        ["a/bad: 2 directives fail", "  a/bad: line 1: no", "  a/bad: line 2: no"]
    );
    assert_eq!(judge(&reports, &[listed("a/bad", 1)])[0], "a/bad: 2 directives fail, and 1 are listed");
    assert_eq!(
        judge(&reports, &[listed("a/bad", 2), listed("a/good", 1)]),
        ["a/good is listed, but passes: take it off the list"]
    );
    assert_eq!(judge(&reports, &[listed("a/bad", 2), listed("a/good", 0)]).len(), 1);
    assert_eq!(
        judge(&reports, &[listed("a/bad", 2), listed("a/gone", 2)]),
        ["a/gone is listed, but there is no such file"]
    );
    assert_eq!(judge(&reports, &[listed("a/bad", 2), listed("a/bad", 2)]), ["a/bad is listed twice"]);
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
