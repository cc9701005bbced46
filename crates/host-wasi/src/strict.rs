//! Which imports of a component may be linked? Those that its grants are for; the others are named, with what to add.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use wasmtime::component::Component;

use crate::{Grants, NetworkRule};

/// Why a strict linker was not made: the component imports what it is not granted, or Wasmtime refused a definition.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StrictError {
    /// The component imports interfaces that no grant is for. Nothing was added to the linker.
    #[error("the component imports what it is not granted:{}", lines(refused))]
    NotGranted {
        /// All of them, in the order of their names.
        refused: Vec<RefusedImport>,
    },
    /// An interface could not be added, because the linker has it already.
    #[error("an interface cannot be added to the linker")]
    Linker(#[source] Box<dyn std::error::Error + Send + Sync>),
}

/// An import that is served, but not granted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct RefusedImport {
    /// Its name, such as `wasi:filesystem/types@0.2.6`.
    pub import: String,
    /// What to add to the grants, such as `network = ["dns"]`.
    pub grant: &'static str,
}

fn lines(refused: &[RefusedImport]) -> String {
    let mut text = String::new();
    for RefusedImport { import, grant } in refused {
        write!(text, "\n{import} needs {grant}").expect("writing to a String does not fail");
    }
    text
}

impl From<wasmtime::Error> for StrictError {
    fn from(error: wasmtime::Error) -> StrictError {
        StrictError::Linker(error.into())
    }
}

/// The interfaces that `component` imports in a version that begins with `version`, such as `cli/stdin`.
///
/// # Errors
///
/// [`StrictError::NotGranted`] if one of them is not for `grants`.
pub(crate) fn wanted(
    component: &Component,
    version: &str,
    grants: &Grants,
) -> Result<BTreeSet<String>, StrictError> {
    let mut wanted = BTreeSet::new();
    let mut refused = Vec::new();
    for (import, _) in component.component_type().imports(component.engine()) {
        let parts = import.strip_prefix("wasi:").and_then(|import| import.split_once('@'));
        let Some((interface, _)) = parts.filter(|(_, found)| found.starts_with(version)) else { continue };
        match missing(interface, grants) {
            Some(grant) => refused.push(RefusedImport { import: import.to_owned(), grant }),
            None => drop(wanted.insert(interface.to_owned())),
        }
    }
    refused.sort_by(|one, other| one.import.cmp(&other.import));
    if refused.is_empty() { Ok(wanted) } else { Err(StrictError::NotGranted { refused }) }
}

/// The grant without which an interface is of no use, if it is missing. The others tell nothing of the host, or only what
/// they were given: arguments, variables, streams.
fn missing(interface: &str, grants: &Grants) -> Option<&'static str> {
    let any = |wanted: fn(&NetworkRule) -> bool| grants.network.iter().any(wanted);
    let tcp = || any(|rule| matches!(rule, NetworkRule::Tcp { .. }));
    let udp = || any(|rule| matches!(rule, NetworkRule::Udp { .. }));
    let (granted, grant) = match interface {
        "filesystem/preopens" | "filesystem/types" => (granted_files(grants), "[[directories]]"),
        "sockets/tcp" | "sockets/tcp-create-socket" => (tcp(), "network = [\"tcp://HOST:PORT\"]"),
        "sockets/udp" | "sockets/udp-create-socket" => (udp(), "network = [\"udp://HOST:PORT\"]"),
        // Of WASI 0.3, where the two are one.
        "sockets/types" => (any(NetworkRule::reaches), "network = [\"tcp://HOST:PORT\"]"),
        "sockets/ip-name-lookup" => (any(NetworkRule::looks_up), "network = [\"dns\"]"),
        "http/outgoing-handler" | "http/client" => {
            (any(NetworkRule::asks), "network = [\"https://HOST/PATH\"]")
        }
        "sockets/network" | "sockets/instance-network" => {
            (!grants.network.is_empty(), "network = [\"tcp://HOST:PORT\"]")
        }
        _ => (true, ""),
    };
    (!granted).then_some(grant)
}

fn granted_files(grants: &Grants) -> bool {
    !(grants.directories.is_empty() && grants.scratch.is_empty() && grants.files.is_empty())
}
