//! What a guest is told to get, and what would have to be written for the rest.

use host_wasi::{Explanation, Grants, Need, Verdict, Wishes, explain};

use crate::command::{ENGINE, component, module};

fn grants(text: &str) -> Grants {
    toml::from_str(text).unwrap()
}

fn wishes(text: &str) -> Wishes {
    toml::from_str(text).unwrap()
}

const IMPORTS: [&str; 6] = [
    "wasi:cli/environment@0.2.6",
    "wasi:io/streams@0.2.6",
    "wasi:clocks/wall-clock@0.2.6",
    "wasi:filesystem/types@0.2.6",
    "wasi:made-up/thing@0.2.0",
    "my:own/log",
];

#[test]
fn without_wishes_each_import_is_told_with_its_grant_or_the_line_to_add() {
    let all = grants("args = [\"app\"]\nclocks = { fixed = \"2026-01-01T00:00:00Z\" }");
    let expect = r#"imports
  granted    wasi:cli/environment@0.2.6     arguments               args = ["app"]
  refused    wasi:cli/environment@0.2.6     environment variables   no variable is granted
             add: inherit-env = ["…"]
  granted    wasi:io/streams@0.2.6                                  it needs no grant
  granted    wasi:clocks/wall-clock@0.2.6   clocks                  clocks = { fixed = "2026-01-01T00:00:00Z" }
  refused    wasi:filesystem/types@0.2.6    files and directories   no directory is granted
             add: directories = [{ host = "…", guest = "…", access = "read-only" }]
  refused    wasi:made-up/thing@0.2.0                               this host does not serve it
"#;
    assert_eq!(explain(IMPORTS, &all, None).to_string(), expect);
}

#[test]
fn with_wishes_each_is_told_with_its_reason() {
    let all = grants(
        r#"
        stdin = "inherit"
        inherit-env = ["LC_*"]
        network = ["tcp://1.1.1.1:443", "udp://1.1.1.1:53"]
        env = { TOKEN = "secret" }
        directories = [{ host = "d", guest = "data" }]
        "#,
    );
    let asked = wishes(
        r#"
        stdout = "the counts"
        env = { LC_ALL = "", TOKEN = "to log in", HOME = "" }
        network = { "tcp://*:443" = "prices", "tcp://9.9.9.9:443" = "" }
        directories = [{ guest = "/data", access = "read-write", reason = "the index" }, { guest = "tmp" }]
        "#,
    );
    let explained = explain(["wasi:cli/stdin@0.2.6", "wasi:cli/stdout@0.2.6"], &all, Some(&asked));
    let expect = r#"imports
  not asked  wasi:cli/stdin@0.2.6    standard input    its manifest does not ask for it
  refused    wasi:cli/stdout@0.2.6   standard output   it is discarded
             add: stdout = "inherit"
wishes
  refused    stdout                          it is discarded
             add: stdout = "inherit"
             asked for: the counts
  refused    env.HOME                        no variable of that name is granted
             add: inherit-env = ["HOME"]
  granted    env.LC_ALL                      inherit-env = ["LC_*"]
  granted    env.TOKEN                       env.TOKEN = …
             asked for: to log in
  in part    network."tcp://*:443"           only network = ["tcp://1.1.1.1:443"]
             add: network = ["tcp://*:443"]
             asked for: prices
  refused    network."tcp://9.9.9.9:443"     no granted rule covers it
             add: network = ["tcp://9.9.9.9:443"]
  in part    directory "/data", read-write   only directories = [{ host = "d", guest = "data", access = "read-only" }]
             add: directories[0].access = "read-write"
             asked for: the index
  refused    directory "tmp", read-only      no directory is granted under that path
             add: directories = [{ host = "…", guest = "tmp", access = "read-only" }]
grants that no wish asks for
  not asked  stdin = "inherit"
  not asked  network = ["udp://1.1.1.1:53"]
"#;
    assert_eq!(explained.to_string(), expect);
    assert!(!explained.to_string().contains("secret"));
}

#[test]
fn network_rules_are_told_by_what_they_let_a_guest_do() {
    let all = grants(
        "network = [\"tcp://*:443\", \"udp://example.org:53\", \"https://example.org/*\", \"dns:a.org\"]",
    );
    let why = |import: &str| explain([import], &all, None).imports[0].why.clone();
    assert_eq!(why("wasi:sockets/tcp@0.2.6"), "network = [\"tcp://*:443\", \"udp://example.org:53\"]");
    assert_eq!(
        why("wasi:sockets/ip-name-lookup@0.2.6"),
        "network = [\"udp://example.org:53\", \"dns:a.org\"]"
    );
    if cfg!(feature = "http") {
        assert_eq!(why("wasi:http/outgoing-handler@0.2.6"), "network = [\"https://example.org/*\"]");
    }
    let asked = wishes("[network]\n\"tcp://example.org:443\" = \"\"");
    let all = grants("network = [\"dns\", \"tcp://*:443\", \"udp://*:53\"]");
    let explained = explain([""; 0], &all, Some(&asked));
    assert_eq!(explained.wishes[0].verdict, Verdict::Granted);
    assert_eq!(explained.unasked.len(), 1, "{explained}");
    assert_eq!(all.within(&asked).network, [asked.network[0].rule.clone()]);
}

