//! Which grants may a guest use? Told from the names of what it imports, before it runs.

use std::collections::BTreeSet;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Something of the host that WASI gives. Its text names it and the key of the grant, if it takes one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Need {
    /// Command-line arguments.
    Arguments,
    /// Environment variables.
    Environment,
    /// Standard input.
    Stdin,
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
    /// Files and directories.
    Directories,
    /// Connections and datagrams.
    Network,
    /// The looking up of names.
    Names,
    /// Requests by `wasi:http`, with the feature `http`.
    Requests,
    /// The time of day, the time passed, and sleep.
    Clock,
    /// Random numbers.
    Randomness,
    /// To end with an exit code.
    Exit,
}

impl Need {
    /// How the grant is written, or `None` for what every guest has.
    pub fn grant(self) -> Option<&'static str> {
        match self {
            Need::Arguments => Some("args"),
            Need::Environment => Some("[env], inherit-env"),
            Need::Stdin => Some("stdin"),
            Need::Stdout => Some("stdout"),
            Need::Stderr => Some("stderr"),
            Need::Directories => Some("[[directories]]"),
            Need::Network => Some("network = [\"tcp://…\", \"udp://…\"]"),
            Need::Names => Some("network = [\"dns\"]"),
            Need::Requests => Some("network = [\"https://…/*\"]"),
            Need::Clock | Need::Randomness | Need::Exit => None,
        }
    }

    /// What it is, without how it is granted: "standard input".
    pub fn what(self) -> &'static str {
        match self {
            Need::Arguments => "arguments",
            Need::Environment => "environment variables",
            Need::Stdin => "standard input",
            Need::Stdout => "standard output",
            Need::Stderr => "standard error",
            Need::Directories => "files and directories",
            Need::Network => "the network",
            Need::Names => "name look-up",
            Need::Requests => "requests over HTTP",
            Need::Clock => "clocks",
            Need::Randomness => "randomness",
            Need::Exit => "an exit code",
        }
    }
}

impl fmt::Display for Need {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.what())?;
        match self.grant() {
            Some(grant) => write!(formatter, " ({grant})"),
            None => Ok(()),
        }
    }
}

/// What a guest's imports say of it. It *may* use these things; whether it does only running shows. A program
/// written in Rust or C imports nearly everything for its standard library's sake.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Needs {
    /// What it may use of what this crate grants.
    pub may_use: BTreeSet<Need>,
    /// Imports of WASI that this crate does not serve: other versions, other proposals, `wasi:http` without the feature `http`, and the
    /// sockets of WASI 0.1, which a host would have to hand over.
    pub unserved: BTreeSet<String>,
    /// Imports that are not of WASI at all.
    pub not_wasi: BTreeSet<String>,
}

/// Sorts a guest's imports by what they need.
///
/// A component's imports are named as they are: `wasi:filesystem/types@0.2.6`. Those of a core module are named by
/// module and name with a dot between: `wasi_snapshot_preview1.path_open`.
///
/// ```
/// use host_wasi::{Need, needs};
///
/// let found = needs(["wasi:clocks/wall-clock@0.2.3", "my:app/log"]);
/// assert!(found.may_use.contains(&Need::Clock));
/// assert!(found.not_wasi.contains("my:app/log"));
/// ```
pub fn needs(imports: impl IntoIterator<Item = impl AsRef<str>>) -> Needs {
    let mut found = Needs::default();
    for import in imports {
        let import = import.as_ref();
        match of_import(import) {
            Import::Served(needed) => found.may_use.extend(needed),
            Import::Unserved => {
                found.unserved.insert(import.to_owned());
            }
            Import::NotWasi => {
                found.not_wasi.insert(import.to_owned());
            }
        }
    }
    found
}

