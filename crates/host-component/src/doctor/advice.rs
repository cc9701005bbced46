//! What can be done about a problem, and by whom?

use serde::Serialize;

use super::report::Problem;
use crate::names::{InterfaceName, list, quoted};

/// What either side can do about a [`Problem`]; one of the two is enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Advice {
    /// What the component's author can do.
    pub guest: String,
    /// What can be done by whoever embeds the component.
    pub embedder: String,
}

impl Problem {
    /// What either side can do about it.
    pub fn advice(&self) -> Advice {
        let (guest, embedder) = match self {
            Problem::Missing { import, item: Some(item), versions, .. } => (
                match versions.first() {
                    Some(older) => format!("build against {}, or do without {}", quoted(older), quoted(item)),
                    None => format!("do without {}, or ask the embedder for it", quoted(item)),
                },
                match versions.is_empty() {
                    true => format!("define {} in the linker's {}", quoted(item), quoted(import)),
                    false => format!("offer {} in this version, or a later compatible one", quoted(import)),
                },
            ),
            Problem::Missing { import, item: None, versions, near, .. } => (
                match (versions.first(), near.is_empty()) {
                    (Some(version), _) => format!("build against {}, which this host has", quoted(version)),
                    (None, false) => format!("correct the name in the WIT, if {} was meant", list(near)),
                    (None, true) => format!("do without {}, or ask the embedder for it", quoted(import)),
                },
                match versions.is_empty() {
                    true => format!(
                        "define {} in the linker, or, if it is never called, let `stub_missing_imports` do so",
                        quoted(import)
                    ),
                    false => format!("offer {} too, beside the version there is", quoted(import)),
                },
            ),
            Problem::Differs { import, item, .. } => {
                let what = quoted(item.as_deref().unwrap_or(import));
                (
                    format!("build against the host's WIT, with its type of {what}"),
                    match InterfaceName::parse(import).version {
                        Some(_) => format!(
                            "define {what} with the component's type; if the type was changed, its interface needs a \
                             version that is not compatible"
                        ),
                        None => format!("define {what} with the component's type"),
                    },
                )
            }
            Problem::Unchecked { .. } => (
                "solve the other problems first, and ask again".to_owned(),
                "solve the other problems first, and ask again".to_owned(),
            ),
            Problem::MissingExport { export, versions, expected, .. } => (
                match (expected, versions.first()) {
                    (_, Some(version)) => {
                        format!("build against {} instead of {}", quoted(export), quoted(version))
                    }
                    (Some(ty), None) => format!("export {} as {}", quoted(export), quoted(ty)),
                    (None, None) => format!("export {}", quoted(export)),
                },
                match versions.first() {
                    Some(version) => format!("also take components that export {}", quoted(version)),
                    None => "take it as a component of another world".to_owned(),
                },
            ),
            Problem::ExportDiffers { export, .. } => (
                format!("build against the WIT of the expected world, with its type of {}", quoted(export)),
                "expect the world that the component was built for; a changed type needs a version that is not compatible"
                    .to_owned(),
            ),
        };
        Advice { guest, embedder }
    }
}
