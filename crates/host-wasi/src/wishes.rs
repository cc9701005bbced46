//! What does a guest ask for? `Wishes` is the manifest that it ships.

mod within;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) use within::{same_path, wished_access};

use crate::{Access, NetworkRule};

/// What a guest asks for, with a reason for each wish: a manifest that its author writes and ships with it.
///
/// A wish gives nothing. The operator's [`Grants`](crate::Grants) say what the guest may have, and
/// [`Grants::within`](crate::Grants::within) gives it what is both wished and granted. As TOML, where beside each
/// wish stands the reason, which may be empty:
///
/// ```
/// let wishes: host_wasi::Wishes = toml::from_str(r#"
///     args = "the files to count"
///     stdin = "the text, if no file is named"
///     stdout = "the counts"
///
///     [env]
///     "LC_*" = "the form of numbers"   # a name, or a pattern where `*` stands for any run of characters
///
///     [network]
///     "tcp://127.0.0.1:5432" = "the data base"
///
///     [[directories]]
///     guest = "data"
///     access = "read-only"             # or "read-write"
///     reason = "the files to count"
///
///     [[scratch]]
///     guest = "tmp"
///     bytes = 1048576
///     files = 10
///     reason = "lines that are sorted"
/// "#)?;
/// assert_eq!(wishes.env["LC_*"], "the form of numbers");
/// # Ok::<(), toml::de::Error>(())
/// ```
///
/// A key that is not known is an error.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct Wishes {
    /// Why it reads its arguments. Default: it does not.
    pub args: Option<String>,
    /// Why it reads its standard input. Default: it does not.
    pub stdin: Option<String>,
    /// Why it prints. Default: it does not.
    pub stdout: Option<String>,
    /// Why it prints to standard error. Default: it does not.
    pub stderr: Option<String>,
    /// The environment variables it reads, by name or pattern, and why. Default: none.
    pub env: BTreeMap<String, String>,
    /// What it wants to reach in the network, and why. Default: nothing.
    #[serde(with = "rules")]
    pub network: Vec<WishedRule>,
    /// The directories it wants to see. Default: none.
    pub directories: Vec<WishedDirectory>,
    /// The fresh directories it wants to have. Default: none.
    pub scratch: Vec<WishedScratch>,
}

/// A rule of the network that a guest asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct WishedRule {
    /// What it wants to reach.
    pub rule: NetworkRule,
    /// Why; may be empty.
    pub reason: String,
}

/// A directory that a guest asks for. Where it is on the host is for the operator to say.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct WishedDirectory {
    /// The path under which the guest wants to see it; `data`, `./data` and `/data` count as one.
    pub guest: String,
    /// What it wants to do there. Default: read only.
    #[serde(default)]
    pub access: Access,
    /// Why; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// A fresh directory that a guest asks for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
#[non_exhaustive]
pub struct WishedScratch {
    /// The path under which the guest wants to see it.
    pub guest: String,
    /// How much it wants to keep there, in bytes.
    pub bytes: u64,
    /// How many entries it wants to make there.
    pub files: u64,
    /// Why; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

impl WishedRule {
    /// A wish to reach what `rule` says.
    pub fn new(rule: NetworkRule, reason: impl Into<String>) -> Self {
        Self { rule, reason: reason.into() }
    }
}

impl WishedDirectory {
    /// A wish to see a directory under the path `guest`.
    pub fn new(guest: impl Into<String>, access: Access, reason: impl Into<String>) -> Self {
        Self { guest: guest.into(), access, reason: reason.into() }
    }
}

impl WishedScratch {
    /// A wish for a fresh directory under the path `guest`, with room for `bytes` in `files` entries.
    pub fn new(guest: impl Into<String>, bytes: u64, files: u64, reason: impl Into<String>) -> Self {
        Self { guest: guest.into(), bytes, files, reason: reason.into() }
    }
}

/// The written form of wished rules: a table from each rule to its reason, in the order given.
mod rules {
    use std::fmt;

    use serde::de::{Deserializer, MapAccess, Visitor};
    use serde::ser::Serializer;

    use super::WishedRule;

    pub(super) fn serialize<S: Serializer>(rules: &[WishedRule], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(rules.iter().map(|wish| (&wish.rule, &wish.reason)))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Vec<WishedRule>, D::Error> {
        struct Table;

        impl<'de> Visitor<'de> for Table {
            type Value = Vec<WishedRule>;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("a table of network rules, each with a reason")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut rules = Vec::new();
                while let Some((rule, reason)) = map.next_entry()? {
                    rules.push(WishedRule { rule, reason });
                }
                Ok(rules)
            }
        }

        deserializer.deserialize_map(Table)
    }
}
