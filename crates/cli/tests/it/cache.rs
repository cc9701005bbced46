//! Code that is not compiled again: the cache, and files that were compiled ahead of time.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Ran, Scratch, command, finish, guest, wasm_host};

fn with_cache(directory: &str) -> Ran {
    let ran = wasm_host(["run", "--cache-dir", directory, "--stats", "--argv0=x", &guest("p1-command")]);
    ran.prints("arg 0 x\n");
    ran
}

#[test]
fn the_second_start_comes_from_the_cache() {
    let scratch = Scratch::new();
    let directory = scratch.text("cache");
    with_cache(&directory)
        .fails(0, &["wasm-host: code compiled in ", "; ran for ", ", fuel not metered, peak memory "]);
    with_cache(&directory).fails(0, &["wasm-host: code cached, loaded in "]);
    let args = ["run", "--no-cache", "--stats", "--fuel=1_000_000_000", "--argv0=x", &guest("p1-command")];
    wasm_host(args).fails(0, &["code compiled in ", " of fuel, "]);
    // `inspect` compiles for the same engine.
    wasm_host(["inspect", "--cache-dir", &directory, &guest("p1-command")]).fails(0, &[]);
    assert_eq!(entries(&scratch.path("cache")).len(), 1);
}

#[test]
fn the_default_cache_is_in_the_users_cache_folder() {
    let scratch = Scratch::new();
    let mut command = command(["run", "--argv0=x", &guest("p1-command")]);
    command.env("XDG_CACHE_HOME", scratch.path("."));
    finish(command, "").prints("arg 0 x\n");
    if cfg!(not(windows)) {
        assert_eq!(entries(&scratch.path("wasm-host")).len(), 1);
    }
}

#[test]
fn damaged_entries_are_compiled_anew() {
    let scratch = Scratch::new();
    let directory = scratch.text("cache");
    with_cache(&directory);
    let [entry] = &entries(&scratch.path("cache"))[..] else { panic!("one entry") };
    damage(entry);
    with_cache(&directory).fails(0, &["code compiled in "]);
    with_cache(&directory).fails(0, &["code cached"]);
}

#[test]
fn a_cache_that_cannot_be_opened_is_a_warning_unless_it_was_named() {
    let scratch = Scratch::new();
    let file = scratch.file("wasm-host", "in the way");
    let mut by_default = command(["run", "--argv0=x", &guest("p1-command")]);
    by_default.env("XDG_CACHE_HOME", scratch.path("."));
    if cfg!(not(windows)) {
        let ran = finish(by_default, "");
        ran.prints("arg 0 x\n");
        ran.fails(
            0,
            &["wasm-host: warning: code is compiled anew each time: ", "is not a directory", "--no-cache"],
        );
    }
    let ran = wasm_host(["run", "--cache-dir", &file, &guest("p1-command")]);
    ran.fails(125, &["--cache-dir", "is not a directory"]);
    assert_eq!(ran.stdout, "");

    let mut homeless = command(["run", "--argv0=x", &guest("p1-command")]);
    homeless.env_remove("HOME").env("XDG_CACHE_HOME", "relative");
    if cfg!(unix) {
        let ran = finish(homeless, "");
        ran.prints("arg 0 x\n");
        ran.fails(0, &["wasm-host: warning: there is no cache folder"]);
    }
}

#[test]
fn precompiled_files_are_taken_only_on_request() {
    for name in ["p1-command", "p2-command"] {
        let scratch = Scratch::new();
        let file = scratch.text("program.cwasm");
        wasm_host(["compile", &guest(name), "-o", &file]).prints("");
        wasm_host(["run", &file]).fails(125, &["precompiled native code", "--allow-precompiled"]);
        wasm_host(["inspect", &file]).fails(125, &["precompiled native code"]);
        let ran = wasm_host(["run", "--allow-precompiled", "--stats", "--argv0=x", &file]);
        ran.prints("arg 0 x\n");
        ran.fails(0, &["code compiled ahead of time, loaded in "]);
        // The flag allows it and does not ask for it.
        wasm_host(["run", "--allow-precompiled", "--argv0=x", &guest(name)]).prints("arg 0 x\n");

        let ran = wasm_host(["run", "--allow-precompiled", "--fuel=1000", &file]);
        ran.fails(125, &["the same --policy and --fuel", "does not fit this engine", "without fuel support"]);
        damage(Path::new(&file));
        wasm_host(["run", "--allow-precompiled", &file]).fails(125, &["cannot load", "precompiled file is "]);
    }
}

