//! Builds the guests into `target/guests`: the Rust ones with cargo, the `.wat` ones with the crate `wat`. Likewise those
//! of the benchmarks, into `target/bench-guests`.

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, IsTerminal};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::{env, fs, process, thread};

use anyhow::{Context, Result, anyhow, bail, ensure};
use serde_json::Value;

use crate::cargo::root;

/// One call of cargo: the packages of a workspace of guests that are built for one target.
struct Step {
    what: &'static str,
    target: &'static str,
    selection: &'static [&'static str],
    /// Stands before the names of the guests: a folder, or what tells two builds of one source apart.
    prefix: &'static str,
}

const STEPS: [Step; 8] = [
    Step {
        what: "core modules",
        target: "wasm32-unknown-unknown",
        selection: &["--package=add", "--package=host-imports", "--package=backtrace"],
        prefix: "",
    },
    Step {
        what: "commands, WASI p1",
        target: "wasm32-wasip1",
        selection: &["--package=command", "--package=calls", "--package=files"],
        prefix: "p1-",
    },
    Step {
        what: "commands, WASI p2",
        target: "wasm32-wasip2",
        selection: &["--package=command", "--package=calls", "--package=files"],
        prefix: "p2-",
    },
    Step {
        what: "what speaks HTTP",
        target: "wasm32-wasip2",
        selection: &["--package=http-client", "--package=http-server", "--package=http-service"],
        prefix: "",
    },
    Step {
        what: "plugins",
        target: "wasm32-wasip2",
        selection: &["--package=plugins", "--examples"],
        prefix: "plugins/",
    },
    Step {
        what: "a chain",
        target: "wasm32-wasip2",
        selection: &["--package=chain", "--examples"],
        prefix: "chain/",
    },
    Step {
        what: "plugins, version 0.2",
        target: "wasm32-wasip2",
        selection: &["--package=plugins-0-2", "--examples"],
        prefix: "plugins-0.2/",
    },
    Step {
        what: "what passes streams",
        target: "wasm32-wasip2",
        selection: &["--package=streams"],
        prefix: "",
    },
];

const BENCH_STEPS: [Step; 2] = [
    Step {
        what: "the jobs as components",
        target: "wasm32-wasip2",
        selection: &["--package=component-echo", "--package=component-job"],
        prefix: "",
    },
    Step {
        what: "the jobs as Extism plug-ins, and core modules",
        target: "wasm32-unknown-unknown",
        selection: &["--package=computing", "--package=extism-echo", "--package=extism-job"],
        prefix: "",
    },
];

/// What stands in `target/guests` after a build: each file, relative to that folder, and its bytes.
type Guests = BTreeMap<PathBuf, Vec<u8>>;

/// Builds all guests and returns the folder they are in, `target/guests`.
///
/// Only what changed is compiled and written, and a file that no source makes any more is removed. Targets that the
/// toolchain lacks are added through rustup.
///
/// # Errors
///
/// If a target is missing and cannot be added, if a guest does not compile, or if a file cannot be read or written.
pub(crate) fn build() -> Result<PathBuf> {
    let sources = root().join("guests");
    let mut guests = compile_all(&STEPS, &sources, "guests-build")?;
    assemble(&sources.join("text"), &mut guests)?;
    put(&guests, "guests")
}

/// Builds the guests of the benchmarks and returns the folder they are in, `target/bench-guests`.
///
/// # Errors
///
/// As [`build`].
pub(crate) fn build_for_benchmarks() -> Result<PathBuf> {
    let sources = root().join("benches").join("guests");
    put(&compile_all(&BENCH_STEPS, &sources, "bench-guests-build")?, "bench-guests")
}

fn compile_all(steps: &[Step], sources: &Path, target: &str) -> Result<Guests> {
    let root = &root();
    add_missing_targets(root, steps)?;
    let mut guests = Guests::new();
    for step in steps {
        compile(step, sources, &root.join("target").join(target), &mut guests)?;
    }
    Ok(guests)
}

/// Makes the folder of that name below `target` hold the guests.
fn put(guests: &Guests, folder: &str) -> Result<PathBuf> {
    let folder = root().join("target").join(folder);
    let Published { written, removed } = publish(guests, &folder)?;
    if written + removed == 0 {
        say(&format!("{} up to date", guests.len()));
    } else {
        say(&format!("{written} written, {} up to date, {removed} removed", guests.len() - written));
    }
    Ok(folder)
}

#[expect(clippy::print_stderr, reason = "a chore tells the person at the shell how far it is")]
fn say(line: &str) {
    eprintln!("guests: {line}");
}

