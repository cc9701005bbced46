//! Crash bundles: written whole or not at all, read again, and safe to look at.

use std::fs::{self, File};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use host_plugins::host_core::{CoreDumpError, Fault, Profile, guard};
use host_plugins::host_limits::{Bytes, Limits, Meter, Ticker, arm};
use host_plugins::host_wasi::{Grants, Stdin};
use host_plugins::{
    Arguments, ArgumentsKept, BundleError, Captured, CoreDumpRecord, CrashBundle, CrashBundles, Report,
};
use wasmtime::{Instance, Module, Store};

fn fault(wat: &str) -> Fault {
    let limits = Limits::untrusted();
    let engine = Profile::Development.settings().engine(&limits).unwrap();
    let ticker = Ticker::start(&engine).unwrap();
    let module = Module::new(&engine, wat).unwrap();
    let mut store = Store::new(&engine, Meter::new(limits));
    arm(&mut store, &ticker).unwrap();
    guard(&mut store, |store| Instance::new(store, &module, &[])).unwrap_err()
}

fn trap() -> Fault {
    fault("(module $m (func $explode unreachable) (func $main (call $explode)) (start $main))")
}

/// What a guest said that means harm to terminals.
fn captured() -> Captured {
    let json = serde_json::json!({
        "log": ["first", "an escape \u{1b}[2J\u{9b}1m\u{202e}"],
        "log-dropped": { "lines": 7, "bytes": 70 },
        "stdout": { "bytes": [104, 105, 10, 255] },
        "denials": [{ "asked": "to connect to 10.0.0.1:80 by TCP", "grant": "network = [\"tcp://10.0.0.1:80\"]" }],
        "quota-refused": { "guest": "data", "quota": { "bytes": 5, "files": 1 }, "refusals": 3 },
    });
    serde_json::from_value(json).unwrap()
}

/// The names in a directory, in order.
fn names(directory: &Path) -> Vec<String> {
    let entries = fs::read_dir(directory).unwrap();
    let mut names: Vec<String> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn time(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_790_000_000 + seconds)
}

#[test]
fn everything_is_written_and_read_again() {
    let scratch = tempfile::tempdir().unwrap();
    // The directory is made, with those above it.
    let bundles = CrashBundles::new(scratch.path().join("a/b")).arguments(Arguments::Written);
    let (fault, captured) = (trap(), captured());
    let limits = Limits { fuel: Some(77), ..Limits::untrusted() };
    let grants = Grants::default().env("TOKEN", "hunter2").stdin(Stdin::Text("hunter2".into()));
    let mut report = Report::new("greeter", &fault, &captured);
    report.version = Some(3);
    report.digest = Some("abcd");
    report.source = Some(Path::new("/private/folder/greeter.wasm"));
    report.manifest = Some("name = \"greeter\"\n");
    report.tenant = Some("acme");
    report.call = Some(42);
    report.attempt = 2;
    report.export = Some("process");
    report.arguments = Some("(\"it's\")");
    report.limits = Some(&limits);
    report.grants = Some(&grants);
    report.time = time(0);
    let path = bundles.write(&report, Some(Ok(b"\0asm".to_vec()))).unwrap();
    assert_eq!(path, bundles.directory().join("20260921T141320.000Z-greeter-42"));
    let files =
        ["arguments.txt", "bundle.json", "core.wasm", "fault.txt", "log.txt", "manifest.toml", "stdout.txt"];
    assert_eq!(names(&path), files);
    assert_eq!(fs::read(path.join("stdout.txt")).unwrap(), captured.stdout);
    assert_eq!(fs::read_to_string(path.join("fault.txt")).unwrap(), format!("{fault:#}\n"));
    for file in &files {
        let text = String::from_utf8_lossy(&fs::read(path.join(file)).unwrap()).into_owned();
        assert!(!text.contains("hunter2") && !text.contains("/private"), "{file}: {text}");
    }

    let bundle = CrashBundle::read(&path).unwrap();
    let record = &bundle.record;
    assert_eq!(serde_json::to_value(&record.fault).unwrap(), serde_json::to_value(&fault).unwrap());
    assert_eq!(record.fault.usage, *fault.usage());
    assert_eq!(record.fault.backtrace, fault.backtrace());
    assert_eq!(record.captured.denials, captured.denials);
    assert_eq!(record.captured.quota_refused, captured.quota_refused);
    assert_eq!(record.core_dump, Some(CoreDumpRecord::Written(Bytes::new(4))));
    assert_eq!(serde_json::from_value::<Limits>(record.limits.clone().unwrap()).unwrap(), limits);
    assert_eq!(bundle.manifest.as_deref(), report.manifest);
    assert_eq!(bundle.log.as_deref().map(|log| log.lines().count()), Some(2));
    assert_eq!(bundle.stdout.as_deref(), Some("hi\n\u{fffd}"));
    let page = bundle.to_string();
    for part in [
        "greeter: guest: wasm trap: wasm `unreachable` instruction executed, in explode",
        "who can act   the plugin's author",
        "call          `process`, number 42, attempt 2, for tenant `acme`",
        "    0: explode",
        "    1: main",
        "to connect to 10.0.0.1:80 by TCP\n    the grant: network = [\"tcp://10.0.0.1:80\"]",
        "| first\n  | an escape \\u{1b}[2J\\u{9b}1m\\u{202e}\n  and 7 lines more, which were not kept\n",
        r"| an escape \u{1b}[2J\u{9b}1m\u{202e}",
        "5 bytes and 1 files of its quota, times: 3",
        "--fuel=77",
        r#"--backtrace greeter.wasm -- 'process("it'\''s")'"#,
    ] {
        assert!(page.contains(part), "{part} is missing in {page}");
    }
    assert!(!page.chars().any(|c| c != '\n' && c.is_control()), "{page:?}");
}

