//! Which addresses may a guest reach?

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::str::FromStr;

use serde::de::{Deserialize, Deserializer, Error as _};
use serde::{Serialize, Serializer};
use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::sockets::SocketAddrUse;

/// One thing a guest may do in the network, written `dns`, `tcp://HOST:PORT` or `udp://HOST:PORT`.
///
/// HOST is an IP address (an IPv6 one in brackets) or `*` for any [public one](Host::Public); PORT is a number or
/// `*`. A rule lets the guest connect to an address, or send datagrams to it and receive its answers. No rule lets
/// a guest wait for connections of others.
///
/// ```
/// use host_wasi::NetworkRule;
///
/// let rule: NetworkRule = "tcp://127.0.0.1:8080".parse()?;
/// assert_eq!(rule.to_string(), "tcp://127.0.0.1:8080");
/// assert!("tcp://example.org:80".parse::<NetworkRule>().is_err());
/// # Ok::<(), host_wasi::NetworkRuleError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum NetworkRule {
    /// `dns`: look up any name. What is found can be reached only if another rule says so.
    Names,
    /// `tcp://HOST:PORT`: connect by TCP.
    Tcp {
        /// Whom to reach.
        host: Host,
        /// On which port; `None` is `*`, any.
        port: Option<u16>,
    },
    /// `udp://HOST:PORT`: exchange UDP datagrams.
    Udp {
        /// Whom to reach.
        host: Host,
        /// On which port; `None` is `*`, any.
        port: Option<u16>,
    },
}

/// The host part of a [`NetworkRule`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Host {
    /// `*`: any public address of the Internet. Loopback, private, link-local (a cloud's metadata service lives
    /// there), multicast and reserved addresses are not among them, nor is Azure's 168.63.129.16, a public number for
    /// its own services: one that a guest may reach is named.
    Public,
    /// This one address.
    Address(IpAddr),
}

/// A text that is not a network rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{rule:?} is not a network rule: {problem}; write `dns`, `tcp://HOST:PORT` or `udp://HOST:PORT`, \
     where HOST is an IP address or `*`, and PORT is 1 to 65535 or `*`"
)]
#[non_exhaustive]
pub struct NetworkRuleError {
    /// The text.
    pub rule: String,
    /// What is wrong with it.
    pub problem: &'static str,
}

/// Hands the rules to the context that is being built.
pub(crate) fn open(rules: &[NetworkRule], builder: &mut WasiCtxBuilder) {
    builder.allow_ip_name_lookup(rules.contains(&NetworkRule::Names));
    builder.allow_tcp(rules.iter().any(|rule| matches!(rule, NetworkRule::Tcp { .. })));
    builder.allow_udp(rules.iter().any(|rule| matches!(rule, NetworkRule::Udp { .. })));
    let rules = rules.to_vec();
    builder.socket_addr_check(move |address, purpose| {
        let allowed = allows(&rules, address, purpose);
        Box::pin(async move { allowed })
    });
}

fn allows(rules: &[NetworkRule], address: SocketAddr, purpose: SocketAddrUse) -> bool {
    match purpose {
        // To connect or to send, a socket is first bound to any address and any free port. That names nobody, and
        // without it nobody could be reached.
        SocketAddrUse::TcpBind | SocketAddrUse::UdpBind => {
            address.ip().is_unspecified() && address.port() == 0
        }
        SocketAddrUse::TcpConnect => rules.iter().any(|rule| match rule {
            NetworkRule::Tcp { host, port } => reaches(*host, *port, address),
            _ => false,
        }),
        SocketAddrUse::UdpSend | SocketAddrUse::UdpReceive => rules.iter().any(|rule| match rule {
            NetworkRule::Udp { host, port } => reaches(*host, *port, address),
            _ => false,
        }),
        SocketAddrUse::TcpListen | SocketAddrUse::TcpAccept => false,
    }
}