/// Adds the targets that the active toolchain lacks.
fn add_missing_targets(root: &Path, steps: &[Step]) -> Result<()> {
    let output = Command::new("rustc").args(["--print", "sysroot"]).current_dir(root).output();
    let output = output.context("cannot run `rustc`: install Rust from https://rustup.rs")?;
    ensure!(output.status.success(), "`rustc --print sysroot`: {}", String::from_utf8_lossy(&output.stderr));
    let sysroot = String::from_utf8(output.stdout).context("the path of the toolchain is not UTF-8")?;
    let libraries = Path::new(sysroot.trim()).join("lib").join("rustlib");

    let mut missing: Vec<_> = steps.iter().map(|step| step.target).collect();
    missing.dedup();
    missing.retain(|target| !libraries.join(target).join("lib").is_dir());
    if missing.is_empty() {
        return Ok(());
    }
    say(&format!("adding {} to the toolchain", missing.join(", ")));
    let advice = || {
        let all = missing.join(" ");
        format!(
            "cannot add targets for WebAssembly: run `rustup target add {all}` in {}; \
             for a Rust without rustup, install its standard library for {all} into {}",
            root.display(),
            libraries.display()
        )
    };
    let status = Command::new("rustup").args(["target", "add"]).args(&missing).current_dir(root).status();
    ensure!(status.with_context(advice)?.success(), advice());
    Ok(())
}

/// Runs cargo for one step, passing on what it says, and takes the modules or components it made.
fn compile(step: &Step, sources: &Path, target: &Path, guests: &mut Guests) -> Result<()> {
    let colour = if io::stderr().is_terminal() { "--color=always" } else { "--color=never" };
    let mut command = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    command.args(["build", "--release", "--locked", "--message-format=json-render-diagnostics", colour]);
    command.args(["--target", step.target, "--target-dir"]).arg(target);
    command.args(step.selection).current_dir(sources);
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_of_the_outer_build) {
            command.env_remove(name);
        }
    }
    let mut child =
        command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().context("cannot run cargo")?;
    let (Some(stdout), Some(stderr)) = (child.stdout.take(), child.stderr.take()) else {
        bail!("cargo was started without pipes");
    };
    let talk = thread::spawn(move || pass_on(BufReader::new(stderr)));
    let mut made = Vec::new();
    for line in BufReader::new(stdout).lines() {
        made.extend(Made::from_message(&line?));
    }
    talk.join().map_err(|_| anyhow!("cannot pass on what cargo says"))??;
    ensure!(child.wait()?.success(), "{}: cargo cannot build them for {}", step.what, step.target);

    let compiled = made.iter().filter(|made| !made.fresh).count();
    if compiled > 0 {
        say(&format!("compiled {compiled} for {} ({})", step.target, step.what));
    }
    for Made { name, file, .. } in made {
        let bytes = fs::read(&file).with_context(|| format!("cannot read {}", file.display()))?;
        add(guests, format!("{}{name}.wasm", step.prefix).into(), bytes)?;
    }
    Ok(())
}

/// Whether an environment variable would carry settings of the build that xtask runs in over to the guests' build.
/// What tells cargo how to reach the network, how to speak and how many cores to use stays.
fn is_of_the_outer_build(name: &str) -> bool {
    const KEPT: [&str; 7] = [
        "CARGO_HOME",
        "CARGO_BUILD_JOBS",
        "CARGO_HTTP_",
        "CARGO_NET_",
        "CARGO_REGISTR",
        "CARGO_SOURCE_",
        "CARGO_TERM_",
    ];
    let ours = name.starts_with("CARGO_") || name.starts_with("RUSTC_");
    (ours || name == "RUSTFLAGS") && !KEPT.iter().any(|kept| name.starts_with(kept))
}

/// Repeats what cargo says, but for the line that ends each of its calls.
#[expect(clippy::print_stderr, reason = "a chore tells the person at the shell how far it is")]
fn pass_on(lines: impl BufRead) -> io::Result<()> {
    for line in lines.lines() {
        let line = line?;
        if !(line.contains("Finished") && line.contains("`release` profile")) {
            eprintln!("{line}");
        }
    }
    Ok(())
}

/// A guest that cargo made, or found made already.
#[derive(Debug, PartialEq)]
struct Made {
    name: String,
    file: PathBuf,
    fresh: bool,
}

impl Made {
    /// Reads one line of cargo's messages; most of them are about something else.
    fn from_message(line: &str) -> Option<Self> {
        let message: Value = serde_json::from_str(line).ok()?;
        if message["reason"] != "compiler-artifact" {
            return None;
        }
        let mut files = message["filenames"].as_array()?.iter().filter_map(Value::as_str);
        // Cargo writes the names of libraries, but not those of examples, with underscores.
        let name = message["target"]["name"].as_str()?.replace('_', "-");
        let file = files.find(|file| file.ends_with(".wasm"))?.into();
        Some(Self { name, file, fresh: message["fresh"] == true })
    }
}

