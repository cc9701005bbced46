//! The policy, asked without a guest.

use std::collections::VecDeque;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};

use wasmtime_wasi::sockets::SocketAddrUse::{self, *};

use super::{LookUpError, NetworkPolicy};
use crate::Wasi;
use crate::denial::Denials;
use crate::network::{Resolve, Resolving};

/// Gives one answer after the other, whatever the name.
struct Scripted(Mutex<VecDeque<&'static str>>);

impl Resolve for Scripted {
    fn resolve(&self, _name: &str) -> Resolving {
        let answer = self.0.lock().unwrap().pop_front().unwrap();
        Box::pin(async move { Ok(answer.split(' ').map(|address| address.parse().unwrap()).collect()) })
    }
}

/// Never answers.
struct Silent;

impl Resolve for Silent {
    fn resolve(&self, _name: &str) -> Resolving {
        Box::pin(std::future::pending())
    }
}

fn policy(rules: &[&str], answers: &[&'static str]) -> Arc<NetworkPolicy> {
    let resolver = Scripted(Mutex::new(answers.iter().copied().collect()));
    with_resolver(rules, resolver)
}

fn with_resolver(rules: &[&str], resolver: impl Resolve + 'static) -> Arc<NetworkPolicy> {
    let rules: Vec<_> = rules.iter().map(|rule| rule.parse().unwrap()).collect();
    Arc::new(NetworkPolicy::new(&rules, Denials::default(), Arc::new(resolver)))
}

fn allows(policy: &NetworkPolicy, address: &str, purpose: SocketAddrUse) -> bool {
    policy.allows(address.parse().unwrap(), purpose)
}

fn recorded(policy: &NetworkPolicy) -> Vec<(String, String)> {
    policy.denials.list().into_iter().map(|denial| (denial.asked, denial.grant)).collect()
}

#[test]
fn a_rule_names_protocol_host_and_port() {
    let check = |rule, address, purpose, expect| {
        assert_eq!(allows(&policy(&[rule], &[]), address, purpose), expect, "{rule} {address} {purpose:?}");
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
    check("udp://1.1.1.1:53", "1.1.1.1:53", TcpConnect, false);
    check("tcp://*:443", "93.184.216.34:443", TcpConnect, true);
    check("tcp://*:443", "93.184.216.34:80", TcpConnect, false);
    check("tcp://*:*", "127.0.0.1:80", TcpConnect, false);
    check("tcp://*:*", "0.0.0.0:80", TcpConnect, false);
    check("tcp://*:*", "[::ffff:169.254.169.254]:80", TcpConnect, false);
    check("dns", "93.184.216.34:443", TcpConnect, false);
    check("https://93.184.216.34/*", "93.184.216.34:443", TcpConnect, false);
}

#[test]
fn a_client_may_bind_but_nobody_may_listen() {
    let policy = policy(&["tcp://127.0.0.1:80", "udp://127.0.0.1:80"], &[]);
    assert!(allows(&policy, "0.0.0.0:0", TcpBind));
    assert!(allows(&policy, "[::]:0", UdpBind));
    assert!(!allows(&policy, "0.0.0.0:80", TcpBind));
    assert!(!allows(&policy, "127.0.0.1:0", UdpBind));
    assert!(!allows(&policy, "0.0.0.0:0", TcpListen));
    assert!(!allows(&policy, "127.0.0.1:80", TcpAccept));
    assert!(!allows(&self::policy(&["tcp://*:*"], &[]), "[::]:0", UdpBind));
}

#[tokio::test]
async fn a_name_is_looked_up_if_a_rule_speaks_of_it() {
    let check = async |rule: &str, name: &str, expect| {
        let found = policy(&[rule], &["1.1.1.1"]).look_up(name.to_owned()).await;
        assert_eq!(found.is_ok(), expect, "{rule} {name}: {found:?}");
    };
    check("dns", "example.org", true).await;
    check("dns:example.org", "example.org", true).await;
    check("dns:example.org", "EXAMPLE.org.", true).await;
    check("dns:xn--bcher-kva.example", "bücher.example", true).await;
    check("dns:example.org", "www.example.org", false).await;
    check("dns:*.example.org", "www.example.org", true).await;
    check("tcp://example.org:443", "example.org", true).await;
    check("udp://example.org:53", "example.org", true).await;
    check("https://example.org/v1/*", "example.org", false).await;
    check("tcp://*:*", "example.org", false).await;
    check("tcp://1.1.1.1:80", "example.org", false).await;
    // An address is no secret.
    check("tcp://*:*", "127.0.0.1", true).await;
    check("tcp://*:*", "::1", true).await;
    check("tcp://*:*", "0x7f.1", true).await;
    for name in ["", "..", "a b", "fe80::1%eth0", "example.org:80"] {
        let found = policy(&["dns"], &[]).look_up(name.to_owned()).await;
        assert!(matches!(found, Err(LookUpError::NotAName)), "{name}: {found:?}");
    }
}

#[tokio::test]
async fn a_rule_for_a_name_covers_only_what_its_look_up_gave() {
    let policy = policy(&["tcp://example.org:443", "dns"], &["93.184.216.34", "93.184.216.35"]);
    assert!(!allows(&policy, "93.184.216.34:443", TcpConnect));
    policy.clone().look_up("example.org".to_owned()).await.unwrap();
    assert!(allows(&policy, "93.184.216.34:443", TcpConnect));
    assert!(allows(&policy, "[::ffff:93.184.216.34]:443", TcpConnect));
    assert!(!allows(&policy, "93.184.216.34:80", TcpConnect));
    policy.clone().look_up("other.org".to_owned()).await.unwrap();
    assert!(!allows(&policy, "93.184.216.35:443", TcpConnect));
}

#[tokio::test]
async fn a_name_that_turns_inwards_leads_nowhere() {
    let inwards =
        "127.0.0.1 ::1 10.0.0.1 169.254.169.254 ::ffff:127.0.0.1 64:ff9b::7f00:1 0.0.0.0 :: fd00:ec2::254";
    let policy = policy(&["tcp://example.org:80", "udp://*:80"], &["93.184.216.34", inwards]);
    policy.clone().look_up("example.org".to_owned()).await.unwrap();
    assert!(allows(&policy, "93.184.216.34:80", TcpConnect));
    let found = policy.clone().look_up("example.org".to_owned()).await.unwrap();
    assert_eq!(found.len(), 9);
    for address in found {
        assert!(!policy.covers("tcp", (address, 80).into()), "{address}");
        assert!(!policy.covers("udp", (address, 80).into()), "{address}");
    }
    // What is named by address is reached, whatever led there.
    let policy = self::policy(&["dns", "tcp://127.0.0.1:80", "tcp://example.org:80"], &["127.0.0.1"]);
    policy.clone().look_up("example.org".to_owned()).await.unwrap();
    assert!(allows(&policy, "127.0.0.1:80", TcpConnect));
}

#[tokio::test]
async fn localhost_is_this_machine_and_nobody_else() {
    let policy = policy(&["tcp://localhost:80"], &["127.0.0.1 ::1", "10.0.0.1 1.1.1.1"]);
    policy.clone().look_up("localhost".to_owned()).await.unwrap();
    assert!(allows(&policy, "127.0.0.1:80", TcpConnect));
    assert!(allows(&policy, "[::1]:80", TcpConnect));
    policy.clone().look_up("localhost".to_owned()).await.unwrap();
    assert!(!allows(&policy, "10.0.0.1:80", TcpConnect));
    assert!(!allows(&policy, "1.1.1.1:80", TcpConnect));
}

#[tokio::test]
async fn what_is_refused_is_recorded_with_the_rule_to_add() {
    let policy = policy(&["dns:example.org"], &["93.184.216.34 10.0.0.1"]);
    policy.clone().look_up("other.org".to_owned()).await.unwrap_err();
    allows(&policy, "[::1]:80", TcpConnect);
    policy.clone().look_up("example.org".to_owned()).await.unwrap();
    allows(&policy, "93.184.216.34:443", TcpConnect);
    allows(&policy, "10.0.0.1:53", UdpSend);
    allows(&policy, "0.0.0.0:80", TcpBind);
    allows(&policy, "9.9.9.9:80", UdpReceive);
    let expected = [
        ("to look up other.org", r#"network = ["dns:other.org"]"#),
        ("to connect to [::1]:80 by TCP", r#"network = ["tcp://[::1]:80"]"#),
        ("to connect to 93.184.216.34:443 by TCP", r#"network = ["tcp://example.org:443"]"#),
        ("to send to 10.0.0.1:53 by UDP", r#"network = ["udp://10.0.0.1:53"]"#),
        ("to listen on 0.0.0.0:80 by TCP", "no grant allows it"),
    ];
    let expected = expected.map(|(asked, grant)| (asked.to_owned(), grant.to_owned()));
    assert_eq!(recorded(&policy), expected);
}

#[tokio::test]
async fn only_so_many_look_ups_are_under_way() {
    let policy = with_resolver(&["dns"], Silent);
    let look_ups: Vec<_> =
        (0..Wasi::MAX_LOOK_UPS).map(|_| tokio::spawn(policy.clone().look_up("a.org".to_owned()))).collect();
    tokio::task::yield_now().await;
    // A guest that gives one up does not stop it, and has no place more.
    look_ups[0].abort();
    tokio::task::yield_now().await;
    let one_more = policy.look_up("a.org".to_owned()).await;
    assert!(matches!(one_more, Err(LookUpError::TooMany)), "{one_more:?}");
}

#[tokio::test]
async fn an_answer_of_thousands_is_cut() {
    struct Many;
    impl Resolve for Many {
        fn resolve(&self, _name: &str) -> Resolving {
            Box::pin(async {
                Ok((0..5000)
                    .map(|number| IpAddr::from([93, 184, (number >> 8) as u8, number as u8]))
                    .collect())
            })
        }
    }
    let found = with_resolver(&["dns"], Many).look_up("a.org".to_owned()).await.unwrap();
    assert_eq!(found.len(), super::MOST_ADDRESSES);
}

#[tokio::test]
async fn a_resolver_that_panics_fails_only_its_look_up() {
    struct Panics;
    impl Resolve for Panics {
        fn resolve(&self, name: &str) -> Resolving {
            panic!("asked for {name}");
        }
    }
    let policy = with_resolver(&["dns"], Panics);
    for _ in 0..=Wasi::MAX_LOOK_UPS {
        let found = policy.clone().look_up("a.org".to_owned()).await;
        assert!(matches!(found, Err(LookUpError::Failed)), "{found:?}");
    }
}
