//! What does a guest get, what not, and what would have to be written for it? `explain` tells, before it runs.

mod grant_text;
mod imports;
mod table;
mod wishes;

use std::fmt;

use serde::{Deserialize, Serialize};

pub(crate) use grant_text::access_text;

use crate::{Grants, Need, Wishes};

/// What a guest gets of what it imports and asks for. As text it is a table; see [`explain`].
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Explanation {
    /// For each import of WASI, and each thing that it may use by it.
    pub imports: Vec<Answer>,
    /// For each wish.
    pub wishes: Vec<Answer>,
    /// For each grant that no wish asks for, if there are wishes: the guest does not get it.
    pub unasked: Vec<Answer>,
}

/// What a guest gets of one thing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub struct Answer {
    /// The import as it is named, the wish in a few words, or the grant as it is written.
    pub subject: String,
    /// What it may use by an import; `None` for a wish or a grant, and for an import that needs nothing of the host.
    pub need: Option<Need>,
    /// Whether it gets it.
    pub verdict: Verdict,
    /// Why: the grant that gives it, or what is missing.
    pub why: String,
    /// The line of the grants that would give it. What the operator has to choose is written `…`.
    pub add: Option<String>,
    /// Why the guest asks for it, in its own words.
    pub reason: Option<String>,
}

/// Whether a guest gets something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Verdict {
    /// It gets it.
    Granted,
    /// It gets less than it asks for.
    InPart,
    /// It does not get it, because it is not granted.
    Refused,
    /// It does not get it, because its manifest does not ask for it.
    NotAsked,
}

/// Says what a guest gets: for each import of WASI, and for each wish of its manifest, if it has one.
///
/// The imports are named as for [`needs`](crate::needs()); those that are not of WASI are left out. With wishes the
/// guest is taken to get [`grants.within(wishes)`](Grants::within), without them all of `grants`.
///
/// ```
/// use host_wasi::{Grants, Wishes, explain};
///
/// let grants: Grants = toml::from_str(r#"inherit-env = ["LC_*"]"#)?;
/// let wishes: Wishes = toml::from_str(r#"stdin = "the text""#)?;
/// let explained = explain(["wasi:cli/stdin@0.2.6"], &grants, Some(&wishes));
/// assert_eq!(explained.to_string(), r#"imports
///   refused    wasi:cli/stdin@0.2.6   standard input   it is closed
///              add: stdin = "inherit"
/// wishes
///   refused    stdin   it is closed
///              add: stdin = "inherit"
///              asked for: the text
/// grants that no wish asks for
///   not asked  inherit-env = ["LC_*"]
/// "#);
/// # Ok::<(), toml::de::Error>(())
/// ```
pub fn explain(
    imports: impl IntoIterator<Item = impl AsRef<str>>,
    grants: &Grants,
    wishes: Option<&Wishes>,
) -> Explanation {
    Explanation {
        imports: imports
            .into_iter()
            .flat_map(|import| imports::answers(import.as_ref(), grants, wishes))
            .collect(),
        wishes: wishes.map(|wishes| wishes::answers(grants, wishes)).unwrap_or_default(),
        unasked: wishes.map(|wishes| wishes::unasked(grants, wishes)).unwrap_or_default(),
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.pad(match self {
            Verdict::Granted => "granted",
            Verdict::InPart => "in part",
            Verdict::Refused => "refused",
            Verdict::NotAsked => "not asked",
        })
    }
}
