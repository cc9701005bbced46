//! A component that imports WASI 0.2 and 0.3 can say that their descriptors are one type. What it got from the one it
//! can so give to the other, where no quota holds.

use host_wasi::{Grants, Output, Quota, Wasi, p2, p3};
use wasmtime::Store;
use wasmtime::component::{Component, Linker};

use crate::file_guest::measure;
use crate::p3::ENGINE;

/// Makes the directories `a` to `z` in the first one that it is shown by WASI 0.2, by functions of 0.3. Returns how many it
/// made.
const GUEST: &str = r#"(component
    (import "wasi:filesystem/types@0.2.0" (instance $types (export "descriptor" (type (sub resource)))))
    (alias export $types "descriptor" (type $descriptor))
    (import "wasi:filesystem/preopens@0.2.0" (instance $preopens
        (alias outer 1 $descriptor (type $outer))
        (export "descriptor" (type $descriptor (eq $outer)))
        (export "get-directories" (func (result (list (tuple (own $descriptor) string)))))))
    (import "wasi:filesystem/types@0.3.0" (instance $later
        (alias outer 1 $descriptor (type $outer))
        (export "descriptor" (type $descriptor (eq $outer)))
        (type $codes (variant (case "access") (case "already") (case "bad-descriptor") (case "busy")
            (case "deadlock") (case "quota") (case "exist") (case "file-too-large") (case "illegal-byte-sequence")
            (case "in-progress") (case "interrupted") (case "invalid") (case "io") (case "is-directory") (case "loop")
            (case "too-many-links") (case "message-size") (case "name-too-long") (case "no-device") (case "no-entry")
            (case "no-lock") (case "insufficient-memory") (case "insufficient-space") (case "not-directory")
            (case "not-empty") (case "not-recoverable") (case "unsupported") (case "no-tty")
            (case "no-such-device") (case "overflow") (case "not-permitted") (case "pipe") (case "read-only")
            (case "invalid-seek") (case "text-file-busy") (case "cross-device") (case "other" (option string))))
        (export "error-code" (type $code (eq $codes)))
        (export "[method]descriptor.create-directory-at"
            (func async (param "self" (borrow $descriptor)) (param "path" string) (result (result (error $code)))))))
    (core module $memory
        (memory (export "memory") 1)
        (global $next (mut i32) (i32.const 4096))
        (func (export "realloc") (param i32 i32 i32 i32) (result i32)
            (global.set $next (i32.and (i32.add (global.get $next) (i32.const 7)) (i32.const -8)))
            (global.get $next)
            (global.set $next (i32.add (global.get $next) (local.get 3))))
        (data (i32.const 100) "abcdefghijklmnopqrstuvwxyz"))
    (core instance $memory (instantiate $memory))
    (alias core export $memory "memory" (core memory $bytes))
    (alias core export $memory "realloc" (core func $realloc))
    (core func $directories (canon lower (func $preopens "get-directories")
        (memory $bytes) (realloc $realloc)))
    (core func $create (canon lower (func $later "[method]descriptor.create-directory-at")
        (memory $bytes) (realloc $realloc)))
    (core module $main
        (import "" "memory" (memory 1))
        (import "" "directories" (func $directories (param i32)))
        (import "" "create" (func $create (param i32 i32 i32 i32)))
        (func (export "run") (result i32)
            (local $root i32) (local $name i32) (local $made i32)
            (call $directories (i32.const 0))
            (local.set $root (i32.load (i32.load (i32.const 0))))
            (loop $next
                (call $create (local.get $root) (i32.add (i32.const 100) (local.get $name)) (i32.const 1) (i32.const 16))
                (local.set $made (i32.add (local.get $made) (i32.eqz (i32.load8_u (i32.const 16)))))
                (local.set $name (i32.add (local.get $name) (i32.const 1)))
                (br_if $next (i32.lt_u (local.get $name) (i32.const 26))))
            (local.get $made)))
    (core instance $main (instantiate $main (with "" (instance
        (export "memory" (memory $bytes))
        (export "directories" (func $directories))
        (export "create" (func $create))))))
    (func (export "run") async (result u32) (canon lift (core func $main "run"))))"#;

async fn made(grants: &Grants) -> u32 {
    let component = Component::new(&ENGINE, GUEST).unwrap();
    let mut linker = Linker::new(&ENGINE);
    p2::add_to_linker_async(&mut linker).unwrap();
    p3::add_to_linker(&mut linker).unwrap();
    let mut store = Store::new(&ENGINE, Wasi::new(grants).unwrap());
    store.set_fuel(1_000_000).unwrap();
    let instance = linker.instantiate_async(&mut store, &component).await.unwrap();
    let run = instance.get_typed_func::<(), (u32,)>(&mut store, "run").unwrap();
    run.call_async(&mut store, ()).await.unwrap().0
}

#[tokio::test]
async fn no_quota_is_evaded_by_way_of_the_other_generation() {
    let folder = tempfile::tempdir().unwrap();
    let grants = Grants::default().stdout(Output::Discard);
    let limited = grants.clone().directory_with_quota(folder.path(), "d", Quota { bytes: 10, files: 3 });
    made(&limited).await;
    assert!(measure(folder.path()).files <= 3, "{:?}", measure(folder.path()));
    // What has no quota is written as ever.
    let free = grants.directory(folder.path(), "d", host_wasi::Access::ReadWrite);
    assert_eq!(made(&free).await, 26);
}
