//! What is a rule of the network, and how is it written?

use std::fmt;
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::{Serialize, Serializer};

use super::{Host, NamePattern, PathPattern, Ports};

/// One thing a guest may do in the network.
///
/// | rule | what the guest may do |
/// |---|---|
/// | `dns` | look up any name |
/// | `dns:NAME` | look up this name |
/// | `tcp://HOST:PORT` | connect |
/// | `udp://HOST:PORT` | send datagrams and receive the answers |
/// | `http://HOST:PORT/PATH`, `https://HOST:PORT/PATH` | send requests by `wasi:http`; without `:PORT` on port 80 or 443 |
///
/// NAME is `example.org`, or `*.example.org` for all names below it. HOST is a NAME, an address, a network (those of
/// IPv6 in brackets: `[::1]`, `[fd00::/8]`), or `*` for any [public](Host::Public) address. A `http` rule takes no
/// network of IPv4; its `*` stands for every name, too, which the host looks up to send the request. PORT is a
/// number, a range such as `8000-8100`, or `*`. PATH may end in `*`.
///
/// A `tcp` or `udp` rule with a NAME also lets the guest look it up, and then reach the public addresses that were
/// found, and no others; for a `http` rule the host does both. A name that leads to a private address or back to this
/// machine needs a rule for that address, too; for `wasi:http` that is a `tcp` rule beside the `http` one. Only
/// `localhost` is this machine by itself. Redirects are new requests, which need a rule of their own. No rule lets a
/// guest wait for connections of others.
///
/// ```
/// use host_wasi::NetworkRule;
///
/// let rule: NetworkRule = "tcp://*.example.org:443".parse()?;
/// assert_eq!(rule.to_string(), "tcp://*.example.org:443");
/// assert!("tcp://10.0.0.1/8:80".parse::<NetworkRule>().is_err());
/// # Ok::<(), host_wasi::NetworkRuleError>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NetworkRule {
    /// `dns`: look up any name. What is found can be reached only if another rule says so.
    Names,
    /// `dns:NAME`: look up such names.
    Name(NamePattern),
    /// `tcp://HOST:PORT`: connect by TCP.
    Tcp {
        /// Whom to reach.
        host: Host,
        /// On which ports.
        ports: Ports,
    },
    /// `udp://HOST:PORT`: exchange UDP datagrams.
    Udp {
        /// Whom to reach.
        host: Host,
        /// On which ports.
        ports: Ports,
    },
    /// `https://HOST:PORT/PATH`, `http://…`: send requests by `wasi:http`, which is there with the feature `http`.
    Http {
        /// Whether it is `https`.
        secure: bool,
        /// Whom to ask.
        host: Host,
        /// On which ports.
        ports: Ports,
        /// For what.
        path: PathPattern,
    },
}

/// A text that is not a network rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rule:?} is not a network rule: {problem}")]
#[non_exhaustive]
pub struct NetworkRuleError {
    /// The text.
    pub rule: String,
    /// What is wrong with it, and how to write it.
    pub problem: String,
}

/// The port of a URL that names none.
pub(crate) const fn usual_port(secure: bool) -> u16 {
    if secure { 443 } else { 80 }
}

impl FromStr for NetworkRule {
    type Err = NetworkRuleError;

    fn from_str(rule: &str) -> Result<Self, NetworkRuleError> {
        parse(rule).map_err(|problem| NetworkRuleError { rule: rule.to_owned(), problem })
    }
}

fn parse(rule: &str) -> Result<NetworkRule, String> {
    match rule {
        "dns" | "dns:*" => return Ok(NetworkRule::Names),
        _ => {}
    }
    let Some((protocol, rest)) = rule.split_once("://") else {
        return match rule.strip_prefix("dns:") {
            Some(name) => Ok(NetworkRule::Name(name.parse()?)),
            None => Err(
                "the protocol is missing: write `dns`, `dns:NAME`, `tcp://HOST:PORT`, `udp://HOST:PORT` or \
                 `https://HOST/PATH`"
                    .to_owned(),
            ),
        };
    };
    match protocol {
        "tcp" | "udp" => {
            let (host, ports) = host_and_ports(rest)?;
            let Some(ports) = ports else {
                return Err(format!("the port is missing: write `{protocol}://{host}:443`, or `:*` for all"));
            };
            Ok(match protocol {
                "tcp" => NetworkRule::Tcp { host, ports },
                _ => NetworkRule::Udp { host, ports },
            })
        }
        "http" | "https" => url(protocol == "https", rest),
        "dns" => Err(format!("a name to look up has no slashes: write `dns:{rest}`")),
        _ => Err(format!(
            "the protocol {protocol:?} is not known: write `dns`, `tcp`, `udp`, `http` or `https`"
        )),
    }
}

fn url(secure: bool, rest: &str) -> Result<NetworkRule, String> {
    let path_from = match rest.strip_prefix('[').and_then(|inside| inside.find(']')) {
        // A network in brackets has a slash of its own.
        Some(end) => rest[end..].find(['/', '?', '#']).map(|at| end + at),
        None => rest.find(['/', '?', '#']),
    };
    let (authority, path) = rest.split_at(path_from.unwrap_or(rest.len()));
    if authority.contains('@') {
        return Err("a rule has no user and no password: leave out what stands before the `@`".to_owned());
    }
    let (host, ports) = host_and_ports(authority)?;
    let path = path.parse()?;
    let ports = ports.unwrap_or(Ports::one(usual_port(secure)));
    Ok(NetworkRule::Http { secure, host, ports, path })
}

