//! One grant after the other: streams inherited, given and captured; variables; arguments; directories with and without
//! the right to write, fresh ones, and ones made of text; the network. The same component each time.
#![expect(clippy::print_stdout, reason = "an example talks to the person who runs it")]

use std::error::Error;
use std::fs;
use std::net::TcpListener;

use host_wasi::{Access, Grants, Output, Quota, Stdin, Wasi, p2};
use wasmtime::component::{Component, InstancePre, Linker};
use wasmtime::{Engine, Store};
use wasmtime_wasi::p2::bindings::sync::CommandPre;

fn main() -> Result<(), Box<dyn Error>> {
    let engine = Engine::default();
    let component = Component::from_file(&engine, fixtures::path("p2-command"))?;
    let mut linker = Linker::new(&engine);
    p2::add_to_linker_sync(&mut linker)?;
    let guest = linker.instantiate_pre(&component)?;

    streams(&guest)?;
    variables(&guest)?;
    directories(&guest)?;
    made(&guest)?;
    network(&guest)?;
    written(&guest)
}

/// Inherited, the guest writes to this process's own streams. Given and captured, it reads a text and writes into
/// memory.
fn streams(guest: &InstancePre<Wasi>) -> Result<(), Box<dyn Error>> {
    let inherit = Grants::default().stdin(Stdin::Inherit).stdout(Output::Inherit).stderr(Output::Inherit);
    let wasi = run(guest, inherit, &["--stderr=(this line comes from the guest by itself)"])?;
    assert!(wasi.stdout().is_empty() && wasi.stderr().is_empty(), "nothing was captured");

    let pipe = Grants::default().stdin(Stdin::Text("piped".into())).stderr(Output::Capture(1000));
    let wasi = run(guest, pipe, &["--stdin", "--stderr=careful"])?;
    assert!(said(&wasi).contains("stdin 5 bytes piped"));
    assert_eq!(wasi.stderr(), b"careful\n");
    show("streams", &wasi);
    Ok(())
}

/// One given by name and value, others taken from this process by pattern, and no more than these.
fn variables(guest: &InstancePre<Wasi>) -> Result<(), Box<dyn Error>> {
    let grants = Grants::default().env("KEY", "VALUE").inherit_env(["LANG", "LC_*"]);
    let wasi = run(guest, grants, &["--flag"])?;
    let said = said(&wasi);
    assert!(said.contains("arg 1 --flag") && said.contains("env KEY=VALUE"));
    assert!(!said.contains("env PATH="), "not granted");
    show("arguments and variables", &wasi);
    Ok(())
}

/// One directory to read, another to write as well.
fn directories(guest: &InstancePre<Wasi>) -> Result<(), Box<dyn Error>> {
    let (data, work) = (tempfile::tempdir()?, tempfile::tempdir()?);
    fs::write(data.path().join("note.txt"), "a note")?;
    let grants = Grants::default().directory(data.path(), "data", Access::ReadOnly).directory(
        work.path(),
        "work",
        Access::ReadWrite,
    );
    let wasi = run(guest, grants, &["--read=data/note.txt", "--write=data/new.txt", "--write=work/new.txt"])?;
    let said = said(&wasi);
    assert!(said.contains("file data/note.txt a note"));
    assert!(said.contains("write data/new.txt error") && !data.path().join("new.txt").exists());
    assert!(said.contains("wrote work/new.txt") && work.path().join("new.txt").exists());
    show("directories", &wasi);
    Ok(())
}

/// One that is there for this guest alone, with a bound on what it keeps there, and one whose file stands here.
fn made(guest: &InstancePre<Wasi>) -> Result<(), Box<dyn Error>> {
    let grants = Grants::default()
        .scratch("tmp", Quota { bytes: 100, files: 1 })
        .files("config", [("app/name.txt", "from the grants")]);
    let wasi =
        run(guest, grants, &["--read=config/app/name.txt", "--write=tmp/one.txt", "--write=tmp/two.txt"])?;
    let said = said(&wasi);
    assert!(said.contains("file config/app/name.txt from the grants"));
    assert!(said.contains("wrote tmp/one.txt") && said.contains("write tmp/two.txt error"));
    assert!(wasi.quota_refused().is_some_and(|refused| refused.guest == "tmp"));
    show("directories that are made", &wasi);
    Ok(())
}

/// One address, and not its neighbour.
fn network(guest: &InstancePre<Wasi>) -> Result<(), Box<dyn Error>> {
    let listeners = [TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?];
    let (granted, other) = (listeners[0].local_addr()?, listeners[1].local_addr()?);
    let grants = Grants::default().network(format!("tcp://{granted}").parse()?);
    let wasi = run(guest, grants, &[&format!("--connect={granted}"), &format!("--connect={other}")])?;
    let said = said(&wasi);
    assert!(said.contains(&format!("connect {granted} ok")));
    assert!(said.contains(&format!("connect {other} error PermissionDenied")));
    show("network", &wasi);
    Ok(())
}

/// The same as text, from a policy file.
fn written(guest: &InstancePre<Wasi>) -> Result<(), Box<dyn Error>> {
    let grants = toml::from_str("args = [\"app\"]\nstdout = { capture = 1000 }\n[env]\nKEY = \"VALUE\"")?;
    let wasi = run(guest, grants, &[])?;
    assert!(said(&wasi).contains("env KEY=VALUE"));
    show("from TOML", &wasi);
    Ok(())
}

fn run(guest: &InstancePre<Wasi>, mut grants: Grants, args: &[&str]) -> Result<Wasi, Box<dyn Error>> {
    if grants.args.is_empty() {
        grants = grants.args(["app"]);
    }
    if grants.stdout == Output::Discard {
        grants.stdout = Output::Capture(64 * 1024);
    }
    let grants = grants.args(args.iter().copied());
    let mut store = Store::new(guest.engine(), Wasi::new(&grants)?);
    let command = CommandPre::new(guest.clone())?.instantiate(&mut store)?;
    let result = command.wasi_cli_run().call_run(&mut store)?;
    assert_eq!(result, Ok(()));
    Ok(store.into_data())
}

fn said(wasi: &Wasi) -> String {
    String::from_utf8_lossy(&wasi.stdout()).into_owned()
}

fn show(what: &str, wasi: &Wasi) {
    println!("-- {what}\n{}", said(wasi));
}
