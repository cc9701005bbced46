//! May the guest send this request, and to which of the addresses that its host has?

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use url::{Host as UrlHost, Position, Url};

use super::address::{self, Class};
use super::{Host, LookUpError, NetworkPolicy, NetworkRule, name};

/// Where a request goes: its URL, in the one form in which it is checked and sent.
#[derive(Clone, Debug)]
pub(crate) struct Target {
    url: Url,
    host: TargetHost,
    pub(crate) port: u16,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum TargetHost {
    Name(String),
    Address(IpAddr),
}

impl Target {
    /// Reads a URL as browsers do, so that `.` and `..` are gone and a host that can be read as an address is one.
    /// `None` if it is not one of `http` or `https`, or holds a user or a password.
    pub(crate) fn new(url: &str) -> Option<Self> {
        let url = Url::parse(url).ok()?;
        let usable =
            matches!(url.scheme(), "http" | "https") && url.username().is_empty() && url.password().is_none();
        let host = match url.host()? {
            UrlHost::Domain(domain) => TargetHost::Name(name::normal(domain)?),
            UrlHost::Ipv4(address) => TargetHost::Address(address.into()),
            UrlHost::Ipv6(address) => TargetHost::Address(address.into()),
        };
        let port = url.port_or_known_default().filter(|port| *port > 0)?;
        usable.then_some(Self { url, host, port })
    }

    pub(crate) fn secure(&self) -> bool {
        self.url.scheme() == "https"
    }

    pub(crate) fn host(&self) -> &TargetHost {
        &self.host
    }

    /// The host, and the port if it is not the usual one.
    pub(crate) fn authority(&self) -> String {
        let host = match &self.host {
            TargetHost::Name(name) => name.clone(),
            TargetHost::Address(address) => Host::Address(*address).to_string(),
        };
        match self.url.port() {
            Some(port) => format!("{host}:{port}"),
            None => host,
        }
    }

    /// The path, and the query if there is one.
    pub(crate) fn path_and_query(&self) -> &str {
        &self.url[Position::BeforePath..Position::AfterQuery]
    }

    /// The rule that would allow it: for this path, or for all if this one cannot be named.
    fn rule(&self) -> String {
        let front = format!("{}://{}", self.url.scheme(), self.authority());
        let rule = format!("{front}{}", self.url.path());
        if rule.parse::<NetworkRule>().is_ok() { rule } else { format!("{front}/*") }
    }
}

impl NetworkPolicy {
    /// Whether a rule covers the request itself; where its host leads is asked [then](Self::addresses).
    pub(crate) fn allows_request(&self, target: &Target) -> bool {
        let allowed = self.hosts(target).any(|host| match &target.host {
            TargetHost::Name(name) => *host == Host::Public || host.names(name),
            TargetHost::Address(ip) => host.covers(*ip, std::iter::empty()),
        });
        if !allowed {
            let asked = format!("to send a request to {}", &target.url[..Position::AfterPath]);
            self.denials.record(asked, format!("network = [{:?}]", target.rule()));
        }
        allowed
    }

    /// The hosts that rules open for a request such as this one.
    fn hosts(&self, target: &Target) -> impl Iterator<Item = &Host> {
        self.rules.iter().filter_map(|rule| match rule {
            NetworkRule::Http { secure, host, ports, path } => {
                let fits = *secure == target.secure()
                    && ports.contains(target.port)
                    && path.matches(target.url.path());
                fits.then_some(host)
            }
            _ => None,
        })
    }

    /// The addresses of a request that is allowed: those that it may go to, which are none if all are refused.
    pub(crate) async fn addresses(self: Arc<Self>, target: &Target) -> Result<Vec<SocketAddr>, LookUpError> {
        let name = match &target.host {
            TargetHost::Name(name) => name,
            TargetHost::Address(address) => return Ok(vec![SocketAddr::new(*address, target.port)]),
        };
        let found = self.clone().resolve(name.clone()).await?;
        let addresses = found.into_iter().map(|address| SocketAddr::new(address.to_canonical(), target.port));
        Ok(addresses.filter(|address| self.allows_address(target, name, *address)).collect())
    }

    /// Whether the request may go to this address, which a look-up of `name` gave.
    fn allows_address(&self, target: &Target, name: &str, address: SocketAddr) -> bool {
        let ip = address.ip();
        let by_name = if name::is_localhost(name) {
            address::is_loopback(ip) && self.hosts(target).any(|host| host.names(name))
        } else {
            address::classify(ip) == Class::Public
        };
        let by_address = |rule: &NetworkRule| match rule {
            NetworkRule::Tcp { host, ports } => {
                ports.contains(address.port()) && host.covers(ip, std::iter::empty())
            }
            _ => false,
        };
        let allowed = by_name || self.rules.iter().any(by_address);
        if !allowed {
            let asked = format!("to connect to {address}, where a request to {name} leads");
            self.denials.record(asked, format!(r#"network = ["tcp://{address}"]"#));
        }
        allowed
    }
}

#[cfg(test)]
mod tests;