#[cfg(unix)]
#[test]
fn nobody_else_reads_it() {
    use std::os::unix::fs::PermissionsExt;
    let scratch = tempfile::tempdir().unwrap();
    let directory = scratch.path().join("bundles");
    let (fault, captured) = (trap(), Captured::default());
    let path = CrashBundles::new(&directory).write(&Report::new("p", &fault, &captured), None).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&directory), mode(&path), mode(&path.join("fault.txt"))), (0o700, 0o700, 0o600));
}

#[test]
fn arguments_go_where_they_may() {
    let scratch = tempfile::tempdir().unwrap();
    let (fault, captured) = (trap(), Captured::default());
    let mut report = Report::new("p", &fault, &captured);
    report.export = Some("process");
    report.arguments = Some("(\"secret\")");
    let bundle = |arguments: Arguments| {
        let path = CrashBundles::new(scratch.path()).arguments(arguments).write(&report, None).unwrap();
        CrashBundle::read(path).unwrap()
    };
    let given = bundle(Arguments::LeftOut);
    assert_eq!((given.record.call.arguments, given.arguments.as_deref()), (ArgumentsKept::LeftOut, None));
    assert!(given.to_string().contains("-- 'process(ARGUMENTS)'"), "{given}");
    let given = bundle(Arguments::Redacted(Arc::new(|text| text.replace("secret", "…"))));
    assert_eq!(given.record.call.arguments, ArgumentsKept::Redacted);
    assert_eq!(given.arguments.as_deref(), Some("(\"…\")"));
    let given = bundle(Arguments::Redacted(Arc::new(|_| panic!("no"))));
    assert_eq!((given.record.call.arguments, given.arguments.as_deref()), (ArgumentsKept::NotRedacted, None));
}

#[test]
fn a_core_dump_that_fails_is_no_reason_to_have_nothing() {
    let scratch = tempfile::tempdir().unwrap();
    let (fault, captured) = (trap(), Captured::default());
    let report = Report::new("p", &fault, &captured);
    let path = CrashBundles::new(scratch.path()).write(&report, Some(Err(CoreDumpError::NotTaken))).unwrap();
    let page = CrashBundle::read(path).unwrap().to_string();
    assert!(page.contains("core dump     none: no core dump was taken"), "{page}");
}

#[test]
fn names_never_collide_and_the_oldest_go() {
    let scratch = tempfile::tempdir().unwrap();
    let bundles = CrashBundles::new(scratch.path()).most(3);
    let (fault, captured) = (trap(), Captured::default());
    let mut report = Report::new("../x", &fault, &captured);
    fs::write(scratch.path().join("notes"), "of a person").unwrap();
    for seconds in [9, 1, 1, 1, 2] {
        report.time = time(seconds);
        bundles.write(&report, None).unwrap();
    }
    let kept = names(scratch.path());
    assert_eq!(
        kept,
        ["20260921T141321.000Z-___x-3", "20260921T141322.000Z-___x", "20260921T141329.000Z-___x", "notes",]
    );
}

#[test]
fn many_threads_write_whole_bundles_only() {
    let scratch = tempfile::tempdir().unwrap();
    let bundles = CrashBundles::new(scratch.path()).most(5);
    let (fault, captured) = (trap(), captured());
    let mut report = Report::new("p", &fault, &captured);
    report.time = time(0);
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    bundles.write(&report, None).unwrap();
                }
            });
        }
    });
    let kept = names(scratch.path());
    assert!(kept.len() == 5 && kept.iter().all(|name| !name.starts_with('.')), "{kept:?}");
    for name in kept {
        CrashBundle::read(scratch.path().join(name)).unwrap();
    }
}

