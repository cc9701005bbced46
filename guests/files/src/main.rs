//! Does to files what each argument says, and reports it in one line; one source for WASI p1 and p2.

#[cfg(target_env = "p2")]
mod streams;

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};

fn main() {
    // What is kept open although its name may be gone.
    let mut held: Vec<File> = Vec::new();
    for argument in env::args().skip(1) {
        let (verb, rest) = argument.split_once('=').unwrap_or((&argument, ""));
        let (path, value) = rest.split_once(':').unwrap_or((rest, ""));
        let done = match verb {
            "--write" => fs::write(path, vec![b'x'; number(value)]),
            "--append" => append(path, number(value)),
            "--resize" => {
                OpenOptions::new().write(true).open(path).and_then(|file| file.set_len(number(value)))
            }
            "--create" => File::create(path).map(drop),
            "--hold" => OpenOptions::new().read(true).open(path).map(|file| held.push(file)),
            "--release" => {
                held.clear();
                Ok(())
            }
            "--mkdir" => fs::create_dir(path),
            "--mkdirs" => fs::create_dir_all(path),
            "--nest" => nest(path, number(value)),
            "--remove" => fs::remove_file(path),
            "--rmdir" => fs::remove_dir(path),
            "--rename" => fs::rename(path, value),
            "--link" => fs::hard_link(path, value),
            #[expect(deprecated, reason = "its successor is not stable for WASI")]
            "--symlink" => fs::soft_link(path, value),
            "--read" => fs::read_to_string(path).map(|text| println!("contents {text}")),
            "--length" => fs::metadata(path).map(|metadata| println!("length {}", metadata.len())),
            "--list" => list(path),
            "--many" => many(path, number(value)),
            "--stubborn" => stubborn(path),
            #[cfg(target_env = "p2")]
            _ => streams::act(verb, path, value),
            #[cfg(not(target_env = "p2"))]
            _ => Err(io::ErrorKind::Unsupported.into()),
        };
        match done {
            Ok(()) => println!("{verb} ok"),
            Err(error) => {
                println!("{verb} {}", error.raw_os_error().map_or(error.to_string(), |code| code.to_string()))
            }
        }
    }
}

fn append(path: &str, length: usize) -> io::Result<()> {
    OpenOptions::new().append(true).create(true).open(path)?.write_all(&vec![b'x'; length])
}

/// Directories in one another, `depth` of them, as deep as the system lets paths be long.
fn nest(path: &str, depth: usize) -> io::Result<()> {
    let mut path = path.to_owned();
    for _ in 0..depth {
        fs::create_dir(&path)?;
        path.push_str("/d");
    }
    Ok(())
}

fn list(path: &str) -> io::Result<()> {
    let mut names = 0;
    for entry in fs::read_dir(path)? {
        entry?;
        names += 1;
    }
    println!("entries {names}");
    Ok(())
}

/// Makes files until it is refused.
fn many(path: &str, most: usize) -> io::Result<()> {
    for made in 0..most {
        if let Err(error) = File::create(format!("{path}/{made}")) {
            println!("made {made}");
            return Err(error);
        }
    }
    println!("made {most}");
    Ok(())
}

/// Writes for ever, whatever it is told.
fn stubborn(path: &str) -> io::Result<()> {
    let mut file = File::create(path)?;
    loop {
        let _ = file.write(&[b'x'; 1024]);
    }
}

fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("`{text}` is not a number"))
}