/// What is told to be granted is what the guest is given, and the line to add gives the rest.
#[test]
fn the_line_to_add_grants_what_was_refused() {
    let asked = wishes(
        r#"
        args = ""
        stdin = ""
        stdout = ""
        stderr = ""
        env = { HOME = "", "LC_*" = "" }
        network = { "dns" = "", "tcp://127.0.0.1:80" = "" }
        directories = [{ guest = "data", access = "read-write" }]
        "#,
    );
    let refused = explain([""; 0], &Grants::default(), Some(&asked));
    assert_eq!(refused.wishes.len(), 9);
    for answer in &refused.wishes {
        assert_eq!(answer.verdict, Verdict::Refused, "{answer:?}");
        let line = answer.add.as_ref().unwrap();
        let granted = explain([""; 0], &grants(line), Some(&asked));
        let now = granted.wishes.iter().find(|now| now.subject == answer.subject).unwrap();
        assert_eq!(now.verdict, Verdict::Granted, "{line}");
        assert!(granted.unasked.is_empty(), "{line}");
    }
}

#[test]
fn the_imports_of_real_guests_are_all_told() {
    let names = module().imports().map(|import| format!("{}.{}", import.module(), import.name()));
    let told = explain(names, &Grants::default(), None);
    assert!(told.imports.len() >= module().imports().len(), "{told}");
    let component_type = component().component_type();
    let told =
        explain(component_type.imports(&ENGINE).map(|(name, _)| name.to_owned()), &Grants::default(), None);
    for answer in &told.imports {
        let needs_grant = answer.need.and_then(Need::grant).is_some();
        let expect = if needs_grant { Verdict::Refused } else { Verdict::Granted };
        assert_eq!(answer.verdict, expect, "{answer:?}");
        assert_eq!(answer.add.is_some(), needs_grant, "{answer:?}");
    }
}

#[test]
fn what_a_guest_wrote_does_nothing_to_a_terminal() {
    let asked = wishes("stdin = \"\\u001b[2J\\u202e\"\n[env]\n\"A\\u001b\" = \"\\n  granted\"");
    let explained = explain(["wasi:\u{1b}[31m/x@0.2.0"], &Grants::default(), Some(&asked));
    let text = explained.to_string();
    assert!(text.chars().all(|character| character == '\n' || !character.is_control()), "{text}");
    assert!(!text.contains('\u{202e}') && !text.contains("\n  granted"), "{text}");
}

#[test]
fn an_explanation_is_data() {
    let explained = explain(IMPORTS, &grants("args = [\"a\"]"), Some(&wishes("stdin = \"\"")));
    let json = serde_json::to_string(&explained).unwrap();
    assert!(json.contains(r#""verdict":"not-asked""#), "{json}");
    assert_eq!(serde_json::from_str::<Explanation>(&json).unwrap(), explained);
}

#[test]
fn directories_of_every_kind_are_told() {
    let all = grants(
        r#"
        scratch = [{ guest = "tmp", bytes = 100, files = 10 }, { guest = "unused", bytes = 1, files = 1 }]
        files = [{ guest = "config", contents = { "a" = "secret" } }]
        "#,
    );
    let asked = wishes(
        r#"
        directories = [{ guest = "config", access = "read-write" }]
        scratch = [{ guest = "tmp", bytes = 1000, files = 1, reason = "to sort" }, { guest = "big", bytes = 1, files = 1 }]
        "#,
    );
    let expect = r#"imports
  granted    wasi:filesystem/types@0.2.6   files and directories   scratch = [{ guest = "tmp", bytes = 100, files = 1 }]; files = [{ guest = "config", contents = … }]
wishes
  in part    directory "config", read-write            only files = [{ guest = "config", contents = … }]
             add: directories = [{ host = "…", guest = "config", access = "read-write" }]
  in part    scratch "tmp", 1000 bytes in 1 files      only scratch = [{ guest = "tmp", bytes = 100, files = 10 }]
             add: scratch = [{ guest = "tmp", bytes = 1000, files = 1 }]
             asked for: to sort
  refused    scratch "big", 1 bytes in 1 files         no scratch directory is granted under that path
             add: scratch = [{ guest = "big", bytes = 1, files = 1 }]
grants that no wish asks for
  not asked  scratch = [{ guest = "unused", bytes = 1, files = 1 }]
"#;
    let told = explain(["wasi:filesystem/types@0.2.6"], &all, Some(&asked)).to_string();
    let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(words(&told), words(expect), "{told}");
}