/// What one import is.
pub(crate) enum Import {
    /// WASI that needs these; nothing, perhaps.
    Served(&'static [Need]),
    /// WASI that is not served.
    Unserved,
    /// Something else.
    NotWasi,
}

pub(crate) fn of_import(import: &str) -> Import {
    let needed = if let Some(function) = import.strip_prefix("wasi_snapshot_preview1.") {
        of_function(function)
    } else if let Some(interface) = import.strip_prefix("wasi:") {
        of_interface(interface)
    } else if import.starts_with("wasi_") {
        None
    } else {
        return Import::NotWasi;
    };
    needed.map_or(Import::Unserved, Import::Served)
}

/// What a function of WASI 0.1 needs, or `None` if it is not served.
fn of_function(function: &str) -> Option<&'static [Need]> {
    Some(match function {
        "args_get" | "args_sizes_get" => &[Need::Arguments],
        "environ_get" | "environ_sizes_get" => &[Need::Environment],
        "clock_res_get" | "clock_time_get" | "poll_oneoff" => &[Need::Clock],
        "random_get" => &[Need::Randomness],
        "proc_exit" => &[Need::Exit],
        "fd_read" => &[Need::Stdin],
        "fd_write" => &[Need::Stdout, Need::Stderr],
        // These work on whatever is open, standard streams too.
        "fd_close"
        | "fd_fdstat_get"
        | "fd_fdstat_set_flags"
        | "fd_fdstat_set_rights"
        | "fd_renumber"
        | "fd_seek"
        | "fd_tell"
        | "proc_raise"
        | "sched_yield" => &[],
        _ if function.starts_with("fd_") || function.starts_with("path_") => &[Need::Directories],
        _ => return None,
    })
}

/// What an interface, such as `cli/stdin@0.2.6`, needs, or `None` if it is not served.
fn of_interface(interface: &str) -> Option<&'static [Need]> {
    let (interface, version) = interface.split_once('@')?;
    if version.starts_with("0.2.") {
        of_interface_2(interface)
    } else if cfg!(feature = "p3") && version.starts_with("0.3.") && !version.contains('-') {
        of_interface_3(interface)
    } else {
        None
    }
}

/// What an interface of WASI 0.2 needs, or `None` if it is not served.
fn of_interface_2(interface: &str) -> Option<&'static [Need]> {
    Some(match interface {
        "io/error" | "io/poll" | "io/streams" => &[],
        "clocks/wall-clock" => &[Need::Clock],
        #[cfg(feature = "http")]
        "http/outgoing-handler" => &[Need::Requests],
        "sockets/instance-network" | "sockets/network" => &[],
        "sockets/tcp" | "sockets/tcp-create-socket" | "sockets/udp" | "sockets/udp-create-socket" => {
            &[Need::Network]
        }
        _ => return of_interface_of_both(interface),
    })
}

/// What an interface of WASI 0.3 needs, or `None` if it is not served.
fn of_interface_3(interface: &str) -> Option<&'static [Need]> {
    Some(match interface {
        "cli/types" | "clocks/types" => &[],
        "clocks/system-clock" => &[Need::Clock],
        "sockets/types" => &[Need::Network],
        #[cfg(feature = "http")]
        "http/client" => &[Need::Requests],
        _ => return of_interface_of_both(interface),
    })
}

/// What an interface needs that WASI 0.2 and 0.3 both have.
fn of_interface_of_both(interface: &str) -> Option<&'static [Need]> {
    Some(match interface {
        "cli/environment" => &[Need::Arguments, Need::Environment],
        "cli/exit" => &[Need::Exit],
        "cli/stdin" | "cli/terminal-stdin" => &[Need::Stdin],
        "cli/stdout" | "cli/terminal-stdout" => &[Need::Stdout],
        "cli/stderr" | "cli/terminal-stderr" => &[Need::Stderr],
        "cli/terminal-input" | "cli/terminal-output" => &[],
        "clocks/monotonic-clock" => &[Need::Clock],
        "random/random" | "random/insecure" | "random/insecure-seed" => &[Need::Randomness],
        "filesystem/preopens" | "filesystem/types" => &[Need::Directories],
        "sockets/ip-name-lookup" => &[Need::Names],
        #[cfg(feature = "http")]
        "http/types" => &[],
        _ => return None,
    })
}
