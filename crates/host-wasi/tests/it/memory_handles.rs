//! What a guest has open is held by the host: files, streams, sockets, look-ups, timers. All of them are counted.

use std::fs;
use std::path::Path;

use host_wasi::{Access, Grants, WasiOptions};
use wasmtime::component::{Component, ResourceTableError};

use crate::command::{ENGINE, Ended, run_component};

/// How many things these guests may have open: less than any of them tries.
const MOST: usize = 40;

/// A component that runs `loop` for ever after `prepare`, both core code. `types` declares and imports what it needs,
/// and `functions` lowers it for the core module's imports from `host`.
fn endless(
    types: &str,
    functions: &str,
    exports: &str,
    imports: &str,
    prepare: &str,
    body: &str,
) -> Component {
    let text = format!(
        r#"(component
        {types}
        (core module $memory-module
            (memory (export "memory") 1)
            (data (i32.const 1024) ".")
            (data (i32.const 1040) "127.0.0.1"))
        (core instance $memory (instantiate $memory-module))
        {functions}
        (core module $main
            (import "memory" "memory" (memory 1))
            {imports}
            (func (export "run") (result i32)
                (local $handle i32)
                {prepare}
                (loop $again {body} (br $again))
                unreachable))
        (core instance $program (instantiate $main
            (with "memory" (instance $memory))
            (with "host" (instance {exports}))))
        (func $run (result (result)) (canon lift (core func $program "run")))
        (instance $command (export "run" (func $run)))
        (export "wasi:cli/run@0.2.0" (instance $command)))"#
    );
    Component::new(&ENGINE, text).unwrap()
}

/// Runs it and finds that it was ended because its table was full.
fn ends_full(component: &Component, grants: &Grants) -> Ended {
    let wasi = WasiOptions::new().max_resources(MOST).open(grants).unwrap();
    let mut ended = run_component(component, wasi);
    let error = ended.result.as_ref().unwrap_err();
    let full = error.downcast_ref::<ResourceTableError>();
    assert!(matches!(full, Some(ResourceTableError::Full)), "{error:?}");
    assert!(ended.wasi.view().table.push(()).is_err(), "the table should be full");
    ended
}

/// How many descriptors of this process lead to something below `folder`.
fn descriptors_below(folder: &Path) -> Option<usize> {
    let open = fs::read_dir("/proc/self/fd").ok()?;
    let targets = open.filter_map(|entry| fs::read_link(entry.ok()?.path()).ok());
    Some(targets.filter(|target| target.starts_with(folder)).count())
}

const CLOCK: &str = r#"
    (import "wasi:io/poll@0.2.0" (instance $poll
        (export "pollable" (type $pollable (sub resource)))
        (export "poll" (func (param "in" (list (borrow $pollable))) (result (list u32))))))
    (alias export $poll "pollable" (type $pollable))
    (import "wasi:clocks/monotonic-clock@0.2.0" (instance $clock
        (alias outer 1 $pollable (type $own))
        (export "pollable" (type $given (eq $own)))
        (export "subscribe-duration" (func (param "when" u64) (result (own $given))))))
    (core func $subscribe (canon lower (func $clock "subscribe-duration")))"#;

#[test]
fn timers_are_counted() {
    let component = endless(
        CLOCK,
        "",
        r#"(export "subscribe" (func $subscribe))"#,
        r#"(import "host" "subscribe" (func $subscribe (param i64) (result i32)))"#,
        "",
        "(drop (call $subscribe (i64.const 3600000000000)))",
    );
    ends_full(&component, &Grants::default());
}

