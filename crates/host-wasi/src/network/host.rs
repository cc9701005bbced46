//! Whom does a rule let a guest reach, and on which ports?

use std::fmt;
use std::net::{IpAddr, Ipv6Addr};
use std::str::FromStr;

use ipnet::IpNet;

use super::NamePattern;
use super::address::{self, Class};
use super::name;

/// The host part of a [`NetworkRule`](crate::NetworkRule).
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Host {
    /// `*`: any public address of the Internet. Loopback, private, link-local, multicast, reserved and documentation
    /// addresses are not among them, nor is a cloud's metadata service: what a guest may reach of those is named.
    Public,
    /// This one address.
    Address(IpAddr),
    /// `10.0.0.0/8`, `[fd00::/8]`: the addresses that begin with these bits. A special address is among them only if
    /// the whole network lies within its special range, and a metadata service only if it is named by itself.
    Network(IpNet),
    /// `example.org`, `*.example.org`: whatever public address a look-up of such a name has given the guest. The name
    /// `localhost`, and those that end in it, stand for this machine instead, its loopback addresses.
    Name(NamePattern),
}

impl Host {
    /// Whether an address is covered that the guest knows from looking up `names`.
    pub(crate) fn covers<'a>(&self, ip: IpAddr, mut names: impl Iterator<Item = &'a str>) -> bool {
        let public = || address::classify(ip) == Class::Public;
        match self {
            Host::Public => public(),
            Host::Address(named) => is_named(*named, ip),
            Host::Network(network) if network.prefix_len() == network.max_prefix_len() => {
                is_named(network.addr(), ip)
            }
            Host::Network(network) => {
                let inside =
                    network.contains(&ip.to_canonical()) || network.contains(&address::unwrapped(ip));
                inside
                    && match address::classify(ip) {
                        Class::Public => true,
                        Class::Special(range) => range.contains(network),
                        Class::Metadata => false,
                    }
            }
            Host::Name(pattern) => names.any(|name| {
                let fits = if name::is_localhost(name) { address::is_loopback(ip) } else { public() };
                fits && pattern.matches(name)
            }),
        }
    }

    /// Whether a name is one that the rule is about.
    pub(crate) fn names(&self, name: &str) -> bool {
        matches!(self, Host::Name(pattern) if pattern.matches(name))
    }
}

fn is_named(named: IpAddr, ip: IpAddr) -> bool {
    named.to_canonical() == ip.to_canonical() || named.to_canonical() == address::unwrapped(ip)
}

impl FromStr for Host {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Host::Public);
        }
        if text.is_empty() {
            return Err("the host is missing: write a name, an address or `*`".to_owned());
        }
        if let Some(inside) = text.strip_prefix('[') {
            let Some(inside) = inside.strip_suffix(']') else {
                return Err(format!("the bracket of {text:?} is not closed: write `[::1]` or `[fd00::/8]`"));
            };
            if inside.contains('%') {
                return Err(format!(
                    "{text:?} has a zone, which only this machine knows: write the address without"
                ));
            }
            if let Some((address, prefix)) = inside.split_once('/') {
                let address: Result<Ipv6Addr, _> = address.parse();
                return match address {
                    Ok(address) => network(address.into(), prefix),
                    Err(_) => Err(format!("{text:?} is no IPv6 network: write it as `[fd00::/8]`")),
                };
            }
            return match inside.parse() {
                Ok(address) => Ok(Host::Address(IpAddr::V6(address))),
                Err(_) => Err(format!("{text:?} is no IPv6 address: write it as `[::1]`")),
            };
        }
        if text.contains(':') {
            return Err(format!("an IPv6 address stands in brackets: write `[{text}]`"));
        }
        if let Some((address, prefix)) = text.split_once('/') {
            return match address.parse() {
                Ok(address) => network(IpAddr::V4(address), prefix),
                Err(_) => Err(format!("{text:?} is no network: write it as `10.0.0.0/8`")),
            };
        }
        match text.parse() {
            Ok(address) => Ok(Host::Address(IpAddr::V4(address))),
            Err(_) => Ok(Host::Name(text.parse()?)),
        }
    }
}

