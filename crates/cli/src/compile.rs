//! `wasm-host compile`: a program's native code as a file, for a start without compiling.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use host_plugins::compile_ahead_for;

use crate::flags::CompileFlags;
use crate::{load, policy};

/// Compiles, and writes the file.
pub(crate) fn compile(flags: &CompileFlags) -> Result<i32> {
    let CompileFlags { file, output, .. } = flags;
    let mut wasm = load::read(file)?;
    let policy = policy::of_code(flags.policy.as_deref(), flags.fuel, &wasm)?;
    if is_same(file, output) {
        bail!("`{}` is both FILE and OUT; write to another file", output.display());
    }
    // A file would take its place: as root, that of /dev/null.
    if fs::metadata(output).is_ok_and(|metadata| !metadata.is_file()) {
        bail!("`{}` is there, and is no file; name a file", output.display());
    }
    if flags.adapt {
        wasm = load::adapted(&load::runtime(&policy, None)?, file, &wasm)?;
    }
    let code = match &flags.target {
        None => {
            let runtime = load::runtime(&policy, None)?;
            load::compiling(file, &wasm, || runtime.compile_ahead(&wasm))
        }
        Some(target) => load::compiling(file, &wasm, || compile_ahead_for(target, &policy, &wasm)),
    };
    let code = code.with_context(|| format!("cannot compile `{}`", file.display()))?;
    write(output, &code).with_context(|| format!("cannot write `{}`", output.display()))?;
    Ok(0)
}

fn is_same(one: &Path, other: &Path) -> bool {
    matches!((one.canonicalize(), other.canonicalize()), (Ok(one), Ok(other)) if one == other)
}

/// Writes a file that only this user can change, all of it or nothing.
fn write(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o644);
    let partial = partial(path);
    let written = options
        .open(&partial)
        .and_then(|mut file| file.write_all(contents).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&partial, path));
    if written.as_ref().is_err_and(|error| error.kind() != io::ErrorKind::AlreadyExists) {
        // If it was never made there is nothing to remove.
        let _ = fs::remove_file(&partial);
    }
    written
}

/// Beside the file, so that it can take its place in one step.
fn partial(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{}.partial", std::process::id()));
    name.into()
}