fn reaches(host: Host, port: Option<u16>, address: SocketAddr) -> bool {
    // `::ffff:10.0.0.1` is 10.0.0.1 in another dress.
    let ip = address.ip().to_canonical();
    let host_fits = match host {
        Host::Public => is_public(ip),
        Host::Address(allowed) => allowed.to_canonical() == ip,
    };
    host_fits && port.is_none_or(|port| port == address.port())
}

fn is_public(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => is_public_v4(ip),
        IpAddr::V6(ip) => is_public_v6(ip),
    }
}

fn is_public_v4(ip: Ipv4Addr) -> bool {
    let [a, b, c, _] = ip.octets();
    !(a == 0
        || ip.is_loopback()
        || ip.is_private()
        || ip.is_link_local()
        || ip.is_documentation()
        // Shared by a provider's customers, special purposes, benchmarks.
        || (a == 100 && (64..128).contains(&b))
        || (a, b, c) == (192, 0, 0)
        || (a == 198 && (b == 18 || b == 19))
        // Multicast, reserved, broadcast.
        || a >= 224
        // On every virtual machine of Azure, the host beneath it, which hands out the machine's configuration.
        || ip == Ipv4Addr::new(168, 63, 129, 16))
}

fn is_public_v6(ip: Ipv6Addr) -> bool {
    let segments = ip.segments();
    // Of all addresses only 2000::/3 is handed out for public use, and some of that is for protocols or for
    // documentation, or wraps an IPv4 address that would have to be judged in turn (Teredo, 6to4).
    segments[0] & 0xe000 == 0x2000
        && !matches!(segments, [0x2001, 0..=0x01ff | 0x0db8, ..] | [0x2002, ..] | [0x3fff, 0..=0x0fff, ..])
}

impl FromStr for NetworkRule {
    type Err = NetworkRuleError;

    fn from_str(rule: &str) -> Result<Self, NetworkRuleError> {
        let failed = |problem| NetworkRuleError { rule: rule.to_owned(), problem };
        if rule == "dns" {
            return Ok(NetworkRule::Names);
        }
        let (protocol, address) = rule.split_once("://").ok_or(failed("the protocol is missing"))?;
        let (host, port) = address.rsplit_once(':').ok_or(failed("the port is missing"))?;
        let host = parse_host(host).map_err(failed)?;
        let port = match port {
            "*" => None,
            number => match number.parse() {
                // `parse` would take a sign, too.
                Ok(port) if port > 0 && !number.starts_with('+') => Some(port),
                _ => return Err(failed("the port is wrong")),
            },
        };
        match protocol {
            "tcp" => Ok(NetworkRule::Tcp { host, port }),
            "udp" => Ok(NetworkRule::Udp { host, port }),
            _ => Err(failed("the protocol is not known")),
        }
    }
}

fn parse_host(host: &str) -> Result<Host, &'static str> {
    if host == "*" {
        return Ok(Host::Public);
    }
    if let Some(inside) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
        return match inside.parse() {
            Ok(address) => Ok(Host::Address(IpAddr::V6(address))),
            Err(_) => Err("the host is not an IPv6 address"),
        };
    }
    if host.contains(':') {
        return Err("an IPv6 address stands in brackets, as in `[::1]`");
    }
    match host.parse() {
        Ok(address) => Ok(Host::Address(IpAddr::V4(address))),
        Err(_) => Err("the host is not an IP address"),
    }
}

