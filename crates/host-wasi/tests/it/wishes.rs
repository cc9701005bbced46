//! What is both wished and granted: never more than either.

use host_wasi::{Clocks, Grants, Randomness, Stdin, Wishes};

fn grants(text: &str) -> Grants {
    toml::from_str(text).unwrap()
}

fn wishes(text: &str) -> Wishes {
    toml::from_str(text).unwrap()
}

const GRANTS: &str = r#"
args = ["app"]
stdin = { text = "hello" }
stdout = { capture = 10 }
stderr = "inherit"
inherit-env = ["LC_*", "HOME"]
network = ["dns", "tcp://*:443"]
clocks = { fixed = "2026-01-01T00:00:00Z" }
random = { seeded = 1 }
env = { KEY = "VALUE", TOKEN = "secret" }
directories = [
    { host = "a", guest = "data", access = "read-write" },
    { host = "b", guest = "config" },
]
"#;

const EVERYTHING: &str = r#"
args = ""
stdin = ""
stdout = ""
stderr = ""
env = { "*" = "" }
network = { "dns" = "", "tcp://*:*" = "", "udp://*:*" = "" }
directories = [
    { guest = "/data/", access = "read-write", reason = "to work" },
    { guest = "./config", access = "read-write" },
    { guest = "/etc", access = "read-write" },
]
"#;

#[test]
fn who_wishes_nothing_gets_nothing() {
    let got = grants(GRANTS).within(&Wishes::default());
    let mut nothing = Grants::default();
    nothing.clocks = Clocks::Fixed("2026-01-01T00:00:00Z".parse().unwrap());
    nothing.random = Randomness::Seeded(1);
    assert_eq!(got, nothing);
}

#[test]
fn who_is_granted_nothing_gets_nothing() {
    assert_eq!(Grants::default().within(&wishes(EVERYTHING)), Grants::default());
}

#[test]
fn who_wishes_everything_gets_what_is_granted() {
    assert_eq!(grants(GRANTS).within(&wishes(EVERYTHING)), grants(GRANTS));
}

#[test]
fn each_kind_is_given_by_itself() {
    let all = grants(GRANTS);
    let given = |text: &str| {
        let mut got = all.within(&wishes(text));
        (got.clocks, got.random) = (Clocks::Real, Randomness::Real);
        got
    };
    assert_eq!(given("args = \"\""), Grants::default().args(["app"]));
    assert_eq!(given("stdin = \"\""), Grants::default().stdin(Stdin::Text("hello".into())));
    assert_eq!(given("stdout = \"\""), Grants::default().stdout(all.stdout.clone()));
    assert_eq!(given("stderr = \"\""), Grants::default().stderr(all.stderr.clone()));
    assert_eq!(given("[env]\nKEY = \"\""), Grants::default().env("KEY", "VALUE"));
    assert_eq!(given("[network]\ndns = \"\"").network, [all.network[0].clone()]);
    assert_eq!(given("[[directories]]\nguest = \"config\"").directories, [all.directories[1].clone()]);
}

/// The patterns that come of a wished one and a granted one.
#[test]
fn of_two_patterns_the_narrower_is_given() {
    let check = |granted: &str, wished: &str, expect: &[&str]| {
        let mut all = Grants::default();
        all.inherit_env = granted.split(' ').map(str::to_owned).collect();
        let mut asked = Wishes::default();
        asked.env = wished.split(' ').map(|wish| (wish.to_owned(), String::new())).collect();
        let got = all.within(&asked);
        assert_eq!(got.inherit_env, expect, "{granted} within {wished}");
        got.check().unwrap();
    };
    check("LANG", "LANG", &["LANG"]);
    check("LANG", "LC_ALL", &[]);
    check("LC_*", "LC_ALL", &["LC_ALL"]);
    check("LC_ALL", "LC_*", &["LC_ALL"]);
    check("LC_ALL LC_TIME HOME", "LC_*", &["LC_ALL", "LC_TIME"]);
    check("*", "LC_* HOME", &["HOME", "LC_*"]);
    check("LC_*", "LC_*", &["LC_*"]);
    check("L*", "LC_*L", &["LC_*L"]);
    check("* L*", "LANG", &["LANG"]);
    // What lies in both is not a pattern: neither is given.
    check("A*", "*B", &[]);
    check("A?", "A*", &["A?"]);
    check("*", "A=B A=*", &[]);
}

#[test]
fn a_given_variable_must_be_wished() {
    let all = Grants::default().env("API_KEY", "1").env("API_URL", "2").env("HOME", "3");
    let names = |text: &str| all.within(&wishes(text)).env.into_keys().collect::<Vec<_>>();
    assert_eq!(names("[env]\n\"API_*\" = \"\""), ["API_KEY", "API_URL"]);
    assert_eq!(names("[env]\nHOME = \"\"\n\"*_URL\" = \"\""), ["API_URL", "HOME"]);
    assert!(names("[env]\nHOM = \"\"\nHOMEX = \"\"").is_empty());
}

#[test]
fn a_directory_is_written_to_only_if_both_say_so() {
    let check = |granted: &str, wished: &str, expect: &str| {
        let text = |access: &str, host: &str| {
            format!("[[directories]]\n{host}guest = \"data\"\naccess = \"{access}\"")
        };
        let host = "host = \"a\"\n";
        let got = grants(&text(granted, host)).within(&wishes(&text(wished, "")));
        assert_eq!(got, grants(&text(expect, host)), "{granted} within {wished}");
    };
    check("read-only", "read-only", "read-only");
    check("read-only", "read-write", "read-only");
    check("read-write", "read-only", "read-only");
    check("read-write", "read-write", "read-write");
}

