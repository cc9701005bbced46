//! The health check of a version that is not in use yet.

use std::sync::Arc;
use std::time::Instant;

use host_component::wave;
use wasmtime::component::Val;

use super::attempt::Times;
use super::work::{Plain, Values};
use super::{Arguments, Called};
use crate::error::CallError;
use crate::host::Inner;
use crate::manifest::HealthCheck;
use crate::plugin::Plugin;
use crate::program::Guest;
use crate::version::Version;

impl Inner {
    /// Calls a version as its health check says. The call waits in no line: it is the operator's.
    pub(crate) async fn call_version(
        &self,
        name: &str,
        version: &Arc<Version>,
        check: &HealthCheck,
    ) -> Result<(), CallError> {
        let plugin = Plugin::new(name, Arc::clone(version));
        let now = Instant::now();
        let at = Times { since: now, now };
        let arguments = Arguments::Wave(check.arguments.as_deref().unwrap_or("()"));
        let called = Called { export: &check.export, arguments };
        if let Guest::Module(_) = &version.program.guest {
            let reply =
                self.attempt_now(&self.options, &plugin, 1, at, called, &mut Plain(&check.export)).await;
            return reply.map(drop);
        }
        let reply = self.attempt_now(&self.options, &plugin, 1, at, called, &mut Values(called)).await?;
        match reply.value?.as_slice() {
            // An error that the plugin gives is as good as a fault here.
            [Val::Result(Err(error))] => Err(CallError::Unwell {
                answer: error.as_ref().and_then(|error| wave::from_val(error).ok()).unwrap_or_default(),
            }),
            _ => Ok(()),
        }
    }
}
