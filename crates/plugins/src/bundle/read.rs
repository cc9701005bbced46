//! `CrashBundle`: a bundle that is read again, whoever wrote it.

use std::fs::{self, File};
use std::io::{self, Read, Seek, SeekFrom};
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::record::{BundleRecord, FORMAT};
use super::{BundleError, write};

/// How large `bundle.json` may be, in bytes.
const RECORD: u64 = 4 << 20;

/// How much is read of each of the other files, in bytes.
const PART: u64 = 1 << 20;

/// A crash bundle that was read. It prints as a page for people, in which nothing can control a terminal.
///
/// Its texts are as they were found, but for bytes that are not UTF-8: what a guest or a stranger put there is in them.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct CrashBundle {
    /// What stands in `bundle.json`.
    #[serde(flatten)]
    pub record: BundleRecord,
    /// The manifest; its first MiB.
    pub manifest: Option<String>,
    /// The arguments, or what was left of them; the first MiB.
    pub arguments: Option<String>,
    /// What the plugin logged; the last MiB.
    pub log: Option<String>,
    /// Its standard output; the last MiB.
    pub stdout: Option<String>,
    /// Its standard error; the last MiB.
    pub stderr: Option<String>,
    /// The files that the bundle should have and has not.
    pub missing: Vec<String>,
}

impl CrashBundle {
    /// Reads a bundle. It may come from a stranger: no more than some MiB are read, from regular files only.
    ///
    /// A file that is missing, other than `bundle.json`, is told in [`missing`](CrashBundle::missing).
    ///
    /// # Errors
    ///
    /// [`BundleError::NotABundle`], [`Read`](BundleError::Read), [`TooLarge`](BundleError::TooLarge),
    /// [`Text`](BundleError::Text) or [`Format`](BundleError::Format).
    pub fn read(directory: impl AsRef<Path>) -> Result<CrashBundle, BundleError> {
        let directory = directory.as_ref();
        let unreadable = |source| BundleError::Read { path: directory.into(), source };
        if !fs::metadata(directory).map_err(unreadable)?.is_dir() {
            return Err(unreadable(io::Error::new(io::ErrorKind::NotADirectory, "it is not a directory")));
        }
        let path = directory.join("bundle.json");
        let Some(text) = part(&path, RECORD, End::Whole)? else {
            let inside = write::list(directory).ok().and_then(|mut names| names.pop());
            return Err(BundleError::NotABundle { path: directory.into(), inside });
        };
        let record = record(&path, &text)?;
        let missing = [
            "fault.txt",
            "manifest.toml",
            "arguments.txt",
            "log.txt",
            "stdout.txt",
            "stderr.txt",
            "core.wasm",
        ]
        .into_iter()
        .filter(|name| record.files.iter().any(|file| file == name))
        .filter(|name| fs::symlink_metadata(directory.join(name)).is_err())
        .map(str::to_owned)
        .collect();
        let part = |name, end| {
            let bytes = part(&directory.join(name), PART, end)?;
            Ok(bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        };
        Ok(CrashBundle {
            record,
            manifest: part("manifest.toml", End::First)?,
            arguments: part("arguments.txt", End::First)?,
            log: part("log.txt", End::Last)?,
            stdout: part("stdout.txt", End::Last)?,
            stderr: part("stderr.txt", End::Last)?,
            missing,
        })
    }
}

fn record(path: &Path, text: &[u8]) -> Result<BundleRecord, BundleError> {
    /// What every format has.
    #[derive(Deserialize)]
    struct AnyFormat {
        format: u32,
    }
    let wrong = |error: serde_json::Error| {
        let (line, column) = (error.line(), error.column());
        let reason = error.to_string();
        let place = format!(" at line {line} column {column}");
        let reason = reason.strip_suffix(&place).unwrap_or(&reason).to_owned();
        BundleError::Text { path: path.into(), line, reason }
    };
    let AnyFormat { format } = serde_json::from_slice(text).map_err(wrong)?;
    if format > FORMAT {
        return Err(BundleError::Format { path: path.into(), format, known: FORMAT });
    }
    serde_json::from_slice(text).map_err(wrong)
}

/// Which end of a file is read.
#[derive(Clone, Copy, PartialEq)]
enum End {
    First,
    Last,
    /// All, or it is an error.
    Whole,
}

/// At most `most` bytes of a regular file; `None` if there is none.
fn part(path: &Path, most: u64, end: End) -> Result<Option<Vec<u8>>, BundleError> {
    let unreadable = |source| BundleError::Read { path: path.into(), source };
    let size = match fs::symlink_metadata(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(error)),
        // A link could lead anywhere, and opening a pipe waits for its other end.
        Ok(metadata) if !metadata.is_file() => {
            return Err(unreadable(io::Error::new(io::ErrorKind::InvalidInput, "it is not a regular file")));
        }
        Ok(metadata) => metadata.len(),
    };
    if end == End::Whole && size > most {
        return Err(BundleError::TooLarge { path: path.into(), size, most });
    }
    let read = || {
        let mut file = File::open(path)?;
        if end == End::Last && size > most {
            file.seek(SeekFrom::Start(size - most))?;
        }
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    };
    read().map(Some).map_err(unreadable)
}
