//! Random rules, and random things to do: what a guest gets of what it asks for is granted and asked for, and explained.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use crate::denial::Denials;
use crate::network::{NetworkPolicy, NetworkRule, Resolve, Resolving, Target};
use crate::{Grants, Need, Verdict, WishedRule, Wishes, explain};

const NAMES: &str = "example.org a.example.org b.a.example.org org localhost a.localhost other.net";
const NAME_HOSTS: &str =
    "example.org *.example.org a.example.org *.a.example.org *.org localhost *.localhost";
const HOSTS: &str = "* * 1.1.1.1 127.0.0.1 [::1] [::ffff:1.1.1.1] [64:ff9b::a00:1] 0.0.0.0/0 0.0.0.0/1 1.0.0.0/8 \
    10.0.0.0/7 10.0.0.0/8 10.0.0.1/32 127.0.0.0/8 169.254.0.0/16 169.254.169.254 [::/0] [2000::/3] [2002::/16] \
    [64:ff9b::/96] [::ffff:0:0/96] [fd00::/8] [fc00::/7] [fd00:ec2::254] [fe80::/10]";
const URL_HOSTS: &str =
    "* * 1.1.1.1 127.0.0.1 [::1] [::ffff:1.1.1.1] [::/0] [2002::/16] [fd00::/8] 169.254.169.254";
const PORTS: &str = "* * 80 443 80-443 81-500";
const PATHS: &str = "/ /* /* /v1* /v1/* /v1/a /v1/a*";
const ADDRESSES: &str = "1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 1.1.1.1 9.9.9.9 127.0.0.1 127.0.0.1 10.0.0.1 11.0.0.1 127.0.0.1 169.254.1.1 169.254.169.254 0.0.0.0 ::1 \
    ::ffff:1.1.1.1 ::ffff:10.0.0.1 64:ff9b::a00:1 64:ff9b::101:101 2002:a00:1::1 2002:101:101::1 2606:4700::1111 \
    fd00::1 fd00:ec2::254 fe80::1 fe80::a9fe:a9fe";
const URL_ENDS: &str = "/ :80/ :443/v1 /v1/a /v1/a /v1/a/b /v1/../v2/a /v1/..%2fv2 :100/v1/a";

/// Numbers that are the same in every run.
struct Seeded(u64);

impl Seeded {
    fn below(&mut self, end: usize) -> usize {
        // xorshift64
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn one<'a>(&mut self, of: &'a str) -> &'a str {
        let choices: Vec<_> = of.split_whitespace().collect();
        choices[self.below(choices.len())]
    }

    fn rules(&mut self) -> Vec<NetworkRule> {
        (0..=self.below(8)).map(|_| self.rule()).collect()
    }

    fn rule(&mut self) -> NetworkRule {
        let by_name = self.below(2) == 0;
        let mut host = |others| if by_name { self.one(NAME_HOSTS) } else { self.one(others) };
        let (host, url_host) = (host(HOSTS), host(URL_HOSTS));
        let text = match self.below(8) {
            0 => "dns".to_owned(),
            1 => format!("dns:{}", self.one(NAME_HOSTS)),
            2 | 3 => format!("tcp://{host}:{}", self.one(PORTS)),
            4 => format!("udp://{host}:{}", self.one(PORTS)),
            _ => {
                format!("{}://{url_host}:{}{}", self.one("http http https"), self.one(PORTS), self.one(PATHS))
            }
        };
        text.parse().unwrap_or_else(|error| panic!("{error}"))
    }
}

struct Always(IpAddr);

impl Resolve for Always {
    fn resolve(&self, _name: &str) -> Resolving {
        let address = self.0;
        Box::pin(async move { Ok(vec![address]) })
    }
}

/// Something to do in the network, where every name leads to one address.
#[derive(Debug)]
struct Ask {
    name: &'static str,
    address: SocketAddr,
    url: String,
}

impl Ask {
    fn new(random: &mut Seeded) -> Self {
        let address: IpAddr = random.one(ADDRESSES).parse().unwrap();
        let port = random.one("80 100 443").parse().unwrap();
        let name = random.one(NAMES);
        let host = match (random.below(2), address) {
            (0, _) => name.to_owned(),
            (_, IpAddr::V4(address)) => address.to_string(),
            (_, IpAddr::V6(address)) => format!("[{address}]"),
        };
        let url = format!("{}://{host}{}", random.one("http http https"), random.one(URL_ENDS));
        Self { name, address: SocketAddr::new(address, port), url }
    }

