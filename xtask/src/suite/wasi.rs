//! `cargo xtask suite wasi`: the public WASI test suite, each test a process of `wasm-host run` or `wasm-host serve`.

mod case;
mod endpoints;
mod listed;
mod message;
mod process;
mod verdict;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context as _, Result, bail};

use self::case::Case;
use self::verdict::Ran;
use super::built;
use crate::cargo::metadata;
use crate::test::quiet;

/// Where the suite is, if no argument says so.
const VARIABLE: &str = "WASI_TESTSUITE";

const MISSING: &str = "\
the WASI test suite is skipped, for it is not here; get it, and say where it is by --suite PATH or WASI_TESTSUITE:
  git clone --depth 1 --branch prod/testsuite-base https://github.com/WebAssembly/wasi-testsuite";

/// What a test of sockets or of `wasi:http` is granted: this machine. A policy also has to say that WASI 0.3 is allowed.
const LOOPBACK: &str = "\
profile.proposals = PROPOSALS
static-limits.proposals = PROPOSALS

[grants]
network = ['tcp://127.0.0.1:*', 'tcp://[::1]:*', 'udp://127.0.0.1:*', 'udp://[::1]:*', 'http://127.0.0.1:*/*']
";

/// What a Rust program of WASI 0.3 is made of.
const PROPOSALS: &str = "['sign-extension', 'saturating-float-to-int', 'bulk-memory', 'reference-types', \
    'multi-value', 'simd', 'component-model', 'component-model-async']";

/// The folders of tests, and how their WASI is called in the table.
const VERSIONS: &[(&str, &str)] = &[("wasm32-wasip1", "p1"), ("wasm32-wasip3", "p3")];

/// What the person who runs it wants.
#[derive(Debug, Default, PartialEq)]
struct Wanted {
    /// A checkout of the suite.
    suite: Option<PathBuf>,
    /// The command to test; one that is built now, if none.
    program: Option<PathBuf>,
}

/// Runs every test of the suite, and shows what passed. Fails if a test does that is not listed, or passes though it is.
pub(super) fn run(arguments: &[&str]) -> Result<ExitCode> {
    let wanted = wanted(arguments)?;
    let suite = wanted.suite.or_else(|| std::env::var_os(VARIABLE).map(PathBuf::from));
    let Some(suite) = suite.filter(|suite| !suite.as_os_str().is_empty()) else {
        println!("{MISSING}");
        return Ok(ExitCode::SUCCESS);
    };
    let cases = cases(&suite.join("tests"))?;
    let program = match wanted.program {
        Some(program) => std::path::absolute(program)?,
        None => built::executable("wasm-host", "wasm-host")?,
    };
    let target = metadata()?["target_directory"].as_str().map(PathBuf::from);
    let scratch = target.context("`cargo metadata` names no target directory")?.join("suite-wasi");
    remove(&scratch)?;
    let runs = run_all(&Runner { program, scratch: scratch.clone() }, &cases);
    remove(&scratch)?;
    let (table, problems) = verdict::judge(&runs?);
    println!("{table}\n{}", verdict::explained());
    for problem in &problems {
        println!("{problem}");
    }
    println!("{}", if problems.is_empty() { "as expected" } else { "NOT as expected: see above" });
    Ok(if problems.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn wanted(arguments: &[&str]) -> Result<Wanted> {
    let mut wanted = Wanted::default();
    let mut rest = arguments;
    loop {
        rest = match rest {
            [] => return Ok(wanted),
            ["--suite", path, rest @ ..] => {
                wanted.suite = Some(path.into());
                rest
            }
            ["--program", path, rest @ ..] => {
                wanted.program = Some(path.into());
                rest
            }
            [other, ..] => bail!(
                "`suite wasi` takes --suite PATH (a checkout) and --program PATH (a built wasm-host), not `{other}`"
            ),
        };
    }
}

/// The tests in `tests/LANGUAGE/testsuite/VERSION`, with the part they belong to, such as `rust p3`.
fn cases(tests: &Path) -> Result<Vec<(String, Case)>> {
    let entries = fs::read_dir(tests);
    let entries = entries.with_context(|| format!("there is no WASI test suite: no {}", tests.display()))?;
    let mut languages = Vec::new();
    for entry in entries {
        languages.push(entry?.file_name().to_string_lossy().into_owned());
    }
    languages.sort();
    let mut cases = Vec::new();
    for language in &languages {
        for (version, short) in VERSIONS {
            let folder = tests.join(language).join("testsuite").join(version);
            if folder.is_dir() {
                let part = format!("{language} {short}");
                cases.extend(case::read_all(&folder)?.into_iter().map(|case| (part.clone(), case)));
            }
        }
    }
    if cases.is_empty() {
        bail!("{} has no tests; check out the branch prod/testsuite-base", tests.display());
    }
    Ok(cases)
}

/// Runs the tests, several at a time, and gives the results in their order.
fn run_all(runner: &Runner, cases: &[(String, Case)]) -> Result<Vec<Ran>> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    let workers = thread::available_parallelism().map_or(2, usize::from) * 2;
    thread::scope(|scope| {
        for _ in 0..workers.min(cases.len()) {
            scope.spawn(|| {
                while let Some((part, case)) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let result = runner.run(part, case);
                    let ran =
                        result.map(|problem| Ran { part: part.clone(), test: case.name.clone(), problem });
                    results.lock().unwrap_or_else(PoisonError::into_inner).push(ran);
                }
            });
        }
    });
    let results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    let mut runs = results.into_iter().collect::<Result<Vec<Ran>>>()?;
    let place = |run: &Ran| cases.iter().position(|(part, case)| *part == run.part && case.name == run.test);
    runs.sort_by_key(place);
    Ok(runs)
}

