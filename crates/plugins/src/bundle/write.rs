//! Writes bundles: in a directory beside, which is renamed when it is whole.

use std::ffi::OsStr;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::process;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime};

use host_core::{CoreDumpError, Fault};
use host_limits::Bytes;

use super::record::{
    ArgumentsKept, BundleRecord, CallRecord, CapturedRecord, CoreDumpRecord, FORMAT, FaultRecord, MadeBy,
    PluginRecord,
};
use super::report::{Report, without_values};
use super::{Arguments, BundleError, CrashBundles, name};

/// How much is written of the arguments, in bytes.
const ARGUMENTS: usize = 1 << 20;

/// What the names of directories begin with that are no bundles yet, or no more.
const PARTIAL: &str = ".partial-";

/// After this time a partial directory is that of a process which was killed.
const ABANDONED: Duration = Duration::from_secs(3600);

const WASMTIME: &str = "48.0.8";

pub(super) fn write(
    bundles: &CrashBundles,
    report: &Report<'_>,
    core_dump: Option<Result<Vec<u8>, CoreDumpError>>,
) -> Result<PathBuf, BundleError> {
    let directory = &bundles.directory;
    let name = name::name(report.time, report.plugin, report.call);
    let unusable = |source| BundleError::Directory { path: directory.clone(), source };
    private_directory().recursive(true).create(directory).map_err(unusable)?;
    let partial = Partial::create(directory).map_err(unusable)?;
    let unwritten = |source| BundleError::Write { path: directory.join(&name), source };
    fill(&partial.0, bundles, report, core_dump).map_err(unwritten)?;
    let path = partial.publish(directory, &name).map_err(unwritten)?;
    if let Err(error) = remove_oldest(directory, bundles.most) {
        tracing::warn!(directory = %directory.display(), %error, "old crash bundles cannot be removed");
    }
    Ok(path)
}

/// Writes the files of a bundle.
fn fill(
    directory: &Path,
    bundles: &CrashBundles,
    report: &Report<'_>,
    core_dump: Option<Result<Vec<u8>, CoreDumpError>>,
) -> io::Result<()> {
    let Report { fault, captured, .. } = report;
    let mut files = Vec::new();
    let mut file = |name: &str, contents: &[u8]| {
        files.push(name.to_owned());
        write_file(&directory.join(name), contents)
    };
    file("fault.txt", format!("{fault:#}\n").as_bytes())?;
    if let Some(manifest) = report.manifest {
        file("manifest.toml", manifest.as_bytes())?;
    }
    let (kept, arguments) = arguments(&bundles.arguments, report.arguments);
    if let Some(arguments) = arguments {
        file("arguments.txt", arguments.as_bytes())?;
    }
    if !captured.log.is_empty() {
        file("log.txt", (captured.log.join("\n") + "\n").as_bytes())?;
    }
    for (name, output) in [("stdout.txt", &captured.stdout), ("stderr.txt", &captured.stderr)] {
        if !output.is_empty() {
            file(name, output)?;
        }
    }
    // The rest is worth having without it.
    let core_dump = core_dump.map(|dump| match dump {
        Ok(dump) => match write_file(&directory.join("core.wasm"), &dump) {
            Ok(()) => {
                files.push("core.wasm".to_owned());
                CoreDumpRecord::Written(Bytes::new(dump.len() as u64))
            }
            Err(error) => {
                let _ = fs::remove_file(directory.join("core.wasm"));
                CoreDumpRecord::Failed(format!("cannot write it: {error}"))
            }
        },
        Err(error) => CoreDumpRecord::Failed(error.to_string()),
    });
    let record = record(report, kept, core_dump, files)?;
    write_file(&directory.join("bundle.json"), &serde_json::to_vec_pretty(&record)?)
}

fn record(
    report: &Report<'_>,
    arguments: ArgumentsKept,
    core_dump: Option<CoreDumpRecord>,
    files: Vec<String>,
) -> io::Result<BundleRecord> {
    let captured = report.captured;
    let text = |text: Option<&str>| text.map(str::to_owned);
    let file = report.source.and_then(Path::file_name).and_then(OsStr::to_str);
    Ok(BundleRecord {
        format: FORMAT,
        time: name::moment(report.time),
        made_by: MadeBy {
            host_plugins: env!("CARGO_PKG_VERSION").to_owned(),
            wasmtime: WASMTIME.to_owned(),
            system: std::env::consts::OS.to_owned(),
            processor: std::env::consts::ARCH.to_owned(),
        },
        plugin: PluginRecord {
            name: report.plugin.to_owned(),
            version: report.version,
            digest: text(report.digest),
            file: text(file),
        },
        call: CallRecord {
            id: report.call,
            tenant: text(report.tenant),
            attempt: report.attempt,
            export: text(report.export),
            arguments,
        },
        fault: fault_record(report.fault)?,
        captured: CapturedRecord {
            log_lines: captured.log.len() as u64,
            log_dropped: captured.log_dropped,
            stdout_bytes: captured.stdout.len() as u64,
            stderr_bytes: captured.stderr.len() as u64,
            denials: captured.denials.clone(),
            quota_refused: captured.quota_refused.clone(),
        },
        limits: report.limits.map(serde_json::to_value).transpose()?,
        grants: report.grants.map(without_values).map(serde_json::to_value).transpose()?,
        core_dump,
        files,
    })
}

