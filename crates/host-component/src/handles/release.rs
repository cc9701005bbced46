//! How is a resource dropped that the host keeps? By its number; its destructor runs then.

use thiserror::Error;
use wasmtime::AsContextMut;

use super::{HandleError, Handles};
use crate::call::is_refused;

impl Handles {
    /// Drops the resource with this number: the guest that made it runs its destructor.
    ///
    /// # Errors
    ///
    /// [`ReleaseError::Handle`] when there is no such resource. [`ReleaseError::NeedsAsync`] when the store takes only async
    /// calls; the resource is kept. [`ReleaseError::Destructor`] when the destructor failed: the store must not be used for
    /// another call of a component; the resource is gone all the same.
    ///
    /// # Panics
    ///
    /// When the resource is not one of `store`'s.
    pub fn drop_resource(&mut self, mut store: impl AsContextMut, handle: u32) -> Result<(), ReleaseError> {
        let resource = self.remove(handle)?;
        let Err(source) = resource.resource_drop(&mut store) else { return Ok(()) };
        // A destructor may have given the same words; the resource is gone then, and that is said of it now.
        if is_refused(&source) && resource.resource_drop(store).is_err_and(|error| is_refused(&error)) {
            self.kept.insert(handle, resource);
            return Err(ReleaseError::NeedsAsync { handle });
        }
        Err(ReleaseError::Destructor { handle, source })
    }

    /// [`Handles::drop_resource`] for stores whose host functions may wait.
    ///
    /// Dropping the future before it is done leaves the guest half-way through its destructor: the store must not be used for
    /// another call.
    ///
    /// # Errors
    ///
    /// As [`Handles::drop_resource`].
    ///
    /// # Panics
    ///
    /// As [`Handles::drop_resource`].
    pub async fn drop_resource_async(
        &mut self,
        store: impl AsContextMut<Data: Send>,
        handle: u32,
    ) -> Result<(), ReleaseError> {
        let resource = self.remove(handle)?;
        let dropped = resource.resource_drop_async(store).await;
        dropped.map_err(|source| ReleaseError::Destructor { handle, source })
    }
}

impl ReleaseError {
    /// Whether the store must not be used for another call of a component: a destructor was entered, and left half-way.
    pub fn retires_store(&self) -> bool {
        matches!(self, ReleaseError::Destructor { .. })
    }
}

/// Why a resource was not dropped as it should be.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReleaseError {
    /// There is no such resource.
    #[error(transparent)]
    Handle(#[from] HandleError),
    /// The store takes only async calls, or this is called within one; the resource is kept.
    #[error(
        "the resource with the handle {handle} cannot be dropped synchronously in this store; use `drop_resource_async`"
    )]
    NeedsAsync {
        /// The resource's number.
        handle: u32,
    },
    /// Its destructor failed, or a budget ran out in it.
    #[error("the destructor of the resource with the handle {handle} failed")]
    Destructor {
        /// The resource's number.
        handle: u32,
        /// Wasmtime's error, with the trap or the host's own error inside.
        source: wasmtime::Error,
    },
}