#[test]
fn compile_meters_fuel_if_the_program_is_to_run_with_it() {
    let scratch = Scratch::new();
    let file = scratch.text("add.cwasm");
    wasm_host(["compile", "--fuel=1", &guest("add"), "-o", &file]).prints("");
    wasm_host(["call", "--allow-precompiled", "--fuel=1000", &file, "add(2, 3)"]).prints("5\n");
    wasm_host(["call", "--allow-precompiled", "--fuel=1", &file, "add(2, 3)"])
        .fails(134, &["fuel budget of 1 "]);
}

#[test]
fn compile_makes_code_for_other_platforms() {
    let scratch = Scratch::new();
    let compile = |target: &str, file: &str| {
        let args = ["compile", "--target", target, &guest("add"), "-o", file];
        wasm_host(args)
    };
    // By the number of the processor in the head of the file.
    for (target, processor) in [
        ("aarch64-unknown-linux-gnu", 183_u16),
        ("aarch64-apple-darwin", 183),
        ("riscv64gc-unknown-linux-gnu", 243),
        ("x86_64-pc-windows-msvc", 62),
        ("x86_64-unknown-linux-gnu", 62),
    ] {
        let file = scratch.text(target);
        compile(target, &file).prints("");
        let code = fs::read(&file).unwrap();
        assert_eq!(code[18..20], processor.to_le_bytes(), "{target}");
        let ran = wasm_host(["call", "--allow-precompiled", &file, "add(2, 3)"]);
        if target == format!("{}-unknown-linux-gnu", std::env::consts::ARCH) && cfg!(target_os = "linux") {
            ran.prints("5\n");
        } else {
            ran.fails(125, &["cannot load", "does not fit this engine"]);
        }
    }
    for target in ["nonsense", "sparc64-unknown-linux-gnu", ""] {
        let file = scratch.text("nothing");
        compile(target, &file)
            .fails(125, &[&format!("cannot compile for `{target}`"), "name a target triple"]);
        assert!(!Path::new(&file).exists());
    }
}

#[test]
fn a_program_is_not_granted_the_cache() {
    let scratch = Scratch::new();
    let (home, cache_folder) = (scratch.text("home"), scratch.text("home/caches"));
    fs::create_dir_all(scratch.path("home/data")).unwrap();
    let run = |dir: &str, more: &[&str]| {
        let dir = format!("--dir={dir}::d");
        let guest = guest("p1-command");
        let args = [&["run", &dir, "--argv0=x", "--stats"], more, &[&guest]].concat();
        let mut command = command(args);
        command.env("XDG_CACHE_HOME", &cache_folder).env("XDG_STATE_HOME", scratch.path("state"));
        finish(command, "")
    };
    let (data, named) = (scratch.text("home/data"), scratch.text("home/named"));
    run(&data, &[]).fails(0, &["code compiled"]);
    run(&data, &[]).fails(0, &["code cached"]);
    // By default it is done without; one that was named is meant.
    if cfg!(not(windows)) {
        run(&home, &[]).fails(0, &["warning: the program is granted", "--cache-dir", "code compiled"]);
        run(&scratch.text("state"), &[]).fails(0, &["warning: the program is granted", "code compiled"]);
    }
    run(&home, &["--cache-dir", &named]).fails(125, &["the program is granted", "--no-cache"]);
    run(&named, &["--cache-dir", &named]).fails(125, &["the program is granted", "--no-cache"]);
    let ran = run(&home, &["--no-cache"]);
    ran.fails(0, &["code compiled"]);
    assert!(!ran.stderr.contains("warning"), "{}", ran.stderr);
}

#[test]
fn compile_does_not_write_over_its_input() {
    let scratch = Scratch::new();
    let file = scratch.file("add.wasm", fixtures::bytes("add"));
    wasm_host(["compile", &file, "-o", &file]).fails(125, &["is both FILE and OUT"]);
    assert_eq!(fs::read(&file).unwrap(), fixtures::bytes("add"));
    let nowhere = scratch.text("absent/add.cwasm");
    wasm_host(["compile", &file, "-o", &nowhere]).fails(125, &[&format!("cannot write `{nowhere}`")]);
    assert_eq!(fs::read_dir(scratch.path(".")).unwrap().count(), 1);
}

