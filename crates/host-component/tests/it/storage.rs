//! What a plugin can make the host keep for it: no more than the host allows.

use host_component::interfaces::storage::{Error, KEY_COST, Storage, StorageLimits};
use host_component::plugin::Failure;
use host_core::{Fault, FaultKind, Outcome, guard};
use host_limits::{Bytes, Exceeded, Limits};
use wasmtime::Store;

use crate::armed::{Armed, Data};

const TIGHT: StorageLimits = StorageLimits { bytes: 256 * 1024, keys: 30, open: 10 };

type Answer = Outcome<Result<String, Failure>>;

/// What the plugin that hoards says when it is asked to hoard `what`, and the store as it leaves it.
fn hoard(limits: Limits, what: &str) -> (Store<Data>, Result<Answer, Fault>) {
    let armed = Armed::sync(limits);
    let mut store = armed.store_with(TIGHT);
    let pre = armed.pre("plugins-0.2/hoarder");
    let result = guard(&mut store, |store| {
        let plugin = pre.instantiate(&mut *store)?;
        plugin.process(store, what)
    });
    (store, result)
}

fn hoarded(what: &str) -> (Store<Data>, usize) {
    let (store, result) = hoard(Limits { fuel: None, ..Limits::untrusted() }, what);
    let count = result.unwrap().value.unwrap().parse().unwrap();
    (store, count)
}

#[test]
fn a_plugin_that_never_closes_buckets_is_told_so() {
    let (store, count) = hoarded("buckets");
    assert_eq!((count, store.data().storage.open()), (TIGHT.open, TIGHT.open));
}

#[test]
fn empty_values_are_not_free() {
    let (store, count) = hoarded("keys");
    assert_eq!((count, store.data().storage.keys()), (TIGHT.keys, TIGHT.keys));
}

#[test]
fn a_flood_of_values_ends_at_the_budget() {
    // 30 values of 4 KiB fit; the keys are what ends it. With more keys it is the bytes.
    let armed = Armed::sync(Limits::untrusted());
    let mut store = armed.store_with(StorageLimits { keys: 1000, ..TIGHT });
    let plugin = armed.pre("plugins-0.2/hoarder").instantiate(&mut store).unwrap();
    let count: usize = plugin.process(&mut store, "bytes").unwrap().unwrap().parse().unwrap();
    let storage = &store.data().storage;
    assert_eq!(count, storage.keys());
    assert_eq!(count, TIGHT.bytes / (4096 + KEY_COST + 2));
    assert!(storage.bytes() <= TIGHT.bytes && storage.bytes() > TIGHT.bytes - 4096 - KEY_COST - 2);
}

#[test]
fn values_and_keys_that_grow_end_there_too() {
    for what in ["one-value", "long-key"] {
        let (store, count) = hoarded(what);
        assert!(count > 1, "{what}");
        assert!(store.data().storage.bytes() <= TIGHT.bytes, "{what}");
    }
}

#[test]
fn a_value_that_one_call_may_not_copy_ends_the_call() {
    // The storage would have said no; the call is not allowed to bring so much.
    let (store, result) = hoard(Limits { lifted: Bytes::kibi(16), ..Limits::untrusted() }, "one-value");
    let allowed = Bytes::kibi(16);
    assert_eq!(*result.unwrap_err().kind(), FaultKind::Budget(Exceeded::Lifted { allowed }));
    assert!(store.data().storage.bytes() <= 16 * 1024 + KEY_COST);
}

#[test]
fn a_flood_of_log_lines_is_counted_and_dropped() {
    let (store, count) = hoarded("log");
    assert_eq!(count, 10_000);
    let log = &store.data().log;
    assert!(log.lines().len() < 64, "{}", log.lines().len());
    assert_eq!(log.lines().len() as u64 + log.dropped().lines, 10_001);
    assert_eq!(log.lines()[0].len(), "error: ".len() + 1000);
}

#[test]
fn a_plugin_that_hoards_its_own_sessions_is_stopped() {
    let (_, result) = hoard(Limits { handles: 200, fuel: None, ..Limits::untrusted() }, "sessions");
    assert_eq!(*result.unwrap_err().kind(), FaultKind::Budget(Exceeded::Handles { allowed: 200 }));
}

#[test]
fn a_bucket_that_the_host_did_not_make_cannot_be_opened() {
    let armed = Armed::sync(Limits::untrusted());
    let mut store = armed.store();
    store.data_mut().storage = Storage::new();
    let plugin = armed.pre("plugins-0.2/tally").instantiate(&mut store).unwrap();
    let failure = plugin.process(&mut store, "Ada").unwrap().unwrap_err();
    assert_eq!(failure, Failure::Other("no-such-bucket".to_owned()));
}

#[test]
fn a_full_storage_is_told_and_takes_again_what_was_made_room_for() {
    let armed = Armed::sync(Limits::untrusted());
    let mut store = armed.store_with(StorageLimits { keys: 1, ..TIGHT });
    let plugin = armed.pre("plugins-0.2/tally").instantiate(&mut store).unwrap();
    assert!(plugin.process(&mut store, "Ada").unwrap().is_ok());
    assert_eq!(plugin.process(&mut store, "Grace").unwrap(), Err(Failure::NoRoom));
    assert!(store.data_mut().storage.delete("counts", "Ada"));
    assert!(plugin.process(&mut store, "Grace").unwrap().is_ok());
}

#[test]
fn what_is_counted_is_what_is_kept() {
    let mut storage = Storage::with_limits(StorageLimits { bytes: 200, keys: 2, open: 1 }).with_bucket("b");
    storage.set("b", "k", vec![0; 100]).unwrap();
    assert_eq!((storage.bytes(), storage.keys()), (101 + KEY_COST, 1));
    // In its place something smaller, and then something too large: the smaller stays.
    storage.set("b", "k", vec![1; 10]).unwrap();
    assert_eq!(storage.bytes(), 11 + KEY_COST);
    assert_eq!(storage.set("b", "k", vec![2; 200]), Err(Error::Full));
    assert_eq!(storage.get("b", "k"), Some(&[1; 10][..]));
    storage.set("b", "l", Vec::new()).unwrap();
    assert_eq!(storage.set("b", "m", Vec::new()), Err(Error::TooManyKeys));
    assert!(storage.delete("b", "k") && storage.delete("b", "l") && !storage.delete("b", "l"));
    assert_eq!((storage.bytes(), storage.keys()), (0, 0));
    assert_eq!(storage.set("other", "k", Vec::new()), Err(Error::NoSuchBucket));
}
