//! Requests, asked of the policy without a guest.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use super::Target;
use crate::denial::Denials;
use crate::network::{NetworkPolicy, Resolve, Resolving};

struct Scripted(Mutex<VecDeque<&'static str>>);

impl Resolve for Scripted {
    fn resolve(&self, _name: &str) -> Resolving {
        let answer = self.0.lock().unwrap().pop_front().unwrap();
        Box::pin(async move { Ok(answer.split(' ').map(|address| address.parse().unwrap()).collect()) })
    }
}

fn policy(rules: &[&str], answers: &[&'static str]) -> Arc<NetworkPolicy> {
    let rules: Vec<_> = rules.iter().map(|rule| rule.parse().unwrap()).collect();
    let resolver = Scripted(Mutex::new(answers.iter().copied().collect()));
    Arc::new(NetworkPolicy::new(&rules, Denials::default(), Arc::new(resolver)))
}

#[test]
fn a_request_is_compared_as_it_is_sent() {
    let check = |rule, url: &str, expect| {
        let allowed = Target::new(url).is_some_and(|target| policy(&[rule], &[]).allows_request(&target));
        assert_eq!(allowed, expect, "{rule} {url}");
    };
    let api = "https://api.example.org/v1/*";
    check(api, "https://api.example.org/v1/a?b=c", true);
    check(api, "https://API.example.org:443/v1/a", true);
    check(api, "https://api.example.org./v1/a", true);
    check(api, "https://api.example.org/x/../v1/a", true);
    check(api, "http://api.example.org/v1/a", false);
    check(api, "https://api.example.org:8443/v1/a", false);
    check(api, "https://example.org/v1/a", false);
    check(api, "https://api.example.org.evil.net/v1/a", false);
    check(api, "https://api.example.org@evil.net/v1/a", false);
    check(api, "https://user@api.example.org/v1/a", false);
    check(api, "https://user:password@api.example.org/v1/a", false);
    check(api, "https://evil.net/?https://api.example.org/v1/a", false);
    check(api, "https://evil.net#@api.example.org/v1/a", false);
    check(api, "https://api.example.org/v1", false);
    check(api, "https://api.example.org/v2/a", false);
    check(api, "https://api.example.org/v1/../v2", false);
    check(api, "https://api.example.org/v1/%2e%2e/v2", false);
    check(api, "https://api.example.org/v1/.%2E/v2", false);
    check(api, "https://api.example.org/v1/..%2fv2", false);
    check(api, "https://api.example.org/v1/%252e%252e%252fv2", false);
    check(api, "https://api.example.org/v1/..\\v2", false);
    check("https://*/*", "https://any.example.org/a", true);
    check("https://*.example.org/*", "https://a.example.org/", true);
    check("https://*.example.org/*", "https://example.org/", false);
    check("https://xn--bcher-kva.example/*", "https://bücher.example/", true);
    check("https://a.org:8000-8100/*", "https://a.org:8050/", true);
    check("http://a.org:*/*", "http://a.org:0/", false);
}

#[test]
fn an_address_is_an_address_in_every_form() {
    let loopback = "http://127.0.0.1/ http://0x7f.1/ http://2130706433/ http://017700000001/ http://127.1/ \
        http://127.0.0.1./ http://0177.0.0.1/ http://[::ffff:127.0.0.1]/ http://[::ffff:7f00:1]/ \
        http://[64:ff9b::7f00:1]/ http://[2002:7f00:1::]/ http://%31%32%37.0.0.1/ http://１２７.0.0.1/";
    for url in loopback.split_whitespace() {
        let target = Target::new(url).unwrap();
        assert!(policy(&["http://127.0.0.1/*"], &[]).allows_request(&target), "{url}");
        assert!(!policy(&["http://*/*"], &[]).allows_request(&target), "{url}");
        assert!(
            !policy(&["http://*.1/*".replace("*.1", "a.org").as_str()], &[]).allows_request(&target),
            "{url}"
        );
    }
    let public = policy(&["http://*/*"], &[]);
    for url in "http://1.1.1.1/ http://[2606:4700::1111]/ http://16843009/".split(' ') {
        assert!(public.allows_request(&Target::new(url).unwrap()), "{url}");
    }
    let inside = "http://0.0.0.0/ http://0/ http://[::]/ http://[::1]/ http://10.0.0.1/ http://169.254.169.254/ \
        http://0xa9fea9fe/ http://[fd00:ec2::254]/ http://168.63.129.16/ http://[::169.254.169.254]/ http://[fe80::1]/";
    for url in inside.split_whitespace() {
        assert!(!public.allows_request(&Target::new(url).unwrap()), "{url}");
    }
    for url in
        "http:// http://256.1.1.1/ http://[fe80::1%25eth0]/ http://a..b/ ftp://a.org/ http://a.org:99999/"
            .split(' ')
    {
        assert!(Target::new(url).is_none(), "{url}");
    }
}

#[test]
fn what_is_sent_is_what_was_checked() {
    let check = |url: &str, authority, path| {
        let target = Target::new(url).unwrap();
        assert_eq!((target.authority().as_str(), target.path_and_query()), (authority, path), "{url}");
    };
    check("https://Example.org.", "example.org", "/");
    check("https://example.org:443/a/../b?c=../d#e", "example.org", "/b?c=../d");
    check("http://example.org:443/", "example.org:443", "/");
    check("http://0x7f.1:8080/", "127.0.0.1:8080", "/");
    check("http://[0:0::1]:8080/", "[::1]:8080", "/");
}

#[tokio::test]
async fn a_name_leads_only_to_what_is_public_or_named_by_address() {
    let check = async |rules: &[&str], url: &str, answer, expect: &[&str]| {
        let target = Target::new(url).unwrap();
        let policy = policy(rules, &[answer]);
        assert!(policy.allows_request(&target), "{url}");
        let found = policy.addresses(&target).await.unwrap();
        let found: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(found, expect, "{rules:?} {url}");
    };
    let rules = &["https://*.example.org/*"];
    let mixed = "93.184.216.34 10.0.0.1 127.0.0.1 ::ffff:127.0.0.1 169.254.169.254 0.0.0.0";
    check(rules, "https://a.example.org/", mixed, &["93.184.216.34:443"]).await;
    check(&["https://*/*"], "https://a.example.org/", mixed, &["93.184.216.34:443"]).await;
    let rules = &["https://a.org/*", "tcp://10.0.0.0/8:443"];
    check(rules, "https://a.org/", "10.0.0.1 192.168.0.1", &["10.0.0.1:443"]).await;
    let rules = &["https://a.org:8443/*", "tcp://10.0.0.0/8:443"];
    check(rules, "https://a.org:8443/", "10.0.0.1", &[]).await;
    // A rule for the name alone is no rule for the address.
    check(&["https://a.org/*", "tcp://a.org:443"], "https://a.org/", "10.0.0.1", &[]).await;
    check(
        &["http://localhost/*"],
        "http://localhost/",
        "127.0.0.1 ::1 10.0.0.1 1.1.1.1",
        &["127.0.0.1:80", "[::1]:80"],
    )
    .await;
    check(&["http://*/*"], "http://localhost/", "127.0.0.1", &[]).await;
    // A rule that names this machine opens what it says, and not what another says of any name.
    let rules = &["http://*:*/*", "http://localhost:8080/v1"];
    check(rules, "http://localhost:8080/v1", "127.0.0.1", &["127.0.0.1:8080"]).await;
    for url in ["http://localhost/v1", "http://localhost:8080/v2", "http://a.localhost:8080/v1"] {
        check(rules, url, "127.0.0.1", &[]).await;
    }
}

#[tokio::test]
async fn a_refused_request_is_recorded_with_the_rule_to_add() {
    let policy = policy(&["https://a.org/*"], &["10.0.0.1"]);
    for url in ["http://b.org:8080/x/../y?secret", "https://b.org/..%2fz"] {
        assert!(!policy.allows_request(&Target::new(url).unwrap()));
    }
    let target = Target::new("https://a.org/").unwrap();
    assert!(policy.clone().addresses(&target).await.unwrap().is_empty());
    let recorded: Vec<_> =
        policy.denials.list().into_iter().map(|denial| (denial.asked, denial.grant)).collect();
    let expected = [
        ("to send a request to http://b.org:8080/y", r#"network = ["http://b.org:8080/y"]"#),
        ("to send a request to https://b.org/..%2fz", r#"network = ["https://b.org/*"]"#),
        ("to connect to 10.0.0.1:443, where a request to a.org leads", r#"network = ["tcp://10.0.0.1:443"]"#),
    ];
    assert_eq!(recorded, expected.map(|(asked, grant)| (asked.to_owned(), grant.to_owned())));
}