fn sockets(protocol: &str) -> Component {
    endless(
        &format!(
            r#"
            (import "wasi:sockets/network@0.2.0" (instance $network
                (type $codes (enum "unknown" "access-denied" "not-supported" "invalid-argument" "out-of-memory" "timeout"
                    "concurrency-conflict" "not-in-progress" "would-block" "invalid-state" "new-socket-limit"
                    "address-not-bindable" "address-in-use" "remote-unreachable" "connection-refused"
                    "connection-reset" "connection-aborted" "datagram-too-large" "name-unresolvable"
                    "temporary-resolver-failure" "permanent-resolver-failure"))
                (export "error-code" (type $error-code (eq $codes)))
                (type $families (enum "ipv4" "ipv6"))
                (export "ip-address-family" (type $family (eq $families)))))
            (alias export $network "error-code" (type $error-code))
            (alias export $network "ip-address-family" (type $family))
            (import "wasi:sockets/{protocol}@0.2.0" (instance $socket (export "{protocol}-socket" (type (sub resource)))))
            (alias export $socket "{protocol}-socket" (type $socket))
            (import "wasi:sockets/{protocol}-create-socket@0.2.0" (instance $create
                (alias outer 1 $error-code (type $outer-code))
                (alias outer 1 $family (type $outer-family))
                (alias outer 1 $socket (type $outer-socket))
                (export "error-code" (type $error-code (eq $outer-code)))
                (export "ip-address-family" (type $family (eq $outer-family)))
                (export "{protocol}-socket" (type $given (eq $outer-socket)))
                (export "create-{protocol}-socket" (func (param "address-family" $family)
                    (result (result (own $given) (error $error-code)))))))"#
        ),
        &format!(
            r#"(core func $create (canon lower (func $create "create-{protocol}-socket")
                (memory (core memory $memory "memory"))))"#
        ),
        r#"(export "create" (func $create))"#,
        r#"(import "host" "create" (func $create (param i32 i32)))"#,
        "",
        // Told "access denied", it ends by a trap.
        "(call $create (i32.const 0) (i32.const 64)) (if (i32.load8_u (i32.const 64)) (then unreachable))",
    )
}

#[test]
fn sockets_are_counted() {
    for protocol in ["tcp", "udp"] {
        let component = sockets(protocol);
        let rule = format!("{protocol}://127.0.0.1:1").parse().unwrap();
        ends_full(&component, &Grants::default().network(rule));
        // Where nothing may be reached, too: what a socket is for shows, and is refused, when it is used.
        ends_full(&component, &Grants::default());
    }
}

const DIRECTORIES: &str = r#"
    (import "wasi:filesystem/types@0.2.0" (instance $types
        (export "descriptor" (type $descriptor (sub resource)))
        (export "directory-entry-stream" (type $entries (sub resource)))
        (type $codes (enum "access" "would-block" "already" "bad-descriptor" "busy" "deadlock" "quota" "exist"
            "file-too-large" "illegal-byte-sequence" "in-progress" "interrupted" "invalid" "io" "is-directory" "loop"
            "too-many-links" "message-size" "name-too-long" "no-device" "no-entry" "no-lock" "insufficient-memory"
            "insufficient-space" "not-directory" "not-empty" "not-recoverable" "unsupported" "no-tty" "no-such-device"
            "overflow" "not-permitted" "pipe" "read-only" "invalid-seek" "text-file-busy" "cross-device"))
        (export "error-code" (type $error-code (eq $codes)))
        (export "[method]descriptor.read-directory" (func (param "self" (borrow $descriptor))
            (result (result (own $entries) (error $error-code)))))))
    (alias export $types "descriptor" (type $descriptor))
    (import "wasi:filesystem/preopens@0.2.0" (instance $preopens
        (alias outer 1 $descriptor (type $outer))
        (export "descriptor" (type $given (eq $outer)))
        (export "get-directories" (func (result (list (tuple (own $given) string)))))))"#;

