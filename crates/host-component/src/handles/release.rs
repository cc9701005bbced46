//! How is a resource dropped that the host keeps? By its number; its destructor runs then.

use thiserror::Error;
use wasmtime::AsContextMut;

use super::{HandleError, Handles};

impl Handles {
    /// Drops the resource with this number: the guest that made it runs its destructor.
    ///
    /// # Errors
    ///
    /// [`ReleaseError::Handle`] when there is no such resource. [`ReleaseError::Destructor`] when the destructor failed: the
    /// store must not be used for another call of a component; the resource is gone all the same.
    pub fn drop_resource(&mut self, store: impl AsContextMut, handle: u32) -> Result<(), ReleaseError> {
        let resource = self.remove(handle)?;
        resource.resource_drop(store).map_err(|source| ReleaseError::Destructor { handle, source })
    }

    /// [`Handles::drop_resource`] for stores whose host functions may wait.
    ///
    /// Dropping the future before it is done leaves the guest half-way through its destructor: the store must not be used for
    /// another call.
    ///
    /// # Errors
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
    /// Its destructor failed, or a budget ran out in it.
    #[error("the destructor of the resource with the handle {handle} failed")]
    Destructor {
        /// The resource's number.
        handle: u32,
        /// Wasmtime's error, with the trap or the host's own error inside.
        source: wasmtime::Error,
    },
}
