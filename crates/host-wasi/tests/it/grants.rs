//! The written form: what can be written, what is refused and in which words.

use std::path::Path;

use host_wasi::{Access, GrantError, Grants, Output, Stdin, Wasi};

const EVERYTHING: &str = r#"
args = ["app", "--verbose"]
stdin = { file = "input.txt" }
stdout = { capture = 4096 }
stderr = "inherit"
inherit-env = ["LANG", "LC_*"]
network = ["dns", "tcp://127.0.0.1:8080", "tcp://*:*", "udp://[::1]:53"]

[env]
KEY = "VALUE"

[[directories]]
host = "./data"
guest = "data"

[[directories]]
host = "/absolute"
guest = "/work"
access = "read-write"
"#;

fn read(text: &str) -> Grants {
    toml::from_str(text).unwrap()
}

#[test]
fn nothing_written_is_nothing_granted() {
    assert_eq!(read(""), Grants::default());
    let nothing = Grants::default();
    assert!(nothing.args.is_empty() && nothing.env.is_empty() && nothing.inherit_env.is_empty());
    assert!(nothing.directories.is_empty() && nothing.network.is_empty());
    assert_eq!(
        (nothing.stdin, nothing.stdout, nothing.stderr),
        (Stdin::Closed, Output::Discard, Output::Discard)
    );
}

#[test]
fn everything_can_be_written_or_built() {
    let mut grants = Grants::default()
        .args(["app", "--verbose"])
        .stdin(Stdin::File("input.txt".into()))
        .stdout(Output::Capture(4096))
        .stderr(Output::Inherit)
        .inherit_env(["LANG", "LC_*"])
        .env("KEY", "VALUE")
        .directory("./data", "data", Access::ReadOnly)
        .directory("/absolute", "/work", Access::ReadWrite);
    for rule in ["dns", "tcp://127.0.0.1:8080", "tcp://*:*", "udp://[::1]:53"] {
        grants = grants.network(rule.parse().unwrap());
    }
    assert_eq!(read(EVERYTHING), grants);
    grants.check().unwrap();
}

#[test]
fn what_is_written_back_reads_the_same() {
    for text in [
        "",
        EVERYTHING,
        "stdin = { text = \"a\\nb\" }",
        "stdin = { bytes = [0, 255] }",
        "stdin = \"inherit\"",
        "stdout = { file = { path = \"out\", size = 9 } }\nstderr = { lines = 80 }",
        "clocks = { fixed = \"2026-01-01T00:00:00.000000001Z\" }\nrandom = { seeded = 42 }",
        "clocks = { stepped = { start = \"1970-01-01T00:00:00Z\", step = \"1h 5ns\" } }\nrandom = \"real\"",
    ] {
        let grants = read(text);
        assert_eq!(read(&toml::to_string(&grants).unwrap()), grants, "{text}");
    }
}

#[test]
fn a_mistake_is_told_with_its_line_and_what_is_allowed() {
    let check = |text: &str, expect: &[&str]| {
        let message = toml::from_str::<Grants>(text).unwrap_err().to_string();
        for part in expect {
            assert!(message.contains(part), "{message}");
        }
    };
    check("args = []\nenvironment = {}", &["line 2", "`environment`", "`inherit-env`"]);
    check("[[directories]]\nhost = \"a\"\nguest = \"b\"\nmode = 1", &["line 4", "`mode`", "`access`"]);
    check("[[directories]]\nhost = \"a\"", &["missing field `guest`"]);
    check("stdin = \"open\"", &["line 1", "`open`", "`closed`", "`inherit`", "`file`"]);
    check("\nstdout = \"closed\"", &["line 2", "`closed`", "`discard`", "`capture`", "`lines`"]);
    check("stdout = { file = { path = \"a\" } }", &["line 1", "`size`"]);
    check(
        "stdout = { file = { path = \"a\", size = 1, append = true } }",
        &["line 1", "append", "path, size"],
    );
    check("\nclocks = { fixed = \"today\" }", &["line 2", "today", "2026-01-01T00:00:00Z"]);
    check("clocks = { fixed = \"1960-01-01T00:00:00Z\" }", &["line 1", "from 1970 to 2554"]);
    check("clocks = { fixed = 2026-01-01T00:00:00Z }", &["line 1", "expected a string"]);
    check("clocks = { stepped = { start = \"2026-01-01T00:00:00Z\" } }", &["line 1", "`step`"]);
    check(
        "clocks = { stepped = { start = \"2026-01-01T00:00:00Z\", step = \"often\" } }",
        &["line 1", "\"often\" is not a step of time"],
    );
    check("random = { seeded = -1 }", &["line 1", "-1"]);
    check("random = \"fixed\"", &["line 1", "`fixed`", "`real`", "`seeded`"]);
    check("stdout = { capture = -1 }", &["line 1", "-1"]);
    check("stdout = { capture = \"1MiB\" }", &["line 1", "1MiB"]);
    check(
        "[[directories]]\nhost = \"a\"\nguest = \"b\"\naccess = \"write\"",
        &["line 4", "`read-only`", "`read-write`"],
    );
    check("args = [\"a\", 1]", &["line 1", "expected a string"]);
    check("[env]\nDEBUG = true", &["line 2", "expected a string"]);
}

