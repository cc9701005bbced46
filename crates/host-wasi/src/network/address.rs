//! What kind of address is this: public, of a special range, or that of a machine's metadata service?

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{IpNet, Ipv4Net, Ipv6Net};

/// How freely an address is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    /// Anybody's: whatever names it or contains it covers it.
    Public,
    /// Of this special range: only what names it, or lies wholly within the range, covers it.
    Special(IpNet),
    /// Where a machine learns its own configuration and secrets: only what names it alone covers it.
    Metadata,
}

/// The metadata services of the clouds.
const METADATA: [IpAddr; 13] = [
    // Amazon, Google, Microsoft, and most of the others; Amazon's containers; Scaleway.
    v4(169, 254, 169, 254),
    v4(169, 254, 170, 2),
    v4(169, 254, 170, 23),
    v4(169, 254, 42, 42),
    // Tencent; Alibaba; Azure's host, which has a public number; Oracle.
    v4(169, 254, 0, 23),
    v4(100, 100, 100, 200),
    v4(168, 63, 129, 16),
    v4(192, 0, 0, 192),
    // OpenStack; Amazon, its containers, Google, Scaleway.
    v6([0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe]),
    v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254]),
    v6([0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x23]),
    v6([0xfd20, 0xce, 0, 0, 0, 0, 0, 0x254]),
    v6([0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42]),
];

/// The special ranges; the first that contains an address is its own.
static SPECIAL: [IpNet; 33] = [
    net4(0, 0, 0, 0, 8),       // this host; 0.0.0.0 reaches loopback
    net4(10, 0, 0, 0, 8),      // private
    net4(100, 64, 0, 0, 10),   // shared by a provider's customers
    net4(127, 0, 0, 0, 8),     // loopback
    net4(169, 254, 0, 0, 16),  // link-local
    net4(172, 16, 0, 0, 12),   // private
    net4(192, 0, 0, 0, 24),    // protocols
    net4(192, 0, 2, 0, 24),    // documentation
    net4(192, 88, 99, 0, 24),  // the way into 6to4
    net4(192, 168, 0, 0, 16),  // private
    net4(198, 18, 0, 0, 15),   // benchmarks
    net4(198, 51, 100, 0, 24), // documentation
    net4(203, 0, 113, 0, 24),  // documentation
    net4(224, 0, 0, 0, 4),     // multicast
    net4(240, 0, 0, 0, 4),     // reserved, broadcast
    net6([0, 0, 0, 0, 0, 0, 0, 0], 128),
    net6([0, 0, 0, 0, 0, 0, 0, 1], 128),
    net6([0x64, 0xff9b, 1, 0, 0, 0, 0, 0], 48), // a network's own translation to IPv4
    net6([0x100, 0, 0, 0, 0, 0, 0, 0], 64),     // discard
    net6([0x2001, 0, 0, 0, 0, 0, 0, 0], 32),    // Teredo, which wraps an IPv4 address and a port
    net6([0x2001, 0, 0, 0, 0, 0, 0, 0], 23),    // protocols
    net6([0x2001, 0xdb8, 0, 0, 0, 0, 0, 0], 32), // documentation
    net6([0x2002, 0, 0, 0, 0, 0, 0, 0], 16),    // 6to4
    net6([0x3fff, 0, 0, 0, 0, 0, 0, 0], 20),    // documentation
    net6([0x5f00, 0, 0, 0, 0, 0, 0, 0], 16),    // segment routing
    net6([0xfc00, 0, 0, 0, 0, 0, 0, 0], 7),     // unique local
    net6([0xfe80, 0, 0, 0, 0, 0, 0, 0], 10),    // link-local
    net6([0xfec0, 0, 0, 0, 0, 0, 0, 0], 10),    // site-local
    net6([0xff00, 0, 0, 0, 0, 0, 0, 0], 8),     // multicast
    // Of all addresses only 2000::/3 is handed out for public use.
    net6([0, 0, 0, 0, 0, 0, 0, 0], 3),
    net6([0x4000, 0, 0, 0, 0, 0, 0, 0], 2),
    net6([0x8000, 0, 0, 0, 0, 0, 0, 0], 2),
    net6([0xc000, 0, 0, 0, 0, 0, 0, 0], 2),
];

const fn v4(a: u8, b: u8, c: u8, d: u8) -> IpAddr {
    IpAddr::V4(Ipv4Addr::new(a, b, c, d))
}

const fn v6([a, b, c, d, e, f, g, h]: [u16; 8]) -> IpAddr {
    IpAddr::V6(Ipv6Addr::new(a, b, c, d, e, f, g, h))
}

