//! How a guest is made of its source, in each language.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};

use super::tools::{Had, Tools};
use super::{Guest, Language, Outcome};
use crate::cargo;
use crate::package::digest;

/// Makes the guest in `folder`, unless it is there already and nothing it is made of has changed.
pub(super) fn make(guest: &Guest, tools: &Tools, folder: &Path) -> Outcome {
    let component = folder.join(format!("{}.wasm", guest.name()));
    let mark = folder.join(format!("{}.made", guest.name()));
    let wanted = made_of(guest, tools)?;
    if component.exists() && fs::read_to_string(&mark).is_ok_and(|found| found == wanted) {
        return Ok(None);
    }
    let scratch = folder.join(guest.name());
    fs::create_dir_all(&scratch)?;
    let made = match guest.language {
        Language::JavaScript => javascript(guest, tools, &component)?,
        Language::Python => python(guest, tools, &component, &scratch)?,
        Language::C => c(guest, tools, &component, &scratch)?,
    };
    if let Err(why) = made {
        return Ok(Some(why));
    }
    ensure!(component.exists(), "the tools have not made {}", component.display());
    fs::write(mark, wanted)?;
    Ok(None)
}

/// Stands for all that a guest is made of: this file, the tools' versions, the WIT and the source.
fn made_of(guest: &Guest, tools: &Tools) -> Result<String> {
    let sources = tools.sources();
    let mut all = include_bytes!("make.rs").to_vec();
    all.extend(include_bytes!("tools.rs"));
    let own = sources.join(guest.language.folder());
    let files = [
        sources.join("package-lock.json"),
        own.join("requirements.txt"),
        tools.root.join("wit").join(guest.wit).join("world.wit"),
        own.join(format!("{}.{}", guest.source, guest.language.extension())),
    ];
    for file in files {
        match fs::read(&file) {
            Err(_) if file.ends_with("requirements.txt") => {}
            read => all.extend(read.with_context(|| format!("cannot read {}", file.display()))?),
        }
    }
    Ok(digest(&all))
}

/// By `componentize-js`: the source and an interpreter, started once and kept as it was then. Without the functions of HTTP,
/// which no guest here needs and not every host has.
fn javascript(guest: &Guest, tools: &Tools, component: &Path) -> Result<Had<()>> {
    let mut tool = match tools.npm("componentize-js")? {
        Ok(tool) => tool,
        Err(why) => return Ok(Err(why)),
    };
    let source = tools.sources().join("javascript").join(format!("{}.js", guest.source));
    tool.arg(source).arg("--wit").arg(tools.root.join("wit").join(guest.wit));
    tool.args(["--world-name", guest.world, "--out"]).arg(component);
    tool.args(["--disable", "http", "fetch-event"]);
    Ok(Ok(cargo::run(&mut tool)?))
}

/// By `componentize-py`, in the same way.
fn python(guest: &Guest, tools: &Tools, component: &Path, scratch: &Path) -> Result<Had<()>> {
    let mut tool = match tools.wheels("python")? {
        Ok(tool) => tool,
        Err(why) => return Ok(Err(why)),
    };
    tool.args(["-c", "import componentize_py; componentize_py.script()", "--quiet", "--wit-path"]);
    tool.arg(tools.root.join("wit").join(guest.wit)).args(["--world", guest.world, "componentize"]);
    // A copy, since compiled code is left beside the source.
    let source = format!("{}.py", guest.source);
    fs::copy(tools.sources().join("python").join(&source), scratch.join(&source))?;
    tool.arg("--python-path").arg(scratch).arg("--output").arg(component);
    tool.arg(guest.source);
    Ok(Ok(cargo::run(&mut tool)?))
}

/// By `wit-bindgen` for the bindings, `zig cc` for a core module, and `jco new` for the component around it.
fn c(guest: &Guest, tools: &Tools, component: &Path, scratch: &Path) -> Result<Had<()>> {
    let (mut bindings, mut compiler, mut around) =
        match (tools.wit_bindgen()?, tools.wheels("c")?, tools.npm("jco")?) {
            (Ok(bindings), Ok(compiler), Ok(around)) => (bindings, compiler, around),
            (Err(why), ..) | (_, Err(why), _) | (.., Err(why)) => return Ok(Err(why)),
        };
    bindings.arg("c").arg(tools.root.join("wit").join(guest.wit)).args(["--world", guest.world]);
    cargo::run(bindings.arg("--out-dir").arg(scratch))?;

    let generated = guest.world.replace('-', "_");
    let core = scratch.join("core.wasm");
    compiler.args(["-m", "ziglang", "cc", "--target=wasm32-wasi", "-mexec-model=reactor"]);
    compiler.args(["-O2", "-s", "-Wall", "-Wextra", "-Werror", "-I"]).arg(scratch);
    compiler.arg(tools.sources().join("c").join(format!("{}.c", guest.source)));
    compiler.arg(scratch.join(format!("{generated}.c")));
    // The world, for the next step, as an object file with a custom section.
    compiler.arg(scratch.join(format!("{generated}_component_type.o"))).arg("-o").arg(&core);
    cargo::run(&mut compiler)?;

    around.arg("new").arg(&core).args(["--wasi-reactor", "--output"]).arg(component);
    Ok(Ok(cargo::run(&mut around)?))
}