/// Turns each `.wat` file below `text` into a module or component of the same name.
fn assemble(text: &Path, guests: &mut Guests) -> Result<()> {
    for source in files_below(text, "wat")? {
        let bytes =
            wat::parse_file(&source).with_context(|| format!("cannot assemble {}", source.display()))?;
        add(guests, source.strip_prefix(text)?.with_extension("wasm"), bytes)?;
    }
    Ok(())
}

fn add(guests: &mut Guests, file: PathBuf, bytes: Vec<u8>) -> Result<()> {
    ensure!(!guests.contains_key(&file), "two sources make the guest {}: rename one", file.display());
    guests.insert(file, bytes);
    Ok(())
}

/// How many files a build changed.
#[derive(Debug, PartialEq)]
struct Published {
    written: usize,
    removed: usize,
}

/// Makes `folder` hold the guests and no other `.wasm` file, leaving alone what is right already.
fn publish(guests: &Guests, folder: &Path) -> Result<Published> {
    let mut published = Published { written: 0, removed: 0 };
    for (file, bytes) in guests {
        let path = folder.join(file);
        if fs::read(&path).is_ok_and(|old| old == *bytes) {
            continue;
        }
        replace(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
        published.written += 1;
    }
    for path in files_below(folder, "wasm")? {
        if !guests.contains_key(path.strip_prefix(folder)?) {
            fs::remove_file(&path).with_context(|| format!("cannot remove {}", path.display()))?;
            published.removed += 1;
        }
    }
    Ok(published)
}

/// Writes beside the file first, so that a test that reads it meanwhile sees the old or the new bytes.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    let beside = path.with_extension(format!("{}.tmp", process::id()));
    fs::write(&beside, bytes)?;
    fs::rename(beside, path)
}

/// All files with this extension in the folder and the folders in it.
fn files_below(folder: &Path, extension: &str) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let entries =
        fs::read_dir(folder).with_context(|| format!("cannot read the folder {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.is_dir() {
            files.extend(files_below(&path, extension)?);
        } else if path.extension().is_some_and(|found| found == extension) {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_the_outer_build_are_kept_from_the_guests() {
        for name in [
            "CARGO_ENCODED_RUSTFLAGS",
            "CARGO_RESOLVER_FEATURE_UNIFICATION",
            "CARGO_TARGET_DIR",
            "CARGO_UNSTABLE_FEATURE_UNIFICATION",
            "RUSTC_BOOTSTRAP",
            "RUSTC_WORKSPACE_WRAPPER",
            "RUSTC_WRAPPER",
            "RUSTFLAGS",
        ] {
            assert!(is_of_the_outer_build(name), "{name}");
        }
        for name in
            ["CARGO_HOME", "CARGO_NET_OFFLINE", "CARGO_REGISTRIES_OURS_INDEX", "PATH", "RUSTUP_TOOLCHAIN"]
        {
            assert!(!is_of_the_outer_build(name), "{name}");
        }
    }

    #[test]
    fn only_messages_about_webassembly_name_guests() {
        let message = |reason: &str, file: &str| {
            format!(
                r#"{{"reason":"{reason}","target":{{"name":"host_imports"}},"filenames":["{file}"],"fresh":true}}"#
            )
        };
        let file = "release/host_imports.wasm";
        let made = Made { name: "host-imports".to_owned(), file: file.into(), fresh: true };
        assert_eq!(Made::from_message(&message("compiler-artifact", file)), Some(made));
        assert_eq!(Made::from_message(&message("compiler-artifact", "release/libplugins.rlib")), None);
        assert_eq!(Made::from_message(&message("build-script-executed", file)), None);
        assert_eq!(Made::from_message("warning: not a message"), None);
    }

    #[test]
    fn one_name_is_one_guest() {
        let mut guests = Guests::new();
        add(&mut guests, "add.wasm".into(), vec![1]).unwrap();
        let error = add(&mut guests, "add.wasm".into(), vec![2]).unwrap_err();
        assert!(error.to_string().contains("add.wasm"), "{error}");
    }

    #[test]
    fn publishing_writes_what_changed_and_removes_what_is_stale() {
        let folder = env::temp_dir().join(format!("xtask-guests-{}", process::id()));
        let mut guests = Guests::from([("one.wasm".into(), vec![1]), ("plugins/two.wasm".into(), vec![2])]);
        assert_eq!(publish(&guests, &folder).unwrap(), Published { written: 2, removed: 0 });
        assert_eq!(publish(&guests, &folder).unwrap(), Published { written: 0, removed: 0 });

        guests.insert("one.wasm".into(), vec![3]);
        guests.remove(Path::new("plugins/two.wasm"));
        assert_eq!(publish(&guests, &folder).unwrap(), Published { written: 1, removed: 1 });
        assert_eq!(fs::read(folder.join("one.wasm")).unwrap(), [3]);
        assert!(!folder.join("plugins/two.wasm").exists());
        fs::remove_dir_all(folder).unwrap();
    }
}
