//! May the guest do this? Sockets, look-ups and requests all ask here, and what is refused is recorded.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::sockets::SocketAddrUse;

use super::answers::Answers;
use super::{Host, NetworkRule, Ports, Resolve, Slots, name};
use crate::Wasi;
use crate::denial::Denials;

/// How many addresses of one answer are used.
const MOST_ADDRESSES: usize = 64;

/// The rules of one guest, and what it has looked up so far.
pub(crate) struct NetworkPolicy {
    pub(super) rules: Vec<NetworkRule>,
    pub(super) denials: Denials,
    pub(super) answers: Answers,
    resolver: Arc<dyn Resolve>,
    look_ups: Slots,
}

/// Why a look-up gave nothing.
#[derive(Debug)]
pub(crate) enum LookUpError {
    /// No rule allows it.
    Denied,
    /// It is not a name.
    NotAName,
    /// Too many are under way.
    TooMany,
    /// It was asked for in vain.
    Failed,
}

impl NetworkPolicy {
    pub(crate) fn new(rules: &[NetworkRule], denials: Denials, resolver: Arc<dyn Resolve>) -> Self {
        let look_ups = Slots::new(Wasi::MAX_LOOK_UPS);
        Self { rules: rules.to_vec(), denials, answers: Answers::default(), resolver, look_ups }
    }

    /// Has the context that is being built ask this policy. Names are looked up by this crate's own functions; should
    /// wasmtime-wasi's be linked instead, they need the right to look up any.
    pub(crate) fn open(self: &Arc<Self>, builder: &mut WasiCtxBuilder) {
        // Sockets can be made in any case: what is done with them is asked, and recorded if it is refused.
        builder.allow_tcp(true).allow_udp(true);
        builder.allow_ip_name_lookup(self.rules.contains(&NetworkRule::Names));
        let policy = self.clone();
        builder.socket_addr_check(move |address, purpose| {
            let allowed = policy.allows(address, purpose);
            Box::pin(async move { allowed })
        });
    }

    fn allows(&self, address: SocketAddr, purpose: SocketAddrUse) -> bool {
        let wildcard = address.ip().to_canonical().is_unspecified() && address.port() == 0;
        let (protocol, asked) = match purpose {
            // To connect a socket is first bound to any address and any free port. That names nobody.
            SocketAddrUse::TcpBind if wildcard => return true,
            // A datagram socket is open to the world when it is bound.
            SocketAddrUse::UdpBind if wildcard => {
                let any = self.rules.iter().any(|rule| matches!(rule, NetworkRule::Udp { .. }));
                if !any {
                    self.denials.record("to use UDP", r#"network = ["udp://HOST:PORT"]"#);
                }
                return any;
            }
            SocketAddrUse::TcpBind | SocketAddrUse::TcpListen => {
                self.denials.record(format!("to listen on {address} by TCP"), "no grant allows it");
                return false;
            }
            SocketAddrUse::UdpBind => {
                self.denials.record(format!("to listen on {address} by UDP"), "no grant allows it");
                return false;
            }
            SocketAddrUse::TcpConnect => ("tcp", "connect"),
            SocketAddrUse::UdpSend => ("udp", "send"),
            // Not asked by the guest, but by whoever sent.
            SocketAddrUse::UdpReceive => return self.covers("udp", address),
            SocketAddrUse::TcpAccept => return false,
        };
        let allowed = self.covers(protocol, address);
        if !allowed {
            let asked = format!("to {asked} to {address} by {}", protocol.to_uppercase());
            self.denials.record(asked, self.grant(protocol, address));
        }
        allowed
    }

    /// Whether a rule for `tcp` or `udp` covers this address.
    pub(super) fn covers(&self, protocol: &str, address: SocketAddr) -> bool {
        let names = self.answers.names(address.ip());
        let covers = |host: &Host, ports: &Ports| {
            ports.contains(address.port()) && host.covers(address.ip(), names.iter().map(AsRef::as_ref))
        };
        self.rules.iter().any(|rule| match rule {
            NetworkRule::Tcp { host, ports } if protocol == "tcp" => covers(host, ports),
            NetworkRule::Udp { host, ports } if protocol == "udp" => covers(host, ports),
            _ => false,
        })
    }

    /// The rule that would let the guest reach this address: by its name, if it was found by one that can cover it.
    fn grant(&self, protocol: &str, address: SocketAddr) -> String {
        let names = self.answers.names(address.ip());
        let rule = |host: &str| format!("{protocol}://{host}:{}", address.port());
        let by_name = names.iter().find(|name| {
            let host = name.parse().map(Host::Name);
            host.is_ok_and(|host| host.covers(address.ip(), [name.as_ref()].into_iter()))
        });
        let rule = match by_name {
            Some(name) => rule(name),
            None => rule(&Host::Address(address.ip()).to_string()),
        };
        format!("network = [{rule:?}]")
    }

    /// Looks up a name for the guest, if a rule allows that, and keeps what was found. An address in place of a name
    /// is its own answer.
    pub(crate) async fn look_up(self: Arc<Self>, asked: String) -> Result<Vec<IpAddr>, LookUpError> {
        if let Some(address) = literal(&asked) {
            return Ok(vec![address]);
        }
        let name = name::normal(&asked).ok_or(LookUpError::NotAName)?;
        if !self.allows_name(&name) {
            self.denials.record(format!("to look up {name}"), format!(r#"network = ["dns:{name}"]"#));
            return Err(LookUpError::Denied);
        }
        self.resolve(name).await
    }

    fn allows_name(&self, name: &str) -> bool {
        self.rules.iter().any(|rule| match rule {
            NetworkRule::Names => true,
            NetworkRule::Name(pattern) => pattern.matches(name),
            NetworkRule::Tcp { host, .. } | NetworkRule::Udp { host, .. } => host.names(name),
            // For a request the host looks up the name; the guest need not.
            NetworkRule::Http { .. } => false,
        })
    }

    /// Looks up a [normal](name::normal) name that is allowed, and keeps what was found.
    pub(super) async fn resolve(self: Arc<Self>, name: String) -> Result<Vec<IpAddr>, LookUpError> {
        let slot = self.look_ups.take().ok_or(LookUpError::TooMany)?;
        let (resolver, asked) = (self.resolver.clone(), name.clone());
        // Not given up when the guest loses interest: the system's look-up goes on to its end in a thread of its own,
        // and until then it counts.
        let task = tokio::spawn(async move {
            let _slot = slot;
            resolver.resolve(&asked).await
        });
        let found = task.await.unwrap_or_else(|error| Err(io::Error::other(error)));
        let mut found = found.map_err(|error| match error.kind() {
            io::ErrorKind::ResourceBusy => LookUpError::TooMany,
            _ => LookUpError::Failed,
        })?;
        found.truncate(MOST_ADDRESSES);
        self.answers.add(&name, &found);
        Ok(found)
    }
}

/// An address that stands where a name could, in any of the forms that a URL may have it.
fn literal(text: &str) -> Option<IpAddr> {
    match url::Host::parse(text) {
        Ok(url::Host::Ipv4(address)) => Some(address.into()),
        Ok(url::Host::Ipv6(address)) => Some(address.into()),
        _ => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests;