#[test]
fn a_wrong_network_rule_says_how_to_write_one() {
    let check = |rule: &str, problem: &str| {
        let error = toml::from_str::<Grants>(&format!("network = [\"{rule}\"]")).unwrap_err().to_string();
        assert!(error.contains("line 1") && error.contains(problem), "{error}");
    };
    check("127.0.0.1:80", "write `dns`, `dns:NAME`, `tcp://HOST:PORT`");
    check("sctp://127.0.0.1:80", "is not known: write `dns`, `tcp`");
    check("tcp://127.0.0.1", "write `tcp://127.0.0.1:443`");
    check("tcp://127.0.0.1:0", "port 0 is nobody's: write 1 to 65535");
    check("tcp://127.0.0.1:65536", "is no port: write 1 to 65535");
    check("tcp://127.0.0.1:81-80", "write `80-81`");
    check("tcp://10.0.0.1/8:80", "write 10.0.0.0/8");
    check("tcp://a.*.org:80", "as in `*.example.org`");
    check("tcp://::1:80", "write `[::1]`");
    check("https://example.org", "write `/*`");
    check("DNS", "the protocol is missing");
}

#[test]
fn paths_can_be_made_relative_to_the_policy() {
    let mut grants = read(EVERYTHING);
    grants.resolve_paths("/etc/policies");
    assert_eq!(grants.stdin, Stdin::File("/etc/policies/input.txt".into()));
    assert_eq!(grants.directories[0].host, Path::new("/etc/policies/./data"));
    assert_eq!(grants.directories[1].host, Path::new("/absolute"));
    let mut grants = read("stdout = { file = { path = \"out\", size = 9 } }");
    grants.resolve_paths("/etc/policies");
    assert_eq!(grants.stdout, Output::File { path: "/etc/policies/out".into(), size: 9 });
}

/// An empty path, perhaps out of a variable that was not set, must not become the whole folder of the policy.
#[test]
fn an_empty_host_path_grants_nothing() {
    for resolved in [false, true] {
        let mut grants = Grants::default().directory("", "data", Access::ReadWrite);
        if resolved {
            grants.resolve_paths(".");
        }
        let error = grants.check().unwrap_err();
        assert!(matches!(error, GrantError::HostPath { index: 0 }), "{error:?}");
        assert!(error.to_string().starts_with("directories[0].host: "), "{error}");
    }
}

#[test]
fn guest_paths_are_checked() {
    let problem = |guests: &[&str]| {
        let grants = guests
            .iter()
            .fold(Grants::default(), |grants, guest| grants.directory(".", *guest, Access::ReadOnly));
        match grants.check() {
            Ok(()) => String::new(),
            Err(error @ GrantError::GuestPath { .. }) => error.to_string(),
            Err(error) => panic!("{error:?}"),
        }
    };
    assert_eq!(problem(&["data", "/", "data/inner", "..."]), "");
    assert!(problem(&["data", ""]).starts_with("directories[1].guest: the guest path \"\" is empty"));
    assert!(problem(&["data/../etc"]).contains("must not contain `..`"));
    assert!(problem(&["data\0"]).contains("must not contain a NUL"));
    for same in ["data", "./data", "/data", "data/"] {
        assert!(problem(&["data", "other", same]).contains("is granted twice"), "{same}");
    }
    assert!(problem(&[".", "/"]).contains("is granted twice"));
}

#[test]
fn an_error_names_the_key() {
    let check = |text: &str, key: &str| {
        let grants = read(text);
        let error = grants.check().err().unwrap_or_else(|| Wasi::new(&grants).unwrap_err());
        assert_eq!(error.key(), key);
        assert!(error.to_string().starts_with(&format!("{key}: ")), "{error}");
    };
    check("args = [\"a\", \"\\u0000\"]", "args[1]");
    check("env = { NAME = \"\\u0000\" }", "env.NAME");
    check("env = { \"A=B\" = \"\" }", "env.\"A=B\"");
    check("env = { \"A\\u0000\" = \"\" }", "env.\"A\\U00000000\"");
    check("env = { \"\" = \"\" }", "env.\"\"");
    check("inherit-env = [\"A\", \"A=*\"]", "inherit-env[1]");
    check("inherit-env = [\"\"]", "inherit-env[0]");
    check("inherit-env = [\"A\\u0000\"]", "inherit-env[0]");
    check("stdin = { file = \"\" }", "stdin.file");
    check("stdin = { file = \"no-such-file\" }", "stdin.file");
    check("stdin = { file = \".\" }", "stdin.file");
    check("stdout = { file = { path = \"\", size = 1 } }", "stdout.file.path");
    check("stderr = { file = { path = \".\", size = 1 } }", "stderr.file.path");
    check("stderr = { lines = 0 }", "stderr.lines");
    check("stdout = { lines = 80 }", "stdout.lines");
    check(
        "clocks = { stepped = { start = \"2026-01-01T00:00:00Z\", step = \"0s\" } }",
        "clocks.stepped.step",
    );
    check("[[directories]]\nhost = \".\"\nguest = \"..\"", "directories[0].guest");
    check("[[directories]]\nhost = \"\"\nguest = \"a\"", "directories[0].host");
    check("[[directories]]\nhost = \"no-such-directory\"\nguest = \"a\"", "directories[0].host");
}

#[test]
fn the_same_grants_can_be_given_many_times() {
    let grants = Grants::default().directory(".", ".", Access::ReadOnly).stdout(Output::Capture(10));
    for _ in 0..3 {
        assert_eq!(Wasi::new(&grants).unwrap().stdout(), b"");
    }
}
