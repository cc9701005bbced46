//! The oracle: makes the calls of the guest `calls` without any sandbox, by the standard library.

use std::ffi::OsString;
use std::fs::{self, File, FileTimes, OpenOptions};
use std::io;
use std::os::unix::ffi::OsStringExt as _;
use std::os::unix::fs::{FileExt as _, OpenOptionsExt as _, symlink};
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::calls::{os, unquoted};

/// `O_NOFOLLOW` and `O_DIRECTORY` as Linux numbers them where it matters here.
const NO_FOLLOW: i32 = 0o400_000;
const DIRECTORY: i32 = 0o200_000;

/// What each call answers. `folders` are those with the descriptors 3, 4, and so on.
pub(crate) fn answers(folders: &[PathBuf], calls: &[impl AsRef<str>]) -> Vec<String> {
    let mut opened: Vec<(PathBuf, File)> = Vec::new();
    let answer = |call: &str| match perform(folders, &mut opened, call) {
        Ok(text) => text,
        Err(error) => format!("error {}", name(&error)),
    };
    calls.iter().map(AsRef::as_ref).map(answer).collect()
}

fn perform(folders: &[PathBuf], opened: &mut Vec<(PathBuf, File)>, call: &str) -> io::Result<String> {
    let parts: Vec<&str> = call.split(':').collect();
    let done = |()| "ok".to_owned();
    let last = |opened: &[(PathBuf, File)]| {
        opened.last().map(|(_, file)| file.try_clone()).unwrap_or(Err(io::Error::from_raw_os_error(9)))
    };
    let at = |text: &str| {
        let (directory, path) = text.split_once('/').unwrap();
        let folder = match directory {
            "@" => &opened.last().unwrap().0,
            number => &folders[number.parse::<usize>().unwrap() - 3],
        };
        // Joined as text: `PathBuf::join` would drop the folder for an absolute path, and slashes at the end matter.
        let mut joined = folder.clone().into_os_string().into_vec();
        if !path.is_empty() {
            joined.push(b'/');
            joined.extend(unquoted(path));
            return PathBuf::from(OsString::from_vec(joined));
        }
        PathBuf::new()
    };
    match *parts.as_slice() {
        ["open", flags, path] => {
            let path = at(path);
            let file = open(flags, &path)?;
            opened.push((path, file));
            Ok("ok".to_owned())
        }
        ["close"] => opened.pop().map(|_| done(())).ok_or(io::Error::from_raw_os_error(9)),
        ["read"] => read(&last(opened)?),
        ["cat", path] => open("r", &at(path)).and_then(|file| read(&file)),
        ["touch", path] => open("cw", &at(path)).map(|_| done(())),
        ["write-at", offset, text] => {
            let written = last(opened)?.write_at(&unquoted(text), offset.parse().unwrap())?;
            Ok(written.to_string())
        }
        ["set-size", size] => last(opened)?.set_len(size.parse().unwrap()).map(done),
        ["set-times"] => last(opened)?.set_times(times()).map(done),
        ["set-times-at", path] => File::open(at(path))?.set_times(times()).map(done),
        ["stat", path] => fs::metadata(at(path)).map(|metadata| seen(&metadata)),
        ["lstat", path] => fs::symlink_metadata(at(path)).map(|metadata| seen(&metadata)),
        ["readlink", path] => fs::read_link(at(path)).map(|path| path.to_string_lossy().into_owned()),
        ["mkdir", path] => fs::create_dir(at(path)).map(done),
        ["rmdir", path] => fs::remove_dir(at(path)).map(done),
        ["unlink", path] => fs::remove_file(at(path)).map(done),
        ["symlink", text, path] => symlink(os(&unquoted(text)), at(path)).map(done),
        ["rename", from, to] => fs::rename(at(from), at(to)).map(done),
        ["link", from, to] => fs::hard_link(at(from), at(to)).map(done),
        _ => panic!("`{call}` has no answer here"),
    }
}

fn open(flags: &str, path: &PathBuf) -> io::Result<File> {
    let has = |letter| flags.contains(letter);
    let write = has('w') || has('c') || has('t');
    let mut options = OpenOptions::new();
    options.read(has('r') || !has('w')).write(write).truncate(has('t'));
    options.create(has('c')).create_new(has('c') && has('x'));
    let custom = if has('n') { NO_FOLLOW } else { 0 } | if has('d') { DIRECTORY } else { 0 };
    options.custom_flags(custom).open(path)
}

fn read(file: &File) -> io::Result<String> {
    let mut buffer = [0; 1024];
    let count = file.read_at(&mut buffer, 0)?;
    Ok(String::from_utf8_lossy(&buffer[..count]).into_owned())
}

fn times() -> FileTimes {
    let then = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
    FileTimes::new().set_accessed(then).set_modified(then)
}

fn seen(metadata: &fs::Metadata) -> String {
    let kind = metadata.file_type();
    match () {
        () if kind.is_dir() => "directory".to_owned(),
        () if kind.is_file() => format!("file {}", metadata.len()),
        () if kind.is_symlink() => format!("symlink {}", metadata.len()),
        () => "other".to_owned(),
    }
}

/// The name that WASI 0.1 has for an error of Linux.
fn name(error: &io::Error) -> &'static str {
    const NAMES: [(i32, &str); 15] = [
        (1, "perm"),
        (2, "noent"),
        (6, "nxio"),
        (9, "badf"),
        (13, "acces"),
        (16, "busy"),
        (17, "exist"),
        (18, "xdev"),
        (20, "notdir"),
        (21, "isdir"),
        (22, "inval"),
        (27, "fbig"),
        (36, "nametoolong"),
        (39, "notempty"),
        (40, "loop"),
    ];
    let number = error.raw_os_error().unwrap_or_else(|| panic!("{error:?}"));
    NAMES.iter().find(|(known, _)| *known == number).unwrap_or_else(|| panic!("{error:?}")).1
}
