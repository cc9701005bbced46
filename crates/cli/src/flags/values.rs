//! The values of options: directories, variables, fuel and times, as they are written on a command line.

use std::convert::Infallible;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use host_plugins::host_limits::Limits;
use host_plugins::host_wasi::Access;

/// A directory that the program sees.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Dir {
    pub(crate) host: PathBuf,
    pub(crate) guest: String,
    pub(crate) access: Access,
}

impl FromStr for Dir {
    type Err = String;

    fn from_str(text: &str) -> Result<Dir, String> {
        let (paths, access) = match text.strip_suffix(":ro") {
            Some(paths) => (paths, Access::ReadOnly),
            None => (text, Access::ReadWrite),
        };
        let (host, guest) = paths.split_once("::").unwrap_or((paths, paths));
        if host.is_empty() || guest.is_empty() {
            return Err("write HOST, HOST::GUEST or either with :ro, such as ./data::/data:ro".to_owned());
        }
        if guest.split('/').any(|part| part == "..") {
            return Err(format!(
                "a program cannot see a path with `..`; name one for it, such as {host}::data"
            ));
        }
        Ok(Dir { host: host.into(), guest: guest.to_owned(), access })
    }
}

/// An environment variable: with a value, or one of ours that is passed on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Variable {
    pub(crate) name: String,
    pub(crate) value: Option<String>,
}

impl FromStr for Variable {
    type Err = Infallible;

    fn from_str(text: &str) -> Result<Variable, Infallible> {
        Ok(match text.split_once('=') {
            Some((name, value)) => Variable { name: name.to_owned(), value: Some(value.to_owned()) },
            None => Variable { name: text.to_owned(), value: None },
        })
    }
}

/// A fuel budget; `None` does not meter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fuel(pub(crate) Option<u64>);

impl FromStr for Fuel {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Fuel, Self::Err> {
        if text == "unlimited" {
            return Ok(Fuel(None));
        }
        match text.replace('_', "").parse() {
            Ok(fuel) => Ok(Fuel(Some(fuel))),
            Err(_) => Err("write a whole number of fuel units from 0 up, or unlimited"),
        }
    }
}

/// A time as a policy writes it: read by the same code, so that both take the same.
pub(crate) fn timeout(text: &str) -> Result<Duration, String> {
    let limits: Result<Limits, _> = serde_json::from_value(serde_json::json!({ "deadline": text }));
    limits.map(|limits| limits.deadline).map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directories_are_read_as_the_wasmtime_command_reads_them() {
        let dir = |text: &str| text.parse::<Dir>();
        let is =
            |host: &str, guest: &str, access| Ok(Dir { host: host.into(), guest: guest.to_owned(), access });
        assert_eq!(dir("data"), is("data", "data", Access::ReadWrite));
        assert_eq!(dir("data:ro"), is("data", "data", Access::ReadOnly));
        assert_eq!(dir("../data::/d"), is("../data", "/d", Access::ReadWrite));
        assert_eq!(dir("../data::/d:ro"), is("../data", "/d", Access::ReadOnly));
        for wrong in ["", ":ro", "::", "a::", "::b", "../data", "a::b/../c"] {
            assert!(dir(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn fuel_and_times_are_those_of_a_policy() {
        assert_eq!("1_000".parse(), Ok(Fuel(Some(1000))));
        assert_eq!("unlimited".parse(), Ok(Fuel(None)));
        assert!("-1".parse::<Fuel>().is_err());
        assert_eq!(timeout("1m 30s"), Ok(Duration::from_secs(90)));
        assert!(timeout("2 fortnights").unwrap_err().contains("is not a time"));
    }
}
