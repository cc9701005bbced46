//! The example runs, and stays short enough to be read at once.

use std::process::Command;

#[test]
fn it_runs() {
    assert!(Command::new(env!("CARGO_BIN_EXE_own-world")).status().unwrap().success());
}

#[test]
fn it_is_under_40_lines() {
    assert!(include_str!("../src/main.rs").lines().count() < 40);
}