/// What tests are run with.
struct Runner {
    program: PathBuf,
    /// A folder for the directories that tests write to.
    scratch: PathBuf,
}

impl Runner {
    /// Runs one test in a copy of its directory, so that tests do not meet, and the checkout stays as it is. Gives what was not as
    /// expected, or nothing if it passed.
    fn run(&self, part: &str, case: &Case) -> Result<Option<String>> {
        let scratch = self.scratch.join(part).join(&case.name);
        fs::create_dir_all(&scratch).with_context(|| format!("cannot make {}", scratch.display()))?;
        let mut command = Command::new(&self.program);
        match case.service {
            true => command.args(["serve", "--addr", "127.0.0.1:0", "--no-cache"]),
            false => command.args(["run", "--no-cache"]),
        };
        if case.network {
            let policy = scratch.join("policy.toml");
            fs::write(&policy, LOOPBACK.replace("PROPOSALS", PROPOSALS))?;
            command.arg("--policy").arg(policy).args(["--fuel", "unlimited", "--timeout", "1m"]);
        }
        for (name, value) in &case.env {
            command.arg("--env").arg(format!("{name}={value}"));
        }
        for server in &case.servers {
            let address = endpoints::start(server.endpoints.clone()).context("cannot start a server")?;
            command.arg("--env").arg(format!("HTTP_SERVER_{}={address}", server.name.to_uppercase()));
        }
        if let Some(root) = &case.root {
            let copy = scratch.join("root");
            copy_directory(root, &copy).with_context(|| format!("cannot copy {}", root.display()))?;
            command.arg("--dir").arg(format!("{}::/", copy.display()));
        }
        command.arg(&case.wasm).args(&case.args);
        let problem = process::run(quiet(&mut command), &case.operations).err();
        remove(&scratch)?;
        Ok(problem)
    }
}

/// Copies the files and folders in `from`; there is nothing else in the directories of the suite.
fn copy_directory(from: &Path, to: &Path) -> std::io::Result<()> {
    fs::create_dir(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let copy = to.join(entry.file_name());
        match entry.file_type()?.is_dir() {
            true => copy_directory(&entry.path(), &copy)?,
            false => drop(fs::copy(entry.path(), copy)?),
        }
    }
    Ok(())
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("cannot remove {}", folder.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_arguments_say_where_the_suite_and_the_program_are() {
        assert_eq!(wanted(&[]).unwrap(), Wanted::default());
        let both = Wanted { suite: Some("s".into()), program: Some("p".into()) };
        assert_eq!(wanted(&["--program", "p", "--suite", "s"]).unwrap(), both);
        for wrong in [["--suite"].as_slice(), &["s"], &["--suite", "s", "--fast"]] {
            assert!(wanted(wrong).unwrap_err().to_string().contains("takes --suite PATH"), "{wrong:?}");
        }
    }

    #[test]
    fn a_folder_that_is_not_the_suite_is_refused() {
        let problem = |path: &Path| cases(path).unwrap_err().to_string();
        assert!(problem(Path::new("no-such-folder")).starts_with("there is no WASI test suite"));
        let sources = crate::cargo::root().join("xtask");
        assert!(problem(&sources).ends_with("check out the branch prod/testsuite-base"));
    }
}
