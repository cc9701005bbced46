//! Does one rule allow everything that another does?

use std::iter::empty;

use ipnet::IpNet;

use super::{Host, NetworkRule, Ports, address};

impl NetworkRule {
    /// Whether `other` allows nothing that this rule does not: it is the same, or narrower. Only what is certain
    /// counts; in doubt it is not covered.
    ///
    /// ```
    /// use host_wasi::NetworkRule;
    ///
    /// let rule = |text: &str| text.parse::<NetworkRule>();
    /// assert!(rule("tcp://*:*")?.covers(&rule("tcp://1.1.1.1:443")?));
    /// assert!(!rule("tcp://*:*")?.covers(&rule("tcp://127.0.0.1:443")?));
    /// # Ok::<(), host_wasi::NetworkRuleError>(())
    /// ```
    pub fn covers(&self, other: &NetworkRule) -> bool {
        use NetworkRule::{Http, Name, Names, Tcp, Udp};
        match (self, other) {
            (Names, Names | Name(_)) => true,
            (Name(wide), Name(narrow)) => wide.includes(narrow),
            (Tcp { host: wide, ports }, Tcp { host: narrow, ports: narrow_ports })
            | (Udp { host: wide, ports }, Udp { host: narrow, ports: narrow_ports }) => {
                ports.include(*narrow_ports) && wide.includes(narrow)
            }
            (
                Http { secure, host: wide, ports, path },
                Http { secure: narrow_secure, host: narrow, ports: narrow_ports, path: narrow_path },
            ) => {
                let any_name = |host: &Host| matches!(host, Host::Name(name) if !name.may_be_localhost());
                secure == narrow_secure
                    && ports.include(*narrow_ports)
                    && path.includes(narrow_path)
                    // Here `*` stands for any name, too, which is looked up by the host itself.
                    && (wide.includes(narrow) || (*wide == Host::Public && any_name(narrow)))
            }
            _ => false,
        }
    }

    /// Whether these rules together allow everything that this one does: one of them does, or one lets the guest
    /// look up the name and another reach whatever public address comes of it.
    pub(crate) fn is_covered_by(&self, rules: &[NetworkRule]) -> bool {
        let any = |narrow: &NetworkRule| rules.iter().any(|rule| rule.covers(narrow));
        let public = |host: &Host, with: &dyn Fn(Host) -> NetworkRule| match host {
            Host::Name(name) if !name.may_be_localhost() => {
                any(&NetworkRule::Name(name.clone())) && any(&with(Host::Public))
            }
            _ => false,
        };
        any(self)
            || match self {
                NetworkRule::Tcp { host, ports } => {
                    public(host, &|host| NetworkRule::Tcp { host, ports: *ports })
                }
                NetworkRule::Udp { host, ports } => {
                    public(host, &|host| NetworkRule::Udp { host, ports: *ports })
                }
                _ => false,
            }
    }

    /// Whether the rule lets a guest look up a name.
    pub(crate) fn looks_up(&self) -> bool {
        match self {
            NetworkRule::Names | NetworkRule::Name(_) => true,
            NetworkRule::Tcp { host, .. } | NetworkRule::Udp { host, .. } => matches!(host, Host::Name(_)),
            NetworkRule::Http { .. } => false,
        }
    }

    /// Whether the rule lets a guest reach an address by a socket.
    pub(crate) fn reaches(&self) -> bool {
        matches!(self, NetworkRule::Tcp { .. } | NetworkRule::Udp { .. })
    }

    /// Whether the rule lets a guest send requests.
    pub(crate) fn asks(&self) -> bool {
        matches!(self, NetworkRule::Http { .. })
    }
}

impl Host {
    fn includes(&self, other: &Host) -> bool {
        let single = |network: &IpNet| network.prefix_len() == network.max_prefix_len();
        match (self, other) {
            (Host::Public, Host::Public) => true,
            (_, Host::Address(ip)) => self.covers(*ip, empty()),
            (_, Host::Network(network)) if single(network) => self.covers(network.addr(), empty()),
            // What is special in the narrow network is so in the wide one only if both lie in the same range.
            (Host::Network(wide), Host::Network(narrow)) => {
                !single(wide)
                    && wide.contains(narrow)
                    && address::special_around(narrow).all(|range| range.contains(wide))
            }
            (Host::Public, Host::Network(narrow)) => address::special_around(narrow).next().is_none(),
            (Host::Name(wide), Host::Name(narrow)) => wide.includes(narrow),
            _ => false,
        }
    }
}

impl Ports {
    fn include(self, other: Ports) -> bool {
        self.first <= other.first && other.last <= self.last
    }
}

#[cfg(all(test, feature = "http"))]
mod random_tests;
#[cfg(test)]
mod tests;