    /// What of it the rules allow: to look up the name, and then to reach the address by TCP and by UDP; to send the
    /// request.
    async fn allowed(&self, rules: &[NetworkRule]) -> [bool; 4] {
        let resolver = Arc::new(Always(self.address.ip()));
        let policy = Arc::new(NetworkPolicy::new(rules, Denials::default(), resolver));
        let found = policy.clone().look_up(self.name.to_owned()).await.is_ok();
        let [tcp, udp] = ["tcp", "udp"].map(|protocol| policy.covers(protocol, self.address));
        [found, tcp, udp, self.sent(&policy).await]
    }

    async fn sent(&self, policy: &Arc<NetworkPolicy>) -> bool {
        let target = Target::new(&self.url).unwrap();
        policy.allows_request(&target) && !policy.clone().addresses(&target).await.unwrap().is_empty()
    }
}

fn grants(rules: &[NetworkRule]) -> Grants {
    rules.iter().cloned().fold(Grants::default(), Grants::network)
}

fn wishes(rules: &[NetworkRule]) -> Wishes {
    Wishes {
        network: rules.iter().map(|rule| WishedRule::new(rule.clone(), "")).collect(),
        ..Wishes::default()
    }
}

fn shown(rules: &[NetworkRule]) -> String {
    rules.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn what_is_given_is_granted_and_asked_for() {
    let mut random = Seeded(0x5EED);
    let mut counts = [0; 4];
    for _ in 0..5_000 {
        let (granted, wished) = (random.rules(), random.rules());
        let given = grants(&granted).within(&wishes(&wished)).network;
        let ask = Ask::new(&mut random);
        let allowed = ask.allowed(&given).await;
        if !allowed.contains(&true) {
            continue;
        }
        let (by_granted, by_wished) = (ask.allowed(&granted).await, ask.allowed(&wished).await);
        for kind in (0..4).filter(|kind| allowed[*kind]) {
            counts[kind] += 1;
            let told = [&granted, &wished, &given].map(|rules| shown(rules));
            assert!(by_granted[kind] && by_wished[kind], "{kind} of {ask:?}: {told:?}");
        }
    }
    assert!(counts.iter().all(|count| *count > 10), "{counts:?}");
}

#[tokio::test]
async fn what_is_explained_is_what_is_allowed() {
    let mut random = Seeded(0xE1);
    let mut counts = [0; 3];
    for _ in 0..5_000 {
        let (granted, wish) = (random.rules(), [random.rule()]);
        let grants = grants(&granted);
        let given = grants.within(&wishes(&wish)).network;
        let imports = [
            "wasi:sockets/ip-name-lookup@0.2.6",
            "wasi:sockets/tcp@0.2.6",
            "wasi:http/outgoing-handler@0.2.6",
        ];
        let explained = explain(imports, &grants, Some(&wishes(&wish)));
        let told = format!("{} of {}: {explained}", shown(&wish), shown(&granted));
        let ask = Ask::new(&mut random);
        let (wished, allowed) = (ask.allowed(&wish).await, ask.allowed(&given).await);
        let verdict = explained.wishes[0].verdict;
        match verdict {
            Verdict::Granted => assert_eq!(wished, allowed, "{ask:?} {told}"),
            Verdict::InPart => assert!(!given.is_empty(), "{told}"),
            _ => assert!(given.is_empty(), "{told}"),
        }
        counts[verdict as usize] += 1;
        let says = |wanted: Need| {
            let answer = explained.imports.iter().find(|answer| answer.need == Some(wanted));
            answer.is_some_and(|answer| answer.verdict == Verdict::Granted)
        };
        let [found, tcp, udp, sent] = allowed;
        assert!(says(Need::Names) || !found, "{ask:?} {told}");
        assert!(says(Need::Network) || !(tcp || udp), "{ask:?} {told}");
        assert!(says(Need::Requests) || !sent, "{ask:?} {told}");
    }
    assert!(counts.iter().all(|count| *count > 10), "{counts:?}");
}