fn fault_record(fault: &Fault) -> io::Result<FaultRecord> {
    Ok(serde_json::from_value(serde_json::to_value(fault)?)?)
}

/// What is to be written of the arguments.
fn arguments(rule: &Arguments, text: Option<&str>) -> (ArgumentsKept, Option<String>) {
    let Some(text) = text else { return (ArgumentsKept::Unknown, None) };
    match rule {
        Arguments::LeftOut => (ArgumentsKept::LeftOut, None),
        Arguments::Written => (ArgumentsKept::Written, Some(bounded(text))),
        Arguments::Redacted(redact) => match catch_unwind(AssertUnwindSafe(|| redact(text))) {
            Ok(text) => (ArgumentsKept::Redacted, Some(bounded(&text))),
            Err(_) => (ArgumentsKept::NotRedacted, None),
        },
    }
}

fn bounded(text: &str) -> String {
    if text.len() <= ARGUMENTS {
        return text.to_owned();
    }
    let mut text = text[..text.floor_char_boundary(ARGUMENTS - '…'.len_utf8())].to_owned();
    text.push('…');
    text
}

/// A directory that is no bundle yet, and is removed unless it becomes one.
struct Partial(PathBuf);

impl Partial {
    fn create(directory: &Path) -> io::Result<Partial> {
        loop {
            let path = directory.join(partial_name());
            match private_directory().create(&path) {
                // Another process had this one's number.
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
                created => return created.map(|()| Partial(path)),
            }
        }
    }

    /// Gives it its name, with a number behind it if there is one of that name.
    fn publish(self, directory: &Path, name: &str) -> io::Result<PathBuf> {
        let mut path = directory.join(name);
        for number in 2_u64.. {
            // A rename takes the place of an empty directory, but of nothing else.
            match fs::rename(&self.0, &path) {
                Ok(()) => return Ok(path),
                // One that somebody removes meanwhile.
                Err(error) if error.kind() == io::ErrorKind::DirectoryNotEmpty => {}
                Err(_) if fs::symlink_metadata(&path).is_ok() => {}
                Err(error) => return Err(error),
            }
            path = directory.join(format!("{name}-{number}"));
        }
        unreachable!("no directory has so many entries")
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        // After a rename there is none.
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn partial_name() -> String {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    format!("{PARTIAL}{}-{}", process::id(), COUNT.fetch_add(1, Relaxed))
}

fn private_directory() -> DirBuilder {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

fn write_file(path: &Path, contents: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(contents)
}

/// The names of the bundles in a directory, oldest first.
pub(super) fn list(directory: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name().to_str().filter(|name| name::is_name(name)).map(str::to_owned);
        if let Some(name) = name
            && entry.file_type()?.is_dir()
        {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// Removes the oldest bundles beyond `most`, and what killed processes left.
fn remove_oldest(directory: &Path, most: usize) -> io::Result<()> {
    let names = list(directory)?;
    for name in &names[..names.len().saturating_sub(most)] {
        // First it loses its name, so that nobody finds half of it.
        let partial = Partial(directory.join(partial_name()));
        match fs::rename(directory.join(name), &partial.0) {
            // Another process removes the same.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            renamed => renamed?,
        }
    }
    let now = SystemTime::now();
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        if entry.file_name().to_str().is_some_and(|name| name.starts_with(PARTIAL))
            && entry
                .metadata()
                .and_then(|metadata| metadata.modified())
                .is_ok_and(|modified| now.duration_since(modified).is_ok_and(|age| age > ABANDONED))
        {
            drop(Partial(entry.path()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_wasmtime_is_that_of_the_workspace() {
        let manifest = include_str!("../../../../Cargo.toml");
        assert!(manifest.contains(&format!("wasmtime = {{ version = \"={WASMTIME}\"")));
    }

    #[test]
    fn what_does_not_become_a_bundle_is_gone() {
        let scratch = tempfile::tempdir().unwrap();
        let partial = Partial::create(scratch.path()).unwrap();
        write_file(&partial.0.join("fault.txt"), b"half").unwrap();
        partial.publish(&scratch.path().join("absent"), "name").unwrap_err();
        assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
    }

    #[test]
    fn arguments_are_bounded() {
        let text = bounded(&"€".repeat(ARGUMENTS));
        assert!(text.len() <= ARGUMENTS && text.ends_with("€…"));
    }
}
