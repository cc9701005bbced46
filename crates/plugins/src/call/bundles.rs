//! Writes a crash bundle of a call that had a fault, if its caller asked for one.

use std::path::PathBuf;

use host_component::wave;
use host_core::Fault;
use wasmtime::Store;

use super::attempt::Attempt;
use super::{Arguments, Called};
use crate::bundle::{BundleError, Report};
use crate::events::Event;
use crate::manifest::Manifest;
use crate::state::{Captured, State};

impl Attempt<'_> {
    /// Writes it, and says where; `None` if nobody asked for it.
    pub(super) fn bundle(
        &self,
        called: Called<'_>,
        fault: &Fault,
        captured: &Captured,
        store: &mut Store<State>,
    ) -> Option<Result<PathBuf, BundleError>> {
        let bundles = self.options.bundles.as_ref()?;
        let (version, call) = (&self.version, &self.call);
        let core_dump =
            bundles.core_dump_at_most().map(|at_most| fault.core_dump(store, &call.plugin, at_most));
        let (digest, arguments) = (version.digest.to_string(), called.arguments.text());
        let manifest = version.manifest.as_ref().and_then(Manifest::text);
        let mut report = Report::new(&call.plugin, fault, captured);
        report.version = Some(version.number);
        report.digest = Some(&digest);
        report.source = version.origin.path();
        report.manifest = manifest.as_deref();
        report.tenant = call.tenant.as_deref();
        report.call = Some(call.id.0);
        report.attempt = call.attempt;
        report.export = Some(called.export).filter(|export| !export.is_empty());
        report.arguments = arguments.as_deref();
        report.limits = Some(&version.terms.limits);
        report.grants = Some(&version.terms.grants);
        let written = bundles.write(&report, core_dump);
        self.inner.teller.tell(|| Event::Bundle {
            call: call.clone(),
            directory: written.as_ref().ok().cloned(),
            reason: written.as_ref().err().map(ToString::to_string),
        });
        Some(written)
    }
}

impl Arguments<'_> {
    /// As `wasm-host call` takes them, where there is such a form.
    fn text(&self) -> Option<String> {
        match self {
            Arguments::Values(values) => {
                let texts: Option<Vec<_>> = values.iter().map(|value| wave::from_val(value).ok()).collect();
                Some(format!("({})", texts?.join(", ")))
            }
            Arguments::Json(json) => Some(json.to_string()),
            Arguments::Wave(list) => Some((*list).to_owned()),
            Arguments::Bytes(bytes) => {
                Some(format!("{} bytes: {}", bytes.len(), String::from_utf8_lossy(bytes)))
            }
            Arguments::Unknown => None,
        }
    }
}