const fn net4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix))
}

const fn net6([a, b, c, d, e, f, g, h]: [u16; 8], prefix: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, e, f, g, h), prefix))
}

/// The address that is judged in the place of this one: the IPv4 address inside an IPv6 address that is mapped to
/// it, compatible with it, or translated to it (NAT64, 6to4), else the address itself.
pub(crate) fn unwrapped(address: IpAddr) -> IpAddr {
    let IpAddr::V6(wrapping) = address.to_canonical() else { return address.to_canonical() };
    let inner = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        v4(a, b, c, d)
    };
    match wrapping.segments() {
        // `::` and `::1` are no IPv4 addresses.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => address,
        [0, 0, 0, 0, 0, 0, high, low] | [0x64, 0xff9b, 0, 0, 0, 0, high, low] => inner(high, low),
        [0x2002, high, low, ..] => inner(high, low),
        _ => address,
    }
}

/// What kind of address this is, judged by what it [wraps](unwrapped).
pub(crate) fn classify(address: IpAddr) -> Class {
    let address = unwrapped(address);
    if METADATA.contains(&address) {
        return Class::Metadata;
    }
    match SPECIAL.iter().find(|range| range.contains(&address)) {
        Some(range) => Class::Special(*range),
        None => Class::Public,
    }
}

/// The special ranges in which the whole network lies.
pub(crate) fn special_around(network: &IpNet) -> impl Iterator<Item = &'static IpNet> {
    SPECIAL.iter().filter(move |range| range.contains(network))
}

/// Whether this is an address of the machine itself, as the name `localhost` means it.
pub(crate) fn is_loopback(address: IpAddr) -> bool {
    address.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::{Class, METADATA, classify, unwrapped};

    fn class(address: &str) -> Class {
        classify(address.parse().unwrap())
    }

    #[test]
    fn only_public_addresses_are_public() {
        let public = "1.1.1.1 93.184.216.34 100.63.255.255 100.128.0.1 172.15.0.1 172.32.0.1 192.0.1.1 198.17.0.1 \
            198.20.0.1 223.255.255.255 2606:4700::1111 2001:4860:4860::8888 2001:200::1 ::ffff:1.1.1.1 64:ff9b::1.1.1.1 \
            2002:101:101::1 ::1.1.1.1";
        for address in public.split_whitespace() {
            assert_eq!(class(address), Class::Public, "{address}");
        }
        let special = "0.0.0.0 0.1.2.3 10.1.2.3 100.64.0.1 127.0.0.1 127.255.255.255 169.254.1.1 172.16.0.1 \
            172.31.255.255 192.0.0.1 192.0.2.1 192.88.99.1 192.168.0.1 198.18.0.1 198.19.255.255 198.51.100.1 203.0.113.1 \
            224.0.0.1 239.255.255.250 240.0.0.1 255.255.255.255 :: ::1 fe80::1 fec0::1 fc00::1 fdff::1 ff02::1 \
            64:ff9b:1::1 100::1 2001::1 2001:0:4136:e378:8000:63bf:3fff:fdd2 2001:db8::1 3fff::1 5f00::1 4000::1 8000::1 \
            c000::1 1::1";
        for address in special.split_whitespace() {
            assert!(matches!(class(address), Class::Special(_)), "{address}");
        }
    }

    #[test]
    fn an_address_is_judged_by_what_it_wraps() {
        let wrapped = "::ffff:10.0.0.1 ::10.0.0.1 64:ff9b::10.0.0.1 2002:a00:1::1 2002:a00:1:ffff::";
        for address in wrapped.split_whitespace() {
            assert_eq!(unwrapped(address.parse().unwrap()).to_string(), "10.0.0.1", "{address}");
            assert_eq!(class(address), class("10.0.0.1"), "{address}");
        }
        for address in
            "::ffff:169.254.169.254 ::169.254.169.254 64:ff9b::a9fe:a9fe 2002:a9fe:a9fe::1".split(' ')
        {
            assert_eq!(class(address), Class::Metadata, "{address}");
        }
        assert_eq!(class("::ffff:127.0.0.1"), class("127.0.0.1"));
        assert_eq!(class("64:ff9b::"), class("0.0.0.0"));
        for itself in ":: ::1 fe80::1 2606:4700::1111 64:ff9b::1:0:0:1".split(' ') {
            assert_eq!(unwrapped(itself.parse().unwrap()).to_string(), itself);
        }
    }

    #[test]
    fn metadata_services_are_a_class_of_their_own() {
        for address in METADATA {
            assert_eq!(classify(address), Class::Metadata, "{address}");
        }
    }
}
