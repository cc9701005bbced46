//! Numbers as large as they get, in every call that takes one: an error at most, and no harm to the host.

use std::time::Duration;

use host_wasi::{Access, Grants, Wasi};
use tokio::time::timeout;
use wasmtime::{Linker, Module};

use crate::calls;
use crate::command::{BOTH, ENGINE, store};
use crate::inside::Folder;

/// Around the ends of what 64 bits can say, with and without a sign, and of what a page is.
const NUMBERS: [u64; 8] = [0, 1, 1 << 31, 1 << 32, (1 << 63) - 1, 1 << 63, u64::MAX - 1, u64::MAX];

#[test]
fn no_number_harms_the_host() {
    let mut calls = vec!["open:rw:3/file".to_owned()];
    for one in NUMBERS {
        for call in ["read-at", "set-times"] {
            calls.push(format!("{call}:{one}"));
        }
        for whence in 0..3 {
            calls.push(format!("seek:{one}:{whence}"));
            // From wherever that is.
            calls.push("write:x".to_owned());
        }
        for other in NUMBERS {
            calls.push(format!("advise:{one}:{other}"));
            calls.push(format!("allocate:{one}:{other}"));
        }
        calls.push(format!("write-at:{one}:x"));
        calls.push(format!("set-size:{one}"));
        calls.push("read".to_owned());
    }
    calls.push("set-size:3".to_owned());
    calls.push("size".to_owned());
    for form in BOTH {
        let answers = calls::answers(form, Folder::new().grants(Access::ReadWrite), &calls);
        assert_eq!(answers.last().unwrap(), "file 3", "{form:?}");
    }
}

/// Waits until CLOCK, with FLAGS, says WHEN.
const WAIT: &str = r#"(module
    (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
    (memory (export "memory") 1)
    (func (export "_start")
        (i32.store (i32.const 16) (i32.const CLOCK))
        (i64.store (i32.const 24) (i64.const WHEN))
        (i64.store (i32.const 32) (i64.const WHEN))
        (i32.store (i32.const 40) (i32.const FLAGS))
        (drop (call $poll (i32.const 0) (i32.const 64) (i32.const 1) (i32.const 128)))))"#;

/// A time that is never reached is waited for, and given up with everything else.
#[tokio::test]
async fn no_time_harms_the_host() {
    for number in NUMBERS {
        for clock in 0..4 {
            for flags in 0..2 {
                let text = WAIT
                    .replace("CLOCK", &clock.to_string())
                    .replace("WHEN", &number.to_string())
                    .replace("FLAGS", &flags.to_string());
                let module = Module::new(&ENGINE, text).unwrap();
                let mut store = store(Wasi::new(&Grants::default()).unwrap());
                let mut linker = Linker::new(&ENGINE);
                host_wasi::p1::add_to_linker_async(&mut linker).unwrap();
                let instance = linker.instantiate_async(&mut store, &module).await.unwrap();
                let start = instance.get_typed_func::<(), ()>(&mut store, "_start").unwrap();
                let ended = timeout(Duration::from_millis(5), start.call_async(&mut store, ())).await;
                assert!(ended.is_err() || ended.unwrap().is_ok(), "clock {clock} {flags} {number}");
            }
        }
    }
}