/// The files below a directory.
fn entries(directory: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(entries(&path));
        } else if directory.ends_with("entries") {
            found.push(path);
        }
    }
    found
}

/// Turns one bit in the middle of a file.
fn damage(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    // It cannot be written to by everybody, but anybody may replace what is theirs.
    fs::remove_file(file).unwrap();
    fs::write(file, bytes).unwrap();
}

#[test]
#[cfg(unix)]
fn compiled_code_takes_the_place_of_files_only() {
    let scratch = Scratch::new();
    let made = std::process::Command::new("mkfifo").arg(scratch.path("pipe")).status().unwrap();
    assert!(made.success());
    for output in ["pipe", "."] {
        let output = scratch.text(output);
        wasm_host(["compile", &guest("add"), "-o", &output]).fails(125, &[&output, "name a file"]);
    }
    assert!(!fs::metadata(scratch.path("pipe")).unwrap().is_file());
}

fn cache(command: &str, directory: &str) -> serde_json::Value {
    let ran = wasm_host(["cache", command, "--json", "--cache-dir", directory]);
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:#?}"))
}

#[test]
fn the_cache_is_looked_after() {
    let scratch = Scratch::new();
    let directory = scratch.text("cache");
    let guests = [guest("p1-command"), guest("add")];
    let nothing = scratch.text("nothing.wasm");
    let prewarm = |files: &[&String]| {
        let mut args = vec!["cache", "prewarm", "--cache-dir", &directory];
        args.extend(files.iter().map(|file| file.as_str()));
        wasm_host(args)
    };
    let ran = prewarm(&[&guests[0], &nothing, &guests[1]]);
    ran.fails(1, &["1/3 ", "compiled, ", "2/3 cannot read", "3/3 "]);
    assert_eq!(ran.stdout, "ready   2\nfailed  1\n");
    prewarm(&[&guests[0], &guests[1]]).fails(0, &["1/2 ", "cached, "]);
    with_cache(&directory).fails(0, &["code cached"]);

    let stats = cache("stats", &directory);
    assert_eq!((&stats["entries"], &stats["quarantined"]), (&2.into(), &0.into()));
    assert!(stats["bytes"].as_u64().unwrap() > 10_000);
    wasm_host(["cache", "stats", "--cache-dir", &directory]).fails(0, &[]);
    assert_eq!(cache("verify", &directory)["good"], 2);

    damage(&entries(&scratch.path("cache"))[0]);
    let ran = wasm_host(["cache", "verify", "--cache-dir", &directory]);
    ran.fails(1, &[]);
    assert!(ran.stdout.contains("bad   1\n      1 bad digest\n"), "{}", ran.stdout);
    assert_eq!(cache("stats", &directory)["quarantined"], 1);
    assert_eq!(cache("gc", &directory)["removed"], 0);
    let says = |command: &str, expected: &[&str]| {
        let ran = wasm_host(["cache", command, "--cache-dir", &directory]);
        ran.fails(0, &[]);
        for line in expected {
            assert!(ran.stdout.contains(line), "{command} lacks {line:?}:\n{}", ran.stdout);
        }
    };
    says("stats", &[&format!("directory    {directory}\nentries      1\nsize "), "quarantined  1\n"]);
    says("gc", &["kept     1 (", "\nremoved  0 (0 B)\n", "left by killed processes"]);
    let ran = wasm_host([
        "cache",
        "prewarm",
        "--json",
        "--cache-dir",
        &directory,
        &guests[0],
        &nothing,
        &guests[1],
    ]);
    ran.fails(1, &["2/3 cannot read"]);
    let rows: serde_json::Value = serde_json::from_str(&ran.stdout).unwrap();
    let origins = [0, 2].map(|row| rows[row]["origin"].as_str().unwrap().to_owned());
    assert!(
        origins.iter().any(|origin| origin == "cached") && origins.iter().any(|origin| origin == "compiled")
    );
    assert_eq!(rows[0]["file"], guests[0].as_str());
    assert!(rows[1]["error"].as_str().unwrap().contains("cannot read"), "{rows}");
    assert_eq!(cache("clear", &directory)["removed"], 2);
    says("clear", &["removed  0\n"]);
    assert_eq!(cache("stats", &directory)["entries"], 0);
    let ran = wasm_host(["cache", "stats", "--cache-dir", &guests[0]]);
    ran.fails(125, &["--cache-dir", "is not a directory"]);
}