fn network(address: IpAddr, prefix: &str) -> Result<Host, String> {
    let most = if address.is_ipv4() { 32 } else { 128 };
    let length = digits(prefix).and_then(|length| u8::try_from(length).ok()).filter(|length| *length <= most);
    let Some(network) = length.and_then(|length| IpNet::new(address, length).ok()) else {
        return Err(format!("/{prefix} is no length of a network: write 0 to {most}"));
    };
    if network.trunc() != network {
        return Err(format!(
            "{network} has bits set behind its first {}: write {}",
            network.prefix_len(),
            network.trunc()
        ));
    }
    Ok(Host::Network(network))
}

/// A number without a sign or a needless zero: what it was written as is what is shown.
fn digits(text: &str) -> Option<u16> {
    let plain = text.bytes().all(|byte| byte.is_ascii_digit()) && (text == "0" || !text.starts_with('0'));
    if plain { text.parse().ok() } else { None }
}

impl fmt::Display for Host {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Public => formatter.write_str("*"),
            Host::Address(IpAddr::V4(address)) => write!(formatter, "{address}"),
            Host::Address(IpAddr::V6(address)) => write!(formatter, "[{address}]"),
            Host::Network(IpNet::V4(network)) => write!(formatter, "{network}"),
            Host::Network(IpNet::V6(network)) => write!(formatter, "[{network}]"),
            Host::Name(pattern) => write!(formatter, "{pattern}"),
        }
    }
}

/// The ports of a [`NetworkRule`](crate::NetworkRule): `443`, `8000-8100`, or `*` for all.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Ports {
    pub(super) first: u16,
    pub(super) last: u16,
}

impl Ports {
    /// `*`: every port.
    pub const ALL: Self = Self { first: 1, last: u16::MAX };

    pub(crate) const fn one(port: u16) -> Self {
        Self { first: port, last: port }
    }

    /// Whether `port` is among them.
    pub fn contains(self, port: u16) -> bool {
        (self.first..=self.last).contains(&port)
    }
}

impl FromStr for Ports {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if text == "*" {
            return Ok(Self::ALL);
        }
        let port = |text: &str| match digits(text) {
            Some(0) => Err("port 0 is nobody's: write 1 to 65535, or `*` for all".to_owned()),
            Some(port) => Ok(port),
            None => Err(format!(
                "{text:?} is no port: write 1 to 65535, a range such as `8000-8100`, or `*` for all"
            )),
        };
        let Some((first, last)) = text.split_once('-') else { return Ok(Self::one(port(text)?)) };
        let (first, last) = (port(first)?, port(last)?);
        if first > last {
            return Err(format!("the ports {text:?} are the wrong way round: write `{last}-{first}`"));
        }
        Ok(Self { first, last })
    }
}