#[test]
fn nothing_is_left_where_it_cannot_be_written() {
    let scratch = tempfile::tempdir().unwrap();
    let (fault, captured) = (trap(), Captured::default());
    let report = Report::new("p", &fault, &captured);
    let file = scratch.path().join("file");
    fs::write(&file, "").unwrap();
    for directory in [file.clone(), file.join("below")] {
        let error = CrashBundles::new(&directory).write(&report, None).unwrap_err();
        assert!(matches!(&error, BundleError::Directory { path, .. } if *path == directory), "{error:?}");
    }
    assert_eq!(names(scratch.path()), ["file"]);
    // Nobody can make anything there, not even a superuser.
    #[cfg(target_os = "linux")]
    {
        let error = CrashBundles::new("/proc/self").write(&report, None).unwrap_err();
        assert!(error.to_string().contains("it must be a directory that can be written"), "{error}");
    }
    assert!(fault.to_string().contains("unreachable"));
}

/// A bundle with `change` made to its JSON.
fn changed(change: impl FnOnce(&mut serde_json::Value)) -> (tempfile::TempDir, std::path::PathBuf) {
    let scratch = tempfile::tempdir().unwrap();
    let (fault, captured) = (trap(), captured());
    let mut report = Report::new("p", &fault, &captured);
    report.export = Some("process");
    let path = CrashBundles::new(scratch.path()).write(&report, None).unwrap();
    let file = path.join("bundle.json");
    let mut json = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
    change(&mut json);
    fs::write(&file, serde_json::to_string_pretty(&json).unwrap()).unwrap();
    (scratch, path)
}

#[test]
fn what_is_no_bundle_is_told() {
    let (scratch, path) = changed(|_| {});
    let name = path.file_name().unwrap().to_str().unwrap();
    let error = CrashBundle::read(scratch.path()).unwrap_err().to_string();
    assert!(
        error.contains("has no bundle.json; name one of those in it, such as") && error.contains(name),
        "{error}"
    );
    assert!(matches!(CrashBundle::read(scratch.path().join("no")), Err(BundleError::Read { .. })));
    let file = path.join("bundle.json");
    assert!(matches!(CrashBundle::read(&file), Err(BundleError::Read { .. })));

    fs::write(&file, "{\n  \"format\": 1,\n  \"time\": \u{1b}[2J }").unwrap();
    let error = CrashBundle::read(&path).unwrap_err();
    assert!(matches!(error, BundleError::Text { line: 3, .. }), "{error:?}");
    fs::write(&file, "{ \"format\": 2, \"all\": \"else\" }").unwrap();
    let error = CrashBundle::read(&path).unwrap_err();
    assert!(matches!(error, BundleError::Format { format: 2, known: 1, .. }), "{error:?}");
    fs::write(&file, "[".repeat(1 << 20)).unwrap();
    assert!(matches!(CrashBundle::read(&path), Err(BundleError::Text { .. })));
    File::create(&file).unwrap().set_len(1 << 40).unwrap();
    assert!(matches!(CrashBundle::read(&path), Err(BundleError::TooLarge { .. })));
}

#[cfg(unix)]
#[test]
fn links_are_not_followed() {
    let (scratch, path) = changed(|_| {});
    let secret = scratch.path().join("secret");
    fs::write(&secret, "secret").unwrap();
    std::os::unix::fs::symlink(&secret, path.join("stderr.txt")).unwrap();
    let error = CrashBundle::read(&path).unwrap_err();
    assert!(matches!(&error, BundleError::Read { path, .. } if path.ends_with("stderr.txt")), "{error:?}");
}

#[test]
fn a_strangers_bundle_cannot_harm_who_reads_it() {
    const EVIL: &str = "\u{1b}[2J\r\n$(rm)';`";
    let (_scratch, path) = changed(|json| {
        json["plugin"]["name"] = EVIL.into();
        json["fault"]["who"] = EVIL.repeat(100_000).into();
        json["fault"]["backtrace"] = (0..5000)
            .map(|_| serde_json::json!({ "function": EVIL, "module": null, "file": EVIL, "line": 1, "offset": 1 }))
            .collect();
        json["call"]["export"] = EVIL.into();
        json["limits"] = serde_json::json!({ "fuel": EVIL, "deadline": { "a": 1 } });
        json["files"] = serde_json::json!(["../../etc/passwd", "stderr.txt"]);
        json["of-a-later-version"] = 1.into();
    });
    fs::write(path.join("log.txt"), format!("{}\nthe last", "x".repeat(3 << 20))).unwrap();
    let bundle = CrashBundle::read(&path).unwrap();
    assert_eq!(bundle.missing, ["stderr.txt"]);
    assert!(bundle.log.as_ref().is_some_and(|log| log.len() == 1 << 20 && log.ends_with("the last")));
    let page = bundle.to_string();
    assert!(!page.chars().any(|c| c != '\n' && c.is_control()), "{page:?}");
    assert!(page.len() < 100_000, "{} bytes", page.len());
    assert!(!page.contains("wasm-host call"), "{page}");
    assert!(page.contains("note: stderr.txt is missing"), "{page}");
}