fn host_and_ports(text: &str) -> Result<(Host, Option<Ports>), String> {
    match text.rsplit_once(':') {
        // Not a colon within an address.
        Some((host, ports)) if !ports.contains(']') => Ok((host.parse()?, Some(ports.parse()?))),
        _ => Ok((text.parse()?, None)),
    }
}

impl fmt::Display for NetworkRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NetworkRule::Names => formatter.write_str("dns"),
            NetworkRule::Name(pattern) => write!(formatter, "dns:{pattern}"),
            NetworkRule::Tcp { host, ports } => write!(formatter, "tcp://{host}:{ports}"),
            NetworkRule::Udp { host, ports } => write!(formatter, "udp://{host}:{ports}"),
            NetworkRule::Http { secure, host, ports, path } => {
                write!(formatter, "{}://{host}", if *secure { "https" } else { "http" })?;
                if *ports != Ports::one(usual_port(*secure)) {
                    write!(formatter, ":{ports}")?;
                }
                write!(formatter, "{path}")
            }
        }
    }
}

impl Serialize for NetworkRule {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for NetworkRule {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::NetworkRule;

    #[test]
    fn a_rule_is_shown_as_it_is_written() {
        let rules = "dns dns:example.org dns:*.example.org tcp://*:* tcp://example.org:443 tcp://*.example.org:1-1024 \
            tcp://127.0.0.1:80 tcp://10.0.0.0/8:5432 udp://[fd00::/8]:53 udp://[::1]:53 tcp://[::ffff:10.0.0.1]:80 \
            tcp://0.0.0.0/0:80 https://example.org/ https://example.org/* https://example.org/v1/* \
            https://example.org:8443/v1/items http://localhost:8080/* http://*/* http://*.example.org:8000-8100/a%20b \
            http://[::1]:8080/* http://[fd00::/8]/* http://127.0.0.1:*/*";
        for text in rules.split_whitespace() {
            let rule: NetworkRule = text.parse().unwrap();
            assert_eq!(rule.to_string(), text);
            let json = serde_json::to_string(&rule).unwrap();
            assert_eq!(serde_json::from_str::<NetworkRule>(&json).unwrap(), rule);
        }
        for (text, shown) in [
            ("dns:*", "dns"),
            ("dns:Example.ORG", "dns:example.org"),
            ("tcp://*:1-65535", "tcp://*:*"),
            ("tcp://*:80-80", "tcp://*:80"),
            ("https://example.org:443/", "https://example.org/"),
            ("tcp://[0:0::1]:80", "tcp://[::1]:80"),
        ] {
            assert_eq!(text.parse::<NetworkRule>().unwrap().to_string(), shown);
        }
    }

    #[test]
    fn a_wrong_rule_is_told_with_the_right_form() {
        let check = |rule: &str, says: &str| {
            let error = rule.parse::<NetworkRule>().unwrap_err();
            assert!(error.problem.contains(says), "{rule}: {}", error.problem);
            assert!(error.to_string().starts_with(&format!("{rule:?} is not a network rule: ")), "{error}");
        };
        check("", "the protocol is missing");
        check("example.org:80", "the protocol is missing");
        check("DNS", "the protocol is missing");
        check("ftp://example.org:21", "\"ftp\" is not known");
        check("TCP://example.org:21", "\"TCP\" is not known");
        check("dns://example.org", "`dns:example.org`");
        check("dns:", "is no name");
        check("dns:1.1.1.1", "IPv4 address");
        check("tcp://example.org", "`tcp://example.org:443`");
        check("tcp://[::1]", "`tcp://[::1]:443`");
        check("tcp://10.0.0.0/8", "`tcp://10.0.0.0/8:443`");
        check("tcp://:80", "the host is missing");
        check("tcp://::1:80", "`[::1]`");
        check("tcp://[::1:80", "is not closed");
        check("tcp://[127.0.0.1]:80", "`[::1]`");
        check("tcp://[fe80::1%eth0]:80", "zone");
        check("tcp://10.0.0.1/8:80", "write 10.0.0.0/8");
        check("tcp://[fd00::1/8]:80", "write fd00::/8");
        for length in ["33", "-1", "+8", "08", "", "x", "8/8"] {
            check(&format!("tcp://10.0.0.0/{length}:80"), "write 0 to 32");
        }
        check("tcp://[fd00::/129]:80", "write 0 to 128");
        check("tcp://example.org/8:80", "`10.0.0.0/8`");
        check("tcp://[example.org/8]:80", "`[fd00::/8]`");
        check("tcp://a.org:0", "port 0");
        check("tcp://a.org:0-80", "port 0");
        check("tcp://a.org:81-80", "`80-81`");
        for ports in ["", "x", "+80", "-80", "080", "65536", "80-", "80/", "1-2-3", "**"] {
            check(&format!("tcp://a.org:{ports}"), "is no port");
        }
        check("tcp://a@example.org:80", "is no name");
        check("tcp://0x7f.1:80", "`127.0.0.1`");
        check("tcp://127.1:80", "`127.0.0.1`");
        check("tcp://017700000001:80", "`127.0.0.1`");
        check("tcp://256.1.1.1:80", "is no name");
        check("tcp://a.*.org:80", "`*.example.org`");
        check("https://example.org", "`/*`");
        check("https://example.org:443", "`/*`");
        check("https:///*", "the host is missing");
        check("https://user:password@example.org/*", "no user and no password");
        check("https://example.org/*?a=b", "no query");
        check("https://example.org?a=b", "path is missing");
        check("https://example.org/#top", "no fragment");
        check("https://example.org/a/../b", "\"/b\"");
        check("https://example.org:0/", "port 0");
        check("https://2130706433/", "`127.0.0.1`");
    }
}
