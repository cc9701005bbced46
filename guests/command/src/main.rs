//! Reports what it was given, one fact per line, then does what each argument says; one source for WASI p1 and p2.

use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::time::Duration;
use std::{env, fs, hint, process, thread};

fn main() {
    let args: Vec<String> = env::args_os().map(|arg| arg.to_string_lossy().into_owned()).collect();
    for (index, arg) in args.iter().enumerate() {
        println!("arg {index} {arg}");
    }
    let mut variables: Vec<_> = env::vars_os().collect();
    variables.sort();
    for (key, value) in variables {
        println!("env {}={}", key.to_string_lossy(), value.to_string_lossy());
    }

    let mut exit = None;
    for arg in args.iter().skip(1) {
        match arg.split_once('=').unwrap_or((arg, "")) {
            ("--read", path) => report("file", path, fs::read_to_string(path)),
            ("--write", path) => match fs::write(path, "written by guest\n") {
                Ok(()) => println!("wrote {path}"),
                Err(error) => println!("write {path} error {:?}", error.kind()),
            },
            ("--connect", address) => {
                report("connect", address, TcpStream::connect(address).map(|_| "ok".into()))
            }
            ("--stdin", _) => read_stdin(),
            ("--stderr", text) => eprintln!("{text}"),
            ("--exit", code) => exit = Some(number(code)),
            ("--sleep", milliseconds) => thread::sleep(Duration::from_millis(number(milliseconds))),
            ("--alloc", mebibytes) => allocate(number(mebibytes)),
            ("--spin", _) => loop {
                hint::spin_loop();
            },
            ("--flood", _) => flood(),
            ("--panic", _) => panic!("asked to panic"),
            _ => {}
        }
    }
    if let Some(code) = exit {
        process::exit(code);
    }
}

/// `<what> <subject> <value>`, or `<what> <subject> error <kind>`.
fn report(what: &str, subject: &str, result: io::Result<String>) {
    match result {
        Ok(value) => println!("{what} {subject} {value}"),
        Err(error) => println!("{what} {subject} error {:?}", error.kind()),
    }
}

fn read_stdin() {
    let mut bytes = Vec::new();
    match io::stdin().read_to_end(&mut bytes) {
        Ok(count) => println!("stdin {count} bytes {}", String::from_utf8_lossy(&bytes)),
        Err(error) => println!("stdin error {:?}", error.kind()),
    }
}

fn allocate(mebibytes: usize) {
    // Filled with something other than zero, so that every page is touched.
    hint::black_box(vec![1u8; mebibytes << 20]);
    println!("allocated");
}

/// Lines of 64 KiB for ever, or until the output refuses more.
fn flood() {
    let mut line = vec![b'x'; 64 * 1024 - 1];
    line.push(b'\n');
    let mut stdout = io::stdout().lock();
    loop {
        stdout.write_all(&line).expect("standard output takes more");
    }
}

fn number<T: std::str::FromStr>(text: &str) -> T {
    text.parse().unwrap_or_else(|_| panic!("`{text}` is not a number"))
}