#[test]
fn a_directory_is_known_by_its_whole_guest_path() {
    let all = grants("[[directories]]\nhost = \"a\"\nguest = \"data\"");
    for (wished, given) in
        [("data", 1), ("/data", 1), ("./data/", 1), ("data/inner", 0), ("dat", 0), (".", 0), ("a", 0)]
    {
        let asked = wishes(&format!("[[directories]]\nguest = \"{wished}\""));
        assert_eq!(all.within(&asked).directories.len(), given, "{wished}");
    }
}

#[test]
fn of_two_rules_the_narrower_is_given() {
    let check = |granted: &str, wished: &str, expect: &[&str]| {
        let rules = |text: &str| text.split(' ').map(|rule| format!("{rule:?}")).collect::<Vec<_>>();
        let all = grants(&format!("network = [{}]", rules(granted).join(", ")));
        let asked: Vec<String> = rules(wished).iter().map(|rule| format!("{rule} = \"\"")).collect();
        let got = all.within(&wishes(&format!("[network]\n{}", asked.join("\n"))));
        let got: Vec<String> = got.network.iter().map(ToString::to_string).collect();
        assert_eq!(got, expect, "{granted} within {wished}");
    };
    check("tcp://*:443", "tcp://1.1.1.1:443", &["tcp://1.1.1.1:443"]);
    check("tcp://1.1.1.1:443", "tcp://*:443", &["tcp://1.1.1.1:443"]);
    check("tcp://*:443", "tcp://1.1.1.1:80", &[]);
    check("tcp://*:*", "tcp://127.0.0.1:443", &[]);
    check("tcp://127.0.0.1:443", "tcp://*:*", &[]);
    check("tcp://*:443", "udp://*:443 dns", &[]);
    check("dns tcp://*:* tcp://*:443", "dns tcp://*:443", &["dns", "tcp://*:443"]);
    // What lies in both is no rule: neither is given.
    check("tcp://1.1.1.1:*", "tcp://*:443", &[]);
}

#[test]
fn wishes_are_read_and_written_back() {
    for text in ["", EVERYTHING, "[network]\n\"tcp://127.0.0.1:80\" = \"the data base\""] {
        let asked = wishes(text);
        assert_eq!(wishes(&toml::to_string(&asked).unwrap()), asked, "{text}");
        let json = serde_json::to_string(&asked).unwrap();
        assert_eq!(serde_json::from_str::<Wishes>(&json).unwrap(), asked, "{text}");
    }
    let check = |text: &str, expect: &str| {
        let error = toml::from_str::<Wishes>(text).unwrap_err().to_string();
        assert!(error.contains(expect), "{error}");
    };
    check("exec = \"\"", "`exec`");
    check("network = [\"dns\"]", "a table of network rules, each with a reason");
    check("[network]\n\"tcp://nowhere\" = \"\"", "\"tcp://nowhere\" is not a network rule");
    check("[[directories]]\nguest = \"a\"\nhost = \"/\"", "`host`");
}

#[test]
fn a_fresh_directory_has_the_smaller_of_both_sizes() {
    let granted = grants(r#"scratch = [{ guest = "tmp", bytes = 100, files = 10 }]"#);
    let given = |wish: &str| granted.within(&wishes(&format!("scratch = [{wish}]"))).scratch;
    let sizes =
        |wish: &str| given(wish).iter().map(|scratch| (scratch.bytes, scratch.files)).collect::<Vec<_>>();
    assert_eq!(sizes(r#"{ guest = "/tmp", bytes = 1000, files = 3 }"#), [(100, 3)]);
    assert_eq!(sizes(r#"{ guest = "./tmp/", bytes = 1, files = 1000 }"#), [(1, 10)]);
    assert_eq!(sizes(r#"{ guest = "other", bytes = 1, files = 1 }"#), []);
    // Room for nothing would be a mistake in grants.
    assert_eq!(sizes(r#"{ guest = "tmp", bytes = 1, files = 0 }"#), []);
    assert!(granted.within(&wishes(r#"directories = [{ guest = "tmp" }]"#)).scratch.is_empty());
}

#[test]
fn files_that_the_grants_hold_are_wished_as_a_directory() {
    let granted = grants(r#"files = [{ guest = "config", contents = { "a" = "b" } }]"#);
    let wish = wishes(r#"directories = [{ guest = "/config", access = "read-write" }]"#);
    assert_eq!(granted.within(&wish).files, granted.files);
    assert!(granted.within(&wishes(r#"directories = [{ guest = "other" }]"#)).files.is_empty());
}

#[test]
fn a_quota_goes_with_the_right_to_write() {
    let granted = grants(
        r#"directories = [{ host = "a", guest = "data", access = "read-write", quota = { bytes = 1, files = 2 } }]"#,
    );
    let given = |access: &str| {
        let wish = format!(r#"directories = [{{ guest = "data", access = "{access}" }}]"#);
        let given = granted.within(&wishes(&wish));
        given.check().unwrap();
        given.directories[0].quota.is_some()
    };
    assert!(given("read-write"));
    assert!(!given("read-only"));
}