impl fmt::Display for Ports {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            &Self::ALL => formatter.write_str("*"),
            Self { first, last } if first == last => write!(formatter, "{first}"),
            Self { first, last } => write!(formatter, "{first}-{last}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Host, Ports};

    fn covers(host: &str, address: &str, names: &[&str]) -> bool {
        let host: Host = host.parse().unwrap();
        host.covers(address.parse().unwrap(), names.iter().copied())
    }

    #[test]
    fn special_addresses_are_covered_only_by_what_names_them() {
        let check =
            |host, address, expect| assert_eq!(covers(host, address, &[]), expect, "{host} {address}");
        check("*", "1.1.1.1", true);
        check("*", "127.0.0.1", false);
        check("*", "::ffff:10.0.0.1", false);
        check("127.0.0.1", "127.0.0.1", true);
        check("127.0.0.1", "::ffff:127.0.0.1", true);
        check("127.0.0.1", "127.0.0.2", false);
        check("127.0.0.0/8", "127.0.0.2", true);
        check("0.0.0.0/0", "1.1.1.1", true);
        for special in ["0.0.0.0", "10.0.0.1", "127.0.0.1", "169.254.1.1", "192.168.1.1", "224.0.0.1"] {
            check("0.0.0.0/0", special, false);
            check("[::/0]", special, false);
        }
        check("[::/0]", "2606:4700::1", true);
        check("[::/0]", "fd00::1", false);
        check("[fd00::/8]", "fd00::1", true);
        check("10.0.0.0/7", "10.0.0.1", false);
        check("10.0.0.0/7", "11.0.0.1", true);
        check("10.0.0.0/8", "10.9.8.7", true);
        check("10.0.0.0/8", "64:ff9b::a09:807", true);
        check("10.0.0.0/8", "2002:a09:807::1", true);
        check("[64:ff9b::/96]", "64:ff9b::1.1.1.1", true);
        check("[64:ff9b::/96]", "64:ff9b::10.0.0.1", false);
        check("[::ffff:0:0/96]", "10.0.0.1", false);
        check("[2002:a00:1::5]", "2002:a00:1::5", true);
        check("[2002:a00:1::5]", "2002:a00:1::6", false);
        check("[2002:a00:1::5]", "10.0.0.1", false);
    }

    #[test]
    fn a_metadata_service_is_reached_only_by_its_own_address() {
        let check =
            |host, address, expect| assert_eq!(covers(host, address, &["a.org"]), expect, "{host} {address}");
        for host in ["*", "0.0.0.0/0", "169.254.0.0/16", "169.254.169.0/24", "a.org"] {
            check(host, "169.254.169.254", false);
            check(host, "::ffff:169.254.169.254", false);
        }
        check("169.254.169.254", "169.254.169.254", true);
        check("169.254.169.254/32", "169.254.169.254", true);
        check("*", "168.63.129.16", false);
        check("168.63.129.0/24", "168.63.129.16", false);
        check("168.63.129.0/24", "168.63.129.17", true);
        check("[fd00::/8]", "fd00:ec2::254", false);
        check("[fd00:ec2::254]", "fd00:ec2::254", true);
        check("[fe80::/10]", "fe80::a9fe:a9fe", false);
        check("[fe80::/10]", "fe80::1", true);
        check("100.64.0.0/10", "100.100.100.200", false);
        check("192.0.0.0/24", "192.0.0.192", false);
    }

    #[test]
    fn a_name_covers_the_public_addresses_it_gave() {
        let check = |host, address, names, expect| {
            assert_eq!(covers(host, address, names), expect, "{host} {address}")
        };
        check("a.org", "1.1.1.1", &["a.org"], true);
        check("a.org", "1.1.1.1", &["b.org"], false);
        check("a.org", "1.1.1.1", &[], false);
        check("a.org", "10.0.0.1", &["a.org"], false);
        check("a.org", "127.0.0.1", &["a.org"], false);
        check("localhost", "127.0.0.1", &["localhost"], true);
        check("localhost", "::1", &["localhost"], true);
        check("*.localhost", "127.0.0.1", &["a.localhost"], true);
        check("localhost", "10.0.0.1", &["localhost"], false);
        check("localhost", "1.1.1.1", &["localhost"], false);
        check("*.org", "127.0.0.1", &["localhost.org"], false);
    }

    #[test]
    fn ports_are_one_a_range_or_all() {
        let contains = |ports: &str, port| ports.parse::<Ports>().unwrap().contains(port);
        assert!(contains("80", 80) && !contains("80", 81));
        assert!(contains("8000-8100", 8000) && contains("8000-8100", 8100));
        assert!(!contains("8000-8100", 7999) && !contains("8000-8100", 8101));
        assert!(contains("*", 1) && contains("*", 65535));
        assert_eq!("1-65535".parse::<Ports>().unwrap().to_string(), "*");
    }
}
