//! `wasm-host doctor`: everything that keeps a program from running here, and what to change.

mod directory;

use std::ffi::OsStr;
use std::fmt::Write;
use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use host_plugins::host_component::World;
use host_plugins::host_component::doctor::{Problem, Report};
use host_plugins::host_component::inspect::describe;
use host_plugins::host_wasi::{self, Needs};
use host_plugins::{Compiled, LoadError, Runtime};
use serde_json::{Value, json};

use crate::flags::DoctorFlags;
use crate::output::{print, printable, printable_json};
use crate::{load, needs, policy};

/// The program does not fit.
const SICK: i32 = 1;

/// Prints what is wrong, and gives the exit code.
pub(crate) fn doctor(flags: &DoctorFlags) -> Result<i32> {
    let file = &flags.file;
    if file.is_dir() {
        return directory::doctor(flags);
    }
    let wasm = load::read(file)?;
    // The engine of `run`: what is said here holds there.
    let runtime =
        load::runtime(&policy::of_code(flags.policy.as_deref(), None, &wasm)?, load::cache(&flags.cache)?)?;
    let compiled = load::compiling(file, &wasm, || runtime.compile(&wasm))
        .with_context(|| format!("cannot look at `{}`", file.display()))?;
    let world = flags.world.as_deref().map(|world| read_world(&runtime, &compiled, world)).transpose()?;
    let against = match &world {
        Some(world) => format!("the world `{}`", world.name()),
        None => "wasm-host".to_owned(),
    };
    let findings = match runtime.diagnose(&compiled, world) {
        Ok(()) => Findings::None,
        Err(LoadError::Imports(report)) => Findings::OfComponent(report),
        Err(LoadError::Link(error)) => Findings::OfModule(error.to_string()),
        Err(error) => return Err(error.into()),
    };
    let diagnosis =
        Diagnosis { file: file.display().to_string(), against, findings, needs: needs_of(&compiled) };
    print(&if flags.json { printable_json(&format!("{:#}\n", diagnosis.json())) } else { diagnosis.text() })?;
    Ok(if matches!(diagnosis.findings, Findings::None) { 0 } else { SICK })
}

/// Reads the world that `asked` names, a path perhaps with `#` and a name behind it.
fn read_world(runtime: &Runtime, compiled: &Compiled, asked: &OsStr) -> Result<World> {
    if compiled.module().is_some() {
        bail!("a core module has no world; make a component of it, or leave --world out");
    }
    let (path, name) = split_world(asked);
    World::read(runtime.engine(), &path, name)
        .with_context(|| format!("cannot take a world from `{}`", path.display()))
}

/// A path, and the name behind its `#`, if there is no file of the whole name.
fn split_world(asked: &OsStr) -> (PathBuf, Option<&str>) {
    let whole = PathBuf::from(asked);
    match asked.to_str().and_then(|asked| asked.rsplit_once('#')) {
        Some((path, name)) if !whole.exists() => (PathBuf::from(path), Some(name)),
        _ => (whole, None),
    }
}

fn needs_of(compiled: &Compiled) -> Needs {
    let imports: Vec<String> = match (compiled.component(), compiled.module()) {
        (Some(component), _) => describe(component).imported_interfaces().map(str::to_owned).collect(),
        (None, Some(module)) => {
            module.imports().map(|import| format!("{}.{}", import.module(), import.name())).collect()
        }
        (None, None) => Vec::new(),
    };
    host_wasi::needs(imports)
}

struct Diagnosis {
    file: String,
    /// What it was compared with.
    against: String,
    findings: Findings,
    needs: Needs,
}

enum Findings {
    None,
    OfComponent(Report),
    OfModule(String),
}

impl Diagnosis {
    fn text(&self) -> String {
        let mut text = String::new();
        self.write(&mut text).expect("writing to a String does not fail");
        text
    }

    fn write(&self, text: &mut String) -> std::fmt::Result {
        let Diagnosis { file, against, findings, needs } = self;
        match findings {
            Findings::None => writeln!(text, "`{file}` fits {against}")?,
            Findings::OfComponent(Report { problems, .. }) if problems.len() == 1 => {
                writeln!(text, "`{file}` does not fit {against}, for one reason:\n")?;
            }
            Findings::OfComponent(Report { problems, .. }) => {
                writeln!(text, "`{file}` does not fit {against}, for {} reasons:\n", problems.len())?;
            }
            Findings::OfModule(_) => writeln!(text, "`{file}` does not fit {against}:\n")?,
        }
        match findings {
            Findings::None => {}
            Findings::OfComponent(report) => {
                report.explain().lines().try_for_each(|line| writeln!(text, "{}", printable(line)))?;
            }
            Findings::OfModule(reason) => {
                reason.lines().try_for_each(|line| writeln!(text, "{}", printable(line)))?;
            }
        }
        text.push_str(&needs::text(needs));
        Ok(())
    }

    fn json(&self) -> Value {
        let problems: Vec<Value> = match &self.findings {
            Findings::None => Vec::new(),
            Findings::OfComponent(report) => report.problems.iter().map(problem).collect(),
            Findings::OfModule(reason) => vec![json!({ "problem": "not-linked", "text": reason })],
        };
        json!({
            "fits": problems.is_empty(),
            "against": self.against,
            "problems": problems,
            "may-use": needs::json(&self.needs),
            "wasi-not-served": self.needs.unserved,
        })
    }
}

fn problem(problem: &Problem) -> Value {
    let mut value = json!(problem);
    value["text"] = json!(problem.to_string());
    value["advice"] = json!(problem.advice());
    value
}
