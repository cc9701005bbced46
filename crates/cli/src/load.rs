//! From a file to a program: the cache, the engine, and compiling with a word to who waits.

use std::env;
use std::fs;
use std::io::{IsTerminal, stderr};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use host_plugins::host_cache::{Cache, HostKey, IntegrityOnly, Trust};
use host_plugins::host_core::{InputError, InputKind};
use host_plugins::host_limits::Bytes;
use host_plugins::host_wasi::{Grants, Line, OutputStream, WasiOptions};
use host_plugins::{Policy, Runtime};

use crate::flags::CacheFlags;
use crate::output::{self, Stream, printable, size};

/// How long compiling may take in silence.
const PATIENCE: Duration = Duration::from_secs(1);

/// The engine that a policy needs, and its cache.
pub(crate) fn runtime(policy: &Policy, cache: Option<Cache>) -> Result<Runtime> {
    let runtime =
        Runtime::new(policy.profile.clone(), &policy.limits, cache).context("cannot set up the engine")?;
    let wasi = WasiOptions::new().on_line(tell_line);
    Ok(runtime.with_static_limits(policy.static_limits.clone()).with_wasi_options(wasi))
}

/// Passes a line of a program on, as one line on the stream that it was written to.
fn tell_line(line: Line<'_>) {
    let stream = match line.stream {
        OutputStream::Stdout => Stream::Stdout,
        OutputStream::Stderr => Stream::Stderr,
    };
    output::write(stream, format!("{}\n", printable(line.text)).as_bytes());
}

/// The cache that the options name: none if it is switched off, or if there is no place for it by default.
///
/// # Errors
///
/// The directory was named, and cannot be used.
pub(crate) fn cache(flags: &CacheFlags) -> Result<Option<Cache>> {
    if flags.no_cache {
        return Ok(None);
    }
    if let Some(directory) = &flags.cache_dir {
        return Ok(Some(Cache::open(directory, trust()).context("cannot use the directory of --cache-dir")?));
    }
    let Some(directory) = default_directory() else {
        output::warn(
            "there is no cache folder, so code is compiled anew each time; name one with --cache-dir, or say --no-cache",
        );
        return Ok(None);
    };
    match Cache::open(directory, trust()) {
        Ok(cache) => Ok(Some(cache)),
        Err(error) => {
            let error = anyhow::Error::from(error).context("code is compiled anew each time");
            output::warn(&format!("{error:#}; or say --no-cache"));
            Ok(None)
        }
    }
}

/// The cache that the options name, if no program with `grants` reaches it: what that wrote there would run as we do.
///
/// # Errors
///
/// As [`cache`]; and a program would reach the directory that was named, or its host key.
pub(crate) fn cache_apart_from(grants: &Grants, flags: &CacheFlags) -> Result<Option<Cache>> {
    let Some(cache) = cache(flags)? else { return Ok(None) };
    for directory in &grants.directories {
        // What is not there is for the runtime to say.
        if !cache.overlaps(&directory.host).unwrap_or(false) {
            continue;
        }
        let reached = format!(
            "the program is granted `{}`, from which it reaches the cache in `{}` or its host key",
            directory.host.display(),
            cache.root().display()
        );
        if flags.cache_dir.is_some() {
            bail!("{reached}; name another --cache-dir, or say --no-cache");
        }
        output::warn(&format!(
            "{reached}, so code is compiled anew; name another --cache-dir, or say --no-cache"
        ));
        return Ok(None);
    }
    Ok(Some(cache))
}

/// The host key of this user, which is made if there is none. Without one, entries are checked against accidents only.
fn trust() -> Trust {
    let Some(file) = HostKey::default_path() else { return IntegrityOnly.into() };
    match HostKey::open(file) {
        Ok(key) => key.into(),
        Err(error) => {
            let error = anyhow::Error::from(error).context("compiled code is kept without a host key");
            output::warn(&format!("{error:#}"));
            IntegrityOnly.into()
        }
    }
}

/// Reads a file whole.
pub(crate) fn read(file: &Path) -> Result<Vec<u8>> {
    fs::read(file).with_context(|| format!("cannot read `{}`", file.display()))
}

/// Whether the bytes of `file` are precompiled code, which only `allowed` is taken.
pub(crate) fn is_precompiled(file: &Path, bytes: &[u8], allowed: bool) -> Result<bool> {
    match InputKind::of(bytes) {
        Err(InputError::Precompiled) if !allowed => bail!(
            "`{}` is precompiled native code, which nothing can check; if you have made it with `wasm-host compile` \
             yourself, say --allow-precompiled, else take the WebAssembly it was made from",
            file.display()
        ),
        kind => Ok(kind == Err(InputError::Precompiled)),
    }
}

/// The component that is made of `wasm`, the WASI 0.1 module in `file`.
pub(crate) fn adapted(runtime: &Runtime, file: &Path, wasm: &[u8]) -> Result<Vec<u8>> {
    runtime.adapt(wasm).with_context(|| format!("cannot make a component of `{}`", file.display()))
}

/// Does `work`, which compiles `file`. After a second somebody at a terminal is told what takes so long.
pub(crate) fn compiling<R>(file: &Path, wasm: &[u8], work: impl FnOnce() -> R) -> R {
    let _done = stderr().is_terminal().then(|| announce(file, wasm.len()));
    work()
}

/// Tells after a while, unless what is returned is dropped before.
fn announce(file: &Path, length: usize) -> Sender<()> {
    let length = size(Bytes::new(u64::try_from(length).unwrap_or(u64::MAX)));
    let text = format!("compiling {} ({length})…", file.display());
    let (sender, receiver) = channel();
    thread::spawn(move || {
        if receiver.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
            output::tell(&text);
        }
    });
    sender
}

/// Where the user's programs keep what they can make again. Relative paths in the environment are to be ignored.
fn default_directory() -> Option<PathBuf> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let caches = if cfg!(windows) {
        absolute("LOCALAPPDATA")
    } else if cfg!(target_os = "macos") {
        absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join("Library").join("Caches")))
    } else {
        absolute("XDG_CACHE_HOME").or_else(|| Some(absolute("HOME")?.join(".cache")))
    };
    Some(caches?.join("wasm-host"))
}
