//! Which versions of the plugins' world are there, and what does the older one lack?

use std::fmt;

/// A version of the world `my-org:my-plugin`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[non_exhaustive]
pub enum Version {
    /// 0.1: one function, and a log.
    V0_1,
    /// 0.2: sessions, a storage, kinds of failures, levels of log lines.
    V0_2,
}

impl Version {
    /// The interface that a plugin of this version exports.
    pub fn interface(self) -> &'static str {
        match self {
            Version::V0_1 => "my-org:my-plugin/plugin-api@0.1.0",
            Version::V0_2 => "my-org:my-plugin/plugin-api@0.2.0",
        }
    }

    /// What a plugin of this version cannot do, a sentence each, and what the host makes of it. None for the newest.
    pub fn lacks(self) -> &'static [&'static str] {
        match self {
            Version::V0_1 => &[
                "it has no sessions: those of the host count by themselves, share all that the plugin remembers, and do \
                 not tell it their `config`",
                "it has one kind of failure: all are `Failure::Other`",
                "it knows no storage: it keeps nothing with the host",
                "its log lines have no level",
            ],
            Version::V0_2 => &[],
        }
    }
}

/// `0.1` or `0.2`.
impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Version::V0_1 => "0.1",
            Version::V0_2 => "0.2",
        })
    }
}
