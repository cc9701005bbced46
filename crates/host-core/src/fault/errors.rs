//! The errors by which host functions say how a call is to end.

use crate::text::one_line;

/// A host function gives this to say that the guest asked to end, with an exit code.
///
/// ```
/// use host_core::Exit;
/// use wasmtime::{Engine, Linker};
///
/// let mut linker: Linker<()> = Linker::new(&Engine::default());
/// linker.func_wrap("env", "exit", |code: i32| -> wasmtime::Result<()> { Err(Exit(code).into()) })?;
/// # Ok::<(), wasmtime::Error>(())
/// ```
///
/// [`guard`](crate::guard) makes it [`FaultKind::Exit`](crate::FaultKind::Exit).
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("exited with code {0}")]
pub struct Exit(pub i32);

/// A host function gives this when the guest asks for what it was not granted.
///
/// [`guard`](crate::guard) makes it [`FaultKind::Denied`](crate::FaultKind::Denied), so that whoever writes the policy
/// learns which grant was missing.
///
/// ```
/// use host_core::Denied;
///
/// let denied = Denied::new("reading /etc/passwd", "files.read");
/// assert_eq!(denied.to_string(), "reading /etc/passwd is not granted; it takes the grant `files.read`");
/// ```
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is not granted; it takes the grant `{}`", one_line(what), one_line(grant))]
#[non_exhaustive]
pub struct Denied {
    /// What the guest wanted, such as `reading /etc/passwd`. May hold text that the guest chose.
    pub what: String,
    /// The grant that would allow it.
    pub grant: String,
}

impl Denied {
    /// The guest wanted `what`, which takes `grant`.
    pub fn new(what: impl Into<String>, grant: impl Into<String>) -> Denied {
        Denied { what: what.into(), grant: grant.into() }
    }
}

/// A panic of a host function, carried as an error to where the fault is made.
#[derive(Debug, thiserror::Error)]
#[error("a host function panicked: {}", one_line(.0))]
pub struct HostPanic(pub(crate) String);

impl HostPanic {
    /// The panic's message.
    pub fn message(&self) -> &str {
        &self.0
    }
}

/// Guest code was to run in a store without limits.
#[derive(Debug, thiserror::Error)]
#[error(
    "the store is not armed, so nothing would limit its guest; call `host_limits::arm` or `arm_async` first"
)]
pub(crate) struct NotArmed;