impl fmt::Display for NetworkRule {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (protocol, host, port) = match self {
            NetworkRule::Names => return formatter.write_str("dns"),
            NetworkRule::Tcp { host, port } => ("tcp", host, port),
            NetworkRule::Udp { host, port } => ("udp", host, port),
        };
        write!(formatter, "{protocol}://")?;
        match host {
            Host::Public => formatter.write_str("*")?,
            Host::Address(IpAddr::V4(address)) => write!(formatter, "{address}")?,
            Host::Address(IpAddr::V6(address)) => write!(formatter, "[{address}]")?,
        }
        match port {
            Some(port) => write!(formatter, ":{port}"),
            None => formatter.write_str(":*"),
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
    use super::{NetworkRule, SocketAddrUse, allows, is_public};

    fn allowed(rules: &[&str], address: &str, purpose: SocketAddrUse) -> bool {
        let rules: Vec<NetworkRule> = rules.iter().map(|rule| rule.parse().unwrap()).collect();
        allows(&rules, address.parse().unwrap(), purpose)
    }

    #[test]
    fn a_rule_names_protocol_host_and_port() {
        use SocketAddrUse::{TcpConnect, UdpReceive, UdpSend};
        let check = |rule, address, purpose, expect| {
            assert_eq!(allowed(&[rule], address, purpose), expect, "{rule} {address} {purpose:?}");
        };
        check("tcp://127.0.0.1:80", "127.0.0.1:80", TcpConnect, true);
        check("tcp://127.0.0.1:80", "[::ffff:127.0.0.1]:80", TcpConnect, true);
        check("tcp://127.0.0.1:80", "127.0.0.1:81", TcpConnect, false);
        check("tcp://127.0.0.1:80", "127.0.0.2:80", TcpConnect, false);
        check("tcp://127.0.0.1:80", "127.0.0.1:80", UdpSend, false);
        check("tcp://127.0.0.1:*", "127.0.0.1:81", TcpConnect, true);
        check("tcp://[::1]:80", "[::1]:80", TcpConnect, true);
        check("udp://1.1.1.1:53", "1.1.1.1:53", UdpSend, true);
        check("udp://1.1.1.1:53", "1.1.1.1:53", UdpReceive, true);
        check("udp://1.1.1.1:53", "1.1.1.1:54", UdpReceive, false);
        check("tcp://*:443", "93.184.216.34:443", TcpConnect, true);
        check("tcp://*:443", "93.184.216.34:80", TcpConnect, false);
        check("tcp://*:*", "127.0.0.1:80", TcpConnect, false);
        check("tcp://*:*", "[::ffff:169.254.169.254]:80", TcpConnect, false);
        check("dns", "93.184.216.34:443", TcpConnect, false);
    }

    #[test]
    fn a_client_may_bind_but_nobody_may_listen() {
        use SocketAddrUse::{TcpAccept, TcpBind, TcpListen, UdpBind};
        let rules = ["tcp://127.0.0.1:80", "udp://127.0.0.1:80"];
        assert!(allowed(&rules, "0.0.0.0:0", TcpBind));
        assert!(allowed(&rules, "[::]:0", UdpBind));
        assert!(!allowed(&rules, "0.0.0.0:80", TcpBind));
        assert!(!allowed(&rules, "127.0.0.1:0", UdpBind));
        assert!(!allowed(&rules, "0.0.0.0:0", TcpListen));
        assert!(!allowed(&rules, "127.0.0.1:80", TcpAccept));
    }

    #[test]
    fn only_public_addresses_are_public() {
        for public in ["1.1.1.1", "93.184.216.34", "100.63.0.1", "2606:4700::1111", "2001:4860:4860::8888"] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        let others = "0.0.0.0 0.1.2.3 10.1.2.3 100.64.0.1 127.0.0.1 169.254.169.254 172.16.0.1 192.0.0.1 192.0.2.1 \
             192.168.0.1 198.18.0.1 198.51.100.1 203.0.113.1 224.0.0.1 240.0.0.1 255.255.255.255 :: ::1 fe80::1 \
             fc00::1 fd00:ec2::254 168.63.129.16 ff02::1 64:ff9b::a00:1 2001:db8::1 2001::1 2002:a00:1::1 3fff::1 ::10.0.0.1";
        for other in others.split_whitespace() {
            assert!(!is_public(other.parse().unwrap()), "{other}");
        }
    }
}
