//! A rule that is said to be covered allows no more than the one that covers it.

use std::net::IpAddr;

use crate::network::{Host, NetworkRule};

fn rule(text: &str) -> NetworkRule {
    text.parse().unwrap()
}

#[test]
fn a_rule_covers_itself_and_what_is_narrower() {
    let check = |wide: &str, narrow: &str| {
        let (wide, narrow) = (rule(wide), rule(narrow));
        assert!(wide.covers(&wide) && narrow.covers(&narrow), "{wide} {narrow}");
        assert!(wide.covers(&narrow), "{wide} {narrow}");
        assert!(!narrow.covers(&wide), "{narrow} {wide}");
    };
    check("dns", "dns:example.org");
    check("dns", "dns:*.example.org");
    check("dns:*.example.org", "dns:a.example.org");
    check("dns:*.example.org", "dns:*.a.example.org");
    check("tcp://*:*", "tcp://*:443");
    check("tcp://*:*", "tcp://1.1.1.1:*");
    check("tcp://*:443", "tcp://1.1.1.0/24:443");
    check("tcp://*:8000-8100", "tcp://*:8050-8100");
    check("tcp://10.0.0.0/8:*", "tcp://10.1.0.0/16:5432");
    check("tcp://10.0.0.0/8:*", "tcp://10.1.2.3:5432");
    check("tcp://[fd00::/8]:53", "tcp://[fd00::1]:53");
    check("tcp://0.0.0.0/0:443", "tcp://1.1.1.1:443");
    check("udp://*.example.org:*", "udp://a.example.org:53");
    check("https://example.org/*", "https://example.org/v1/*");
    check("https://example.org/v1/*", "https://example.org/v1/items");
    check("https://*.example.org/*", "https://a.example.org/");
    check("https://*/*", "https://example.org/*");
    check("https://example.org:*/*", "https://example.org/*");
}

#[test]
fn what_is_other_or_wider_is_not_covered() {
    let check = |wide: &str, other: &str| assert!(!rule(wide).covers(&rule(other)), "{wide} {other}");
    check("dns:*.example.org", "dns:example.org");
    check("dns:example.org", "dns:badexample.org");
    check("tcp://*:*", "udp://*:*");
    check("tcp://*:*", "dns");
    check("tcp://*:*", "tcp://127.0.0.1:443");
    check("tcp://*:*", "tcp://[::ffff:10.0.0.1]:443");
    check("tcp://*:*", "tcp://169.254.169.254:80");
    check("tcp://*:*", "tcp://10.0.0.0/8:443");
    check("tcp://*:*", "tcp://example.org:443");
    check("tcp://example.org:443", "tcp://1.1.1.1:443");
    check("tcp://0.0.0.0/0:*", "tcp://10.0.0.0/8:443");
    check("tcp://0.0.0.0/0:*", "tcp://10.0.0.1:443");
    check("tcp://169.254.0.0/16:*", "tcp://169.254.169.254:80");
    check("tcp://169.254.0.0/16:*", "tcp://169.254.169.254/32:80");
    check("tcp://10.0.0.0/8:80-90", "tcp://10.0.0.0/8:85-91");
    check("https://example.org/*", "http://example.org/*");
    check("https://example.org/v1/*", "https://example.org/v1");
    check("https://example.org/v1/*", "https://example.org/*");
    check("https://example.org/*", "https://example.org:8443/*");
    check("https://*/*", "https://localhost/*");
    check("https://*/*", "https://127.0.0.1/*");
    check("tcp://example.org:443", "https://example.org/*");
}

#[test]
fn two_rules_together_cover_a_name() {
    let check = |rules: &str, wish: &str, expect: bool| {
        let rules: Vec<NetworkRule> = rules.split(' ').map(rule).collect();
        assert_eq!(rule(wish).is_covered_by(&rules), expect, "{wish}");
    };
    check("dns tcp://*:443", "tcp://example.org:443", true);
    check("dns:*.example.org tcp://*:*", "tcp://a.example.org:443", true);
    check("dns:*.example.org tcp://*:*", "tcp://example.org:443", false);
    check("dns tcp://*:443", "tcp://example.org:80", false);
    check("dns udp://*:443", "tcp://example.org:443", false);
    check("tcp://*:443", "tcp://example.org:443", false);
    check("dns tcp://*:443", "tcp://localhost:443", false);
    check("dns tcp://*:443", "tcp://*.localhost:443", false);
}

/// What is said to be included is never covered where the wider host refuses, whatever the address.
#[test]
fn what_is_included_allows_no_more() {
    let hosts = "* 1.1.1.1 127.0.0.1 [::1] [::ffff:1.1.1.1] [64:ff9b::a00:1] 0.0.0.0/0 0.0.0.0/1 1.0.0.0/8 8.0.0.0/5 \
        10.0.0.0/7 10.0.0.0/8 10.1.0.0/16 10.0.0.1/32 169.254.0.0/16 169.254.169.254 168.63.129.0/24 192.0.0.0/24 \
        192.0.0.0/16 100.64.0.0/10 [::/0] [::/3] [2000::/3] [2001::/23] [2001::/32] [2002::/16] [64:ff9b::/96] \
        [::ffff:0:0/96] [fd00::/8] [fc00::/7] [fd00:ec2::254] [2606:4700::/32] example.org *.example.org a.example.org \
        localhost *.localhost";
    let addresses = "1.1.1.1 9.9.9.9 10.0.0.1 10.1.2.3 11.0.0.1 127.0.0.1 100.64.0.1 100.100.100.200 168.63.129.16 \
        168.63.129.17 169.254.1.1 169.254.169.254 192.0.0.1 192.0.1.1 0.0.0.0 224.0.0.1 ::1 :: ::ffff:1.1.1.1 \
        ::ffff:10.0.0.1 64:ff9b::a00:1 64:ff9b::101:101 2002:a00:1::1 2002:101:101::1 2001::1 2001:200::1 \
        2606:4700::1111 fd00::1 fd00:ec2::254 fe80::1";
    let hosts: Vec<Host> = hosts.split_whitespace().map(|text| text.parse().unwrap()).collect();
    let addresses: Vec<IpAddr> = addresses.split_whitespace().map(|text| text.parse().unwrap()).collect();
    let names = ["example.org", "a.example.org", "b.a.example.org", "localhost", "a.localhost", "other.net"];
    let mut pairs = 0;
    for wide in &hosts {
        for narrow in hosts.iter().filter(|narrow| wide.includes(narrow)) {
            pairs += 1;
            for address in &addresses {
                for name in names {
                    let covers = |host: &Host| host.covers(*address, [name].into_iter());
                    assert!(covers(wide) || !covers(narrow), "{wide} {narrow} {address} {name}");
                    assert!(wide.names(name) || !narrow.names(name), "{wide} {narrow} {name}");
                }
            }
        }
    }
    assert!(pairs > hosts.len() + 20, "{pairs}");
}
