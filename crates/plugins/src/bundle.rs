//! stub
/// stub
#[derive(Clone)]
pub struct CrashBundles {}
/// stub
#[derive(Debug, thiserror::Error)]
#[error("bundle")]
pub struct BundleError;
