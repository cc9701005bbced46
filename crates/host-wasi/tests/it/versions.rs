//! Which versions of the interfaces of WASI 0.2 a component may name.

use host_wasi::{Wasi, p2};
use wasmtime::component::{Component, Linker};

use crate::command::ENGINE;

/// Interfaces of every package, each with something that is in it and needs no other interface.
const INTERFACES: [(&str, &str); 16] = [
    ("cli/environment", ENVIRONMENT),
    ("cli/exit", r#"(export "exit" (func (param "status" (result))))"#),
    ("cli/terminal-input", r#"(export "terminal-input" (type (sub resource)))"#),
    ("cli/terminal-output", r#"(export "terminal-output" (type (sub resource)))"#),
    ("clocks/monotonic-clock", r#"(export "now" (func (result u64)))"#),
    (
        "clocks/wall-clock",
        r#"(type $record (record (field "seconds" u64) (field "nanoseconds" u32)))
           (export "datetime" (type $datetime (eq $record))) (export "now" (func (result $datetime)))"#,
    ),
    ("filesystem/types", r#"(export "descriptor" (type (sub resource)))"#),
    ("io/error", r#"(export "error" (type (sub resource)))"#),
    ("io/poll", r#"(export "pollable" (type (sub resource)))"#),
    ("io/streams", r#"(export "input-stream" (type (sub resource)))"#),
    ("random/insecure", r#"(export "get-insecure-random-u64" (func (result u64)))"#),
    ("random/insecure-seed", r#"(export "insecure-seed" (func (result (tuple u64 u64))))"#),
    ("random/random", r#"(export "get-random-u64" (func (result u64)))"#),
    ("sockets/network", r#"(export "network" (type (sub resource)))"#),
    ("sockets/tcp", r#"(export "tcp-socket" (type (sub resource)))"#),
    ("sockets/udp", r#"(export "udp-socket" (type (sub resource)))"#),
];

const ENVIRONMENT: &str = r#"(export "get-environment" (func (result (list (tuple string string)))))"#;

/// Links a component that imports this of that interface, with both linkers.
fn link(name: &str, what: &str) -> wasmtime::Result<()> {
    let component = Component::new(&ENGINE, format!(r#"(component (import "{name}" (instance {what})))"#))?;
    for add in [p2::add_to_linker_sync, p2::add_to_linker_async] {
        let mut linker = Linker::<Wasi>::new(&ENGINE);
        add(&mut linker)?;
        linker.instantiate_pre(&component)?;
    }
    Ok(())
}

#[test]
fn every_patch_of_0_2_links() {
    for (interface, what) in INTERFACES {
        for patch in 0..=12 {
            let name = format!("wasi:{interface}@0.2.{patch}");
            link(&name, what).unwrap_or_else(|error| panic!("{name}: {error:?}"));
        }
    }
}

/// By the rules of semantic versions every 0.2.x is compatible with every other one, also one that nobody has written
/// yet: it links as long as what it imports is there. Other versions are other interfaces.
#[test]
fn what_is_no_0_2_does_not_link() {
    link("wasi:cli/environment@0.2.99", ENVIRONMENT).unwrap();
    for version in ["@0.1.0", "@0.3.0", "@0.20.0", "@0.2.0-rc-2023-12-05", "@1.0.0", ""] {
        let name = format!("wasi:cli/environment{version}");
        let error = link(&name, ENVIRONMENT).expect_err(version);
        assert!(format!("{error:?}").contains(&name), "{version}: {error:?}");
    }
}

/// What a newer patch has more than the linker is missed, by its name.
#[test]
fn what_a_newer_patch_adds_is_missed() {
    let what = format!(r#"{ENVIRONMENT} (export "get-horoscope" (func))"#);
    let error = link("wasi:cli/environment@0.2.99", &what).unwrap_err();
    assert!(format!("{error:?}").contains("get-horoscope"), "{error:?}");
}
