//! `wasm-host inspect`: what a program is, needs and offers, without running any of it.

use std::fmt::Write;

use anyhow::{Context, Result, bail};
use host_plugins::Policy;
use host_plugins::host_component::inspect::{Binary, Description, binary, describe, wit_text};
use host_plugins::host_component::schema;
use host_plugins::host_limits::Bytes;
use host_plugins::host_wasi::{Explanation, Needs, explain};
use host_plugins::wasmtime::{ExternType, MemoryType, Module};
use host_plugins::{host_core, host_wasi};
use serde_json::{Value, json};

use crate::flags::InspectFlags;
use crate::output::{print, printable, printable_json, size};
use crate::{load, needs, policy};

/// Prints what is in the file.
pub(crate) fn inspect(flags: &InspectFlags) -> Result<i32> {
    let file = &flags.file;
    let wasm = load::read(file)?;
    if flags.wit {
        let text =
            wit_text(&wasm).with_context(|| format!("there is no WIT text of `{}`", file.display()))?;
        print(&text)?;
        return Ok(0);
    }
    // The engine of `run`, so that what it has compiled is taken from the cache, and kept there for it.
    let runtime = load::runtime(&policy::of_code(None, None, &wasm)?, load::cache(&flags.cache)?)?;
    let compiled = load::compiling(file, &wasm, || runtime.compile(&wasm))
        .with_context(|| format!("cannot inspect `{}`", file.display()))?;
    if flags.schema {
        let Some(component) = compiled.component() else {
            bail!("`{}` is a core module, whose functions have no types that JSON has", file.display());
        };
        let schema = schema::component(component)
            .with_context(|| format!("there is no JSON Schema of `{}`", file.display()))?;
        print(&printable_json(&format!("{schema:#}\n")))?;
        return Ok(0);
    }
    let not_linked = runtime.link(&compiled).err().map(|error| error.to_string());

    let contents = match (compiled.component(), compiled.module()) {
        (Some(component), _) => Contents::Component(describe(component)),
        (None, Some(module)) => Contents::Module(items(module)),
        (None, None) => unreachable!("what is compiled is a component or a module"),
    };
    let explanation = explanation(flags, &contents)?;
    let binary = match &contents {
        Contents::Component(_) => Some(binary(&wasm)?),
        Contents::Module(_) => None,
    };
    let (length, needs) = (wasm.len(), contents.needs());
    let report = Report { length, needs, contents, binary, explanation, not_linked };
    print(&if flags.json { printable_json(&format!("{:#}\n", report.json())) } else { report.text() })?;
    Ok(0)
}

/// What the program gets under the policy and of the wishes that the flags name; `None` if they name neither.
fn explanation(flags: &InspectFlags, contents: &Contents) -> Result<Option<Explanation>> {
    let InspectFlags { policy, wishes, .. } = flags;
    if policy.is_none() && wishes.is_none() {
        return Ok(None);
    }
    let policy = policy.as_ref().map(Policy::read).transpose()?.unwrap_or_default();
    let wishes = wishes.as_deref().map(policy::wishes).transpose()?;
    Ok(Some(explain(contents.wasi_imports(), &policy.grants, wishes.as_ref())))
}

struct Report {
    length: usize,
    contents: Contents,
    needs: Needs,
    /// Sizes, and what is nested; none for a core module.
    binary: Option<Binary>,
    explanation: Option<Explanation>,
    /// Why `wasm-host` could not run it.
    not_linked: Option<String>,
}

enum Contents {
    Component(Description),
    Module(Items),
}

/// The imports and exports of a core module.
struct Items {
    imports: Vec<Item>,
    exports: Vec<Item>,
}

struct Item {
    /// `None` for an export.
    module: Option<String>,
    name: String,
    ty: String,
}

impl Contents {
    fn needs(&self) -> Needs {
        host_wasi::needs(self.wasi_imports())
    }

    /// The imports, as `host_wasi` has them named.
    fn wasi_imports(&self) -> Vec<String> {
        match self {
            Contents::Component(description) => {
                description.imported_interfaces().map(|name| name.to_string()).collect()
            }
            Contents::Module(items) => items.imports.iter().map(Item::full_name).collect(),
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Contents::Component(_) => "component",
            Contents::Module(_) => "core module",
        }
    }