/// Each asking for the granted directories gives new handles to them; each listing is a stream of its own.
#[test]
fn directories_and_their_listings_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    for number in 0..10 {
        fs::write(folder.path().join(number.to_string()), "").unwrap();
    }
    // Never the same place twice, but for the last ones of a guest that is about to be stopped.
    let reallocate = r#"(core module $allocator
            (global $next (mut i32) (i32.const 4096))
            (func (export "allocate") (param i32 i32 i32 i32) (result i32)
                (global.set $next (i32.and (i32.add (global.get $next) (i32.const 64)) (i32.const 0x7fff)))
                (global.get $next)))
        (core instance $allocator (instantiate $allocator))
        (core func $directories (canon lower (func $preopens "get-directories")
            (memory (core memory $memory "memory")) (realloc (core func $allocator "allocate"))))
        (core func $list (canon lower (func $types "[method]descriptor.read-directory")
            (memory (core memory $memory "memory"))))"#;
    let exports = r#"(export "directories" (func $directories)) (export "list" (func $list))"#;
    let imports = r#"(import "host" "directories" (func $directories (param i32)))
        (import "host" "list" (func $list (param i32 i32)))"#;
    let asking = "(call $directories (i32.const 64))";
    let first = "(local.set $handle (i32.load (i32.load (i32.const 64))))";
    let listing = "(call $list (local.get $handle) (i32.const 64)) (if (i32.load8_u (i32.const 64)) (then unreachable))";
    let guests = [
        endless(DIRECTORIES, reallocate, exports, imports, "", asking),
        endless(DIRECTORIES, reallocate, exports, imports, &format!("{asking} {first}"), listing),
    ];
    for guest in guests {
        let grants = Grants::default().directory(folder.path(), "data", Access::ReadOnly);
        let ended = ends_full(&guest, &grants);
        if let Some(open) = descriptors_below(folder.path()) {
            assert!(open <= MOST + 1, "{open} descriptors");
        }
        drop(ended);
        assert_eq!(descriptors_below(folder.path()).unwrap_or(0), 0, "all are closed with the store");
    }
}

const NAMES: &str = r#"
    (import "wasi:sockets/network@0.2.0" (instance $network
        (export "network" (type $network (sub resource)))
        (type $codes (enum "unknown" "access-denied" "not-supported" "invalid-argument" "out-of-memory" "timeout"
            "concurrency-conflict" "not-in-progress" "would-block" "invalid-state" "new-socket-limit"
            "address-not-bindable" "address-in-use" "remote-unreachable" "connection-refused"
            "connection-reset" "connection-aborted" "datagram-too-large" "name-unresolvable"
            "temporary-resolver-failure" "permanent-resolver-failure"))
        (export "error-code" (type $error-code (eq $codes)))))
    (alias export $network "network" (type $network-type))
    (alias export $network "error-code" (type $error-code))
    (import "wasi:sockets/instance-network@0.2.0" (instance $instance
        (alias outer 1 $network-type (type $outer))
        (export "network" (type $given (eq $outer)))
        (export "instance-network" (func (result (own $given))))))
    (import "wasi:sockets/ip-name-lookup@0.2.0" (instance $names
        (alias outer 1 $network-type (type $outer-network))
        (alias outer 1 $error-code (type $outer-code))
        (export "network" (type $network (eq $outer-network)))
        (export "error-code" (type $error-code (eq $outer-code)))
        (export "resolve-address-stream" (type $stream (sub resource)))
        (export "resolve-addresses" (func (param "network" (borrow $network)) (param "name" string)
            (result (result (own $stream) (error $error-code)))))))
    (core func $instance (canon lower (func $instance "instance-network")))"#;

#[test]
fn look_ups_of_names_are_counted() {
    let component = endless(
        NAMES,
        r#"(core func $resolve (canon lower (func $names "resolve-addresses")
            (memory (core memory $memory "memory"))))"#,
        r#"(export "instance" (func $instance)) (export "resolve" (func $resolve))"#,
        r#"(import "host" "instance" (func $instance (result i32)))
            (import "host" "resolve" (func $resolve (param i32 i32 i32 i32)))"#,
        "(local.set $handle (call $instance))",
        "(call $resolve (local.get $handle) (i32.const 1040) (i32.const 9) (i32.const 64))
            (if (i32.load8_u (i32.const 64)) (then unreachable))",
    );
    ends_full(&component, &Grants::default().network("dns".parse().unwrap()));
}
