//! How does a host keep the resources that guests hand out, and name them in text? By number.

mod arguments;
mod call;
mod release;

use std::collections::BTreeMap;

use thiserror::Error;
use wasmtime::component::ResourceAny;

pub(crate) use arguments::Wrong;
pub use release::ReleaseError;

/// How many resources [`Handles::new`] keeps at most.
const LIMIT: usize = 1_000;

/// The resources that the guests of one store handed to the host, each under a number of its own.
///
/// A number is what text can say: `{"handle": 3}` in JSON, `handle(3)` in WAVE. Numbers begin at 1 and are never used twice,
/// so that a stale one is told from all others.
///
/// [`Handles::call`] knows which resources are still there. A resource that was dropped, or given away as `own`, is refused
/// before the guest is entered; Wasmtime alone notices it inside the call, where it may cost the instance.
///
/// Keep one `Handles` for each store, beside it: nothing else tells the resources of one store from those of another. What it
/// keeps is bounded; a resource that is in it stays in the store until it is dropped or given away, or the store is dropped.
///
/// ```
/// use host_component::{Handles, find, json};
/// use serde_json::json;
/// use wasmtime::component::{Component, Linker};
/// use wasmtime::{Engine, Store};
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let engine = Engine::default();
/// let component = Component::new(
///     &engine,
///     r#"(component
///         (type $r' (resource (rep i32)))
///         (core func $new (canon resource.new $r'))
///         (core module $m
///             (import "r" "new" (func $new (param i32) (result i32)))
///             (func (export "open") (param i32) (result i32) (call $new (local.get 0)))
///             (func (export "read") (param i32) (result i32) (local.get 0)))
///         (core instance $i (instantiate $m (with "r" (instance (export "new" (func $new))))))
///         (export $r "file" (type $r'))
///         (func (export "open") (param "number" u32) (result (own $r)) (canon lift (core func $i "open")))
///         (func (export "read") (param "file" (borrow $r)) (result u32) (canon lift (core func $i "read"))))"#,
/// )?;
/// let mut store = Store::new(&engine, ());
/// let instance = Linker::new(&engine).instantiate(&mut store, &component)?;
/// let [open, read] = [find(&component, "open")?, find(&component, "read")?];
///
/// let mut handles = Handles::new();
/// let arguments = json::arguments_with(&handles, &open, &json!([42]))?;
/// let results = handles.call(&mut store, &instance, &open, &arguments)?;
/// assert_eq!(json::results_with(&mut handles, &results)?, json!({"handle": 1}));
///
/// let arguments = json::arguments_with(&handles, &read, &json!({"file": {"handle": 1}}))?;
/// assert_eq!(json::results(&handles.call(&mut store, &instance, &read, &arguments)?)?, json!(42));
///
/// handles.drop_resource(&mut store, 1)?;
/// assert!(json::arguments_with(&handles, &read, &json!([{"handle": 1}])).is_err());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Handles {
    kept: BTreeMap<u32, ResourceAny>,
    limit: usize,
    /// The number of the next one; after the last there is none.
    next: Option<u32>,
}

impl Handles {
    /// Room for 1,000 resources.
    pub fn new() -> Handles {
        Handles::with_limit(LIMIT)
    }

    /// Room for `limit` resources. A resource is looked for among all that are kept, so that calls with many resources take
    /// longer the more there are.
    pub fn with_limit(limit: usize) -> Handles {
        Handles { kept: BTreeMap::new(), limit, next: Some(1) }
    }

    /// Keeps `resource` and gives its number; the one it has, if it is kept already.
    ///
    /// # Errors
    ///
    /// [`HandleError::Full`] when there is no room; `resource` is still the caller's then.
    pub fn insert(&mut self, resource: ResourceAny) -> Result<u32, HandleError> {
        let mut pending = self.pending();
        let handle = pending.number(resource)?;
        pending.commit();
        Ok(handle)
    }

    /// The resource with this number. It stays here: to give it away, pass it to [`Handles::call`].
    ///
    /// # Errors
    ///
    /// [`HandleError::Unknown`] or [`HandleError::Gone`].
    pub fn get(&self, handle: u32) -> Result<ResourceAny, HandleError> {
        self.kept.get(&handle).copied().ok_or_else(|| self.missing(handle))
    }

    /// Takes the resource with this number out, without dropping it: it is the caller's to drop.
    ///
    /// # Errors
    ///
    /// [`HandleError::Unknown`] or [`HandleError::Gone`].
    pub fn remove(&mut self, handle: u32) -> Result<ResourceAny, HandleError> {
        self.kept.remove(&handle).ok_or_else(|| self.missing(handle))
    }

    /// How many resources are kept.
    pub fn len(&self) -> usize {
        self.kept.len()
    }

    /// Whether none is kept.
    pub fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    /// How many resources are kept at most.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// The number of `resource`, if it is kept.
    pub(crate) fn number_of(&self, resource: &ResourceAny) -> Option<u32> {
        self.kept.iter().find(|(_, kept)| *kept == resource).map(|(handle, _)| *handle)
    }

    /// Resources that get numbers now and are kept later, all or none.
    pub(crate) fn pending(&mut self) -> Pending<'_> {
        Pending { handles: self, new: Vec::new() }
    }

    fn missing(&self, handle: u32) -> HandleError {
        let was_given = handle != 0 && self.next.is_none_or(|next| handle < next);
        if was_given { HandleError::Gone { handle } } else { HandleError::Unknown { handle } }
    }
}

impl Default for Handles {
    fn default() -> Handles {
        Handles::new()
    }
}

/// Why a number stands for no resource, or a resource gets none.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[non_exhaustive]
pub enum HandleError {
    /// The number was never given to a resource.
    #[error("there is no resource with the handle {handle}")]
    Unknown {
        /// The number.
        handle: u32,
    },
    /// The resource was dropped, given away or taken out.
    #[error("the resource with the handle {handle} is gone: it was dropped or given away")]
    Gone {
        /// The number.
        handle: u32,
    },
    /// There is no room for another one.
    #[error("{limit} resources are kept and there is room for no more; drop some first")]
    Full {
        /// How many are kept at most.
        limit: usize,
    },
}

/// Numbers for resources that are not kept before [`Pending::commit`].
pub(crate) struct Pending<'h> {
    handles: &'h mut Handles,
    new: Vec<ResourceAny>,
}

impl Pending<'_> {
    pub(crate) fn number(&mut self, resource: ResourceAny) -> Result<u32, HandleError> {
        if let Some(handle) = self.handles.number_of(&resource) {
            return Ok(handle);
        }
        let full = HandleError::Full { limit: self.handles.limit };
        let place = self.new.iter().position(|new| *new == resource).unwrap_or(self.new.len());
        if place == self.new.len() && self.handles.len() + place >= self.handles.limit {
            return Err(full);
        }
        let ahead = u32::try_from(place).ok();
        let handle = self.handles.next.zip(ahead).and_then(|(next, ahead)| next.checked_add(ahead));
        let handle = handle.ok_or(full)?;
        if place == self.new.len() {
            self.new.push(resource);
        }
        Ok(handle)
    }

    pub(crate) fn commit(self) {
        for resource in self.new {
            // There is a next number for each: `number` has given it out.
            if let Some(handle) = self.handles.next {
                self.handles.kept.insert(handle, resource);
                self.handles.next = handle.checked_add(1);
            }
        }
    }
}