    fn is_command(&self) -> bool {
        match self {
            Contents::Component(description) => description.exported_interfaces().any(|name| {
                ["wasi:cli/run@0.2.", "wasi:cli/run@0.3."].iter().any(|run| name.starts_with(run))
            }),
            Contents::Module(items) => items.exports.iter().any(|export| export.name == "_start"),
        }
    }
}

impl Report {
    fn text(&self) -> String {
        let mut text = String::new();
        let length = size(Bytes::new(u64::try_from(self.length).unwrap_or(u64::MAX)));
        let command = if self.contents.is_command() { ", a command" } else { "" };
        self.write(&mut text, &length, command).expect("writing to a String does not fail");
        text
    }

    fn write(&self, text: &mut String, length: &str, command: &str) -> std::fmt::Result {
        writeln!(text, "{} of {length}{command}\n", self.contents.kind())?;
        match &self.contents {
            Contents::Component(description) => write!(text, "{description}")?,
            Contents::Module(Items { imports, exports }) => {
                for item in imports {
                    writeln!(text, "import {}: {}", printable(&item.full_name()), item.ty)?;
                }
                for item in exports {
                    writeln!(text, "export {}: {}", printable(&item.full_name()), item.ty)?;
                }
            }
        }
        if let Some(binary) = &self.binary {
            write!(text, "\n{binary}")?;
        }
        text.push_str(&needs::text(&self.needs));
        if let Some(explanation) = &self.explanation {
            write!(text, "\nwhat it gets\n{explanation}")?;
        }
        if let Some(reason) = &self.not_linked {
            writeln!(text, "\nwasm-host cannot run it:")?;
            reason.lines().try_for_each(|line| writeln!(text, "  {}", printable(line)))?;
        }
        Ok(())
    }

    fn json(&self) -> Value {
        let Needs { unserved, not_wasi, .. } = &self.needs;
        let (imports, exports) = match &self.contents {
            Contents::Component(description) => (json!(description.imports), json!(description.exports)),
            Contents::Module(Items { imports, exports }) => (
                imports.iter().map(Item::json).collect::<Value>(),
                exports.iter().map(Item::json).collect::<Value>(),
            ),
        };
        json!({
            "kind": self.contents.kind(),
            "bytes": self.length,
            "command": self.contents.is_command(),
            "imports": imports,
            "exports": exports,
            "binary": self.binary,
            "may-use": needs::json(&self.needs),
            "wasi-not-served": unserved,
            "not-wasi": not_wasi,
            "explanation": self.explanation,
            "cannot-run": self.not_linked,
        })
    }
}

impl Item {
    fn full_name(&self) -> String {
        match &self.module {
            Some(module) => format!("{module}.{}", self.name),
            None => self.name.clone(),
        }
    }

    fn json(&self) -> Value {
        match &self.module {
            Some(module) => json!({ "module": module, "name": self.name, "type": self.ty }),
            None => json!({ "name": self.name, "type": self.ty }),
        }
    }
}

fn items(module: &Module) -> Items {
    let imports = module.imports().map(|import| Item {
        module: Some(import.module().to_owned()),
        name: import.name().to_owned(),
        ty: type_text(&import.ty()),
    });
    let exports = module.exports().map(|export| Item {
        module: None,
        name: export.name().to_owned(),
        ty: type_text(&export.ty()),
    });
    Items { imports: imports.collect(), exports: exports.collect() }
}

/// A type in a few words; a memory's size in bytes, which says more than its pages.
fn type_text(ty: &ExternType) -> String {
    match ty {
        ExternType::Memory(memory) => memory_text(memory),
        other => host_core::type_text(other),
    }
}

fn memory_text(memory: &MemoryType) -> String {
    let bytes = |pages: u64| size(Bytes::new(pages.saturating_mul(memory.page_size())));
    match memory.maximum() {
        Some(most) => format!("memory of {} to {}", bytes(memory.minimum()), bytes(most)),
        None => format!("memory of {} or more", bytes(memory.minimum())),
    }
}
