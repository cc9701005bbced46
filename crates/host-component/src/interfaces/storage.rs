//! What does the host keep for a plugin, and how much? The interface `my-org:my-plugin/storage@0.2.0`.
//!
//! [`Storage`] is the state, in the host's memory; [`HasStorage`] finds it in the store's data; [`add_to_linker`] defines the
//! interface. A plugin can open the buckets that the host has made for it, and no others. What it keeps is bounded in bytes
//! and keys, what it has open in number; at a bound it gets one of the interface's errors, and goes on.

use std::collections::BTreeMap;

use wasmtime::component::{HasData, Linker, Resource, ResourceTable};

use crate::bindings::v0_2::sync::my_org::my_plugin::storage;

pub use storage::Error;

/// The interface's full name.
pub const NAME: &str = "my-org:my-plugin/storage@0.2.0";

/// Bytes counted for a key besides its own and those of its value, so that empty ones are not free.
pub const KEY_COST: usize = 64;

/// How much a [`Storage`] keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StorageLimits {
    /// Bytes of all keys and values together; each key counts for [`KEY_COST`] more. Default: 1 MiB.
    pub bytes: usize,
    /// Keys in all buckets together. Default: 1,000.
    pub keys: usize,
    /// Buckets that the plugin may have open at one time; one opened twice counts twice. Default: 100.
    pub open: usize,
}

impl Default for StorageLimits {
    fn default() -> StorageLimits {
        StorageLimits { bytes: 1 << 20, keys: 1_000, open: 100 }
    }
}

/// What the host keeps for a plugin, by bucket and key. A new one has no buckets.
///
/// ```
/// use host_component::interfaces::storage::Storage;
///
/// let mut storage = Storage::new().with_bucket("counts");
/// storage.set("counts", "ada", vec![1])?;
/// assert_eq!(storage.get("counts", "ada"), Some(&[1][..]));
/// assert!(storage.set("other", "ada", vec![1]).is_err());
/// # Ok::<(), host_component::interfaces::storage::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Storage {
    limits: StorageLimits,
    buckets: BTreeMap<String, BTreeMap<String, Vec<u8>>>,
    bytes: usize,
    keys: usize,
    table: ResourceTable,
    open: usize,
}

/// An open bucket, behind a plugin's handle.
#[derive(Debug)]
pub struct Bucket {
    name: String,
}

impl Storage {
    /// No buckets, and the default limits.
    pub fn new() -> Storage {
        Storage::with_limits(StorageLimits::default())
    }

    /// No buckets, and these limits.
    pub fn with_limits(limits: StorageLimits) -> Storage {
        let mut table = ResourceTable::new();
        table.set_max_capacity(limits.open);
        Storage { limits, table, ..Storage::default() }
    }

    /// Makes an empty bucket, which the plugin can open from now on.
    #[must_use]
    pub fn with_bucket(mut self, name: impl Into<String>) -> Storage {
        self.buckets.entry(name.into()).or_default();
        self
    }

    /// What stands under `key`.
    pub fn get(&self, bucket: &str, key: &str) -> Option<&[u8]> {
        self.buckets.get(bucket)?.get(key).map(Vec::as_slice)
    }

    /// Puts `value` under `key`, in the place of what was there.
    ///
    /// # Errors
    ///
    /// [`Error::NoSuchBucket`], [`Error::TooManyKeys`] or [`Error::Full`]; what was there stays.
    pub fn set(&mut self, bucket: &str, key: &str, value: Vec<u8>) -> Result<(), Error> {
        let bucket = self.buckets.get_mut(bucket).ok_or(Error::NoSuchBucket)?;
        let old = bucket.get(key).map(|old| cost(key, old));
        if old.is_none() && self.keys >= self.limits.keys {
            return Err(Error::TooManyKeys);
        }
        let bytes = (self.bytes - old.unwrap_or(0)).saturating_add(cost(key, &value));
        if bytes > self.limits.bytes {
            return Err(Error::Full);
        }
        self.bytes = bytes;
        if old.is_none() {
            self.keys += 1;
        }
        // A plugin's buffer may have room for more than is in it; what is kept is what is counted.
        bucket.insert(key.to_owned(), value.into_boxed_slice().into_vec());
        Ok(())
    }

    /// Takes what stands under `key` away; whether there was something.
    pub fn delete(&mut self, bucket: &str, key: &str) -> bool {
        let Some(value) = self.buckets.get_mut(bucket).and_then(|bucket| bucket.remove(key)) else {
            return false;
        };
        self.bytes -= cost(key, &value);
        self.keys -= 1;
        true
    }

    /// Bytes that count against [`StorageLimits::bytes`].
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Keys in all buckets.
    pub fn keys(&self) -> usize {
        self.keys
    }

    /// Buckets that the plugin has open.
    pub fn open(&self) -> usize {
        self.open
    }
}

fn cost(key: &str, value: &[u8]) -> usize {
    key.len().saturating_add(value.len()).saturating_add(KEY_COST)
}

/// Finds the [`Storage`] in a store's data.
pub trait HasStorage: 'static {
    /// The storage of this store.
    fn storage(&mut self) -> &mut Storage;
}

impl HasStorage for Storage {
    fn storage(&mut self) -> &mut Storage {
        self
    }
}

/// Defines the interface so that plugins use the store's [`Storage`].
///
/// Keys and values are copied out of the guest before they are looked at: the store's hostcall fuel
/// ([`set_hostcall_fuel`](wasmtime::Store::set_hostcall_fuel)) bounds how much one call can copy.
///
/// # Errors
///
/// When the linker already has something of this interface and does not allow shadowing.
pub fn add_to_linker<T: HasStorage>(linker: &mut Linker<T>) -> wasmtime::Result<()> {
    storage::add_to_linker::<T, Found>(linker, T::storage)
}

/// Tells Wasmtime what [`HasStorage::storage`] gives.
struct Found;

impl HasData for Found {
    type Data<'a> = &'a mut Storage;
}

impl storage::Host for Storage {}

impl storage::HostBucket for Storage {
    fn open(&mut self, name: String) -> wasmtime::Result<Result<Resource<Bucket>, Error>> {
        if !self.buckets.contains_key(&name) {
            return Ok(Err(Error::NoSuchBucket));
        }
        if self.open >= self.limits.open {
            return Ok(Err(Error::TooManyOpen));
        }
        let bucket = self.table.push(Bucket { name })?;
        self.open += 1;
        Ok(Ok(bucket))
    }

    fn get(&mut self, bucket: Resource<Bucket>, key: String) -> wasmtime::Result<Option<Vec<u8>>> {
        let bucket = self.table.get(&bucket)?;
        Ok(self.buckets.get(&bucket.name).and_then(|bucket| bucket.get(&key)).cloned())
    }

    fn set(
        &mut self,
        bucket: Resource<Bucket>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        let name = self.table.get(&bucket)?.name.clone();
        Ok(Storage::set(self, &name, &key, value))
    }

    fn delete(&mut self, bucket: Resource<Bucket>, key: String) -> wasmtime::Result<bool> {
        let name = self.table.get(&bucket)?.name.clone();
        Ok(Storage::delete(self, &name, &key))
    }

    fn drop(&mut self, bucket: Resource<Bucket>) -> wasmtime::Result<()> {
        self.table.delete(bucket)?;
        self.open -= 1;
        Ok(())
    }
}
