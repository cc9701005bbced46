//! Directories made from a map: they hold what the grants say, and cannot be written.

use host_wasi::{Grants, Wasi};

use crate::command::BOTH;
use crate::file_guest::{check, run_files};

const WRITTEN: &str = r#"
    [[files]]
    guest = "config"
    [files.contents]
    "app/settings.toml" = "colour = 1"
    "app/deep/er" = ""
    "bytes" = { bytes = [104, 105] }
"#;

#[test]
fn what_is_written_can_be_read_and_not_changed() {
    let grants: Grants = toml::from_str(WRITTEN).unwrap();
    let built = Grants::default().files("config", [("app/settings.toml", "colour = 1"), ("app/deep/er", "")]);
    assert_eq!(built.files[0].contents["app/deep/er"], grants.files[0].contents["app/deep/er"]);
    assert_eq!(toml::from_str::<Grants>(&toml::to_string(&grants).unwrap()).unwrap(), grants);
    for form in BOTH {
        let args = [
            "--read=config/app/settings.toml",
            "--read=config/bytes",
            "--length=config/app/deep/er",
            "--write=config/bytes:1",
            "--create=config/new",
            "--remove=config/bytes",
        ];
        let ended = run_files(form, &grants, &args);
        for line in ["contents colour = 1", "contents hi", "length 0"] {
            assert!(ended.printed(line), "{form:?}: {}", ended.stdout());
        }
        assert_eq!(
            ended.stdout().lines().filter(|line| line.ends_with(" 63")).count(),
            3,
            "{}",
            ended.stdout()
        );
        let denials = ended.wasi.denials();
        assert_eq!(denials.len(), 3, "{denials:?}");
        assert!(denials[0].asked == "to write `config/bytes`" && denials[0].grant.starts_with("[[scratch]]"));
    }
}

#[test]
fn it_may_be_empty() {
    for form in BOTH {
        let none: [(&str, &str); 0] = [];
        let ended = check(form, &Grants::default().files("config", none), &[("--list=config", "ok")]);
        assert!(ended.printed("entries 0"), "{form:?}: {}", ended.stdout());
    }
}

#[test]
fn names_that_lead_elsewhere_or_nowhere_are_refused() {
    let check = |names: &[&str], expect: &str| {
        let files = names.iter().map(|name| (*name, "text"));
        let error = Wasi::new(&Grants::default().files("config", files)).unwrap_err().to_string();
        assert_eq!(error, expect);
    };
    check(&["a/../b"], r#"files[0].contents."a/../b": the path must not contain `.` or `..` as a part"#);
    check(&["./a"], r#"files[0].contents."./a": the path must not contain `.` or `..` as a part"#);
    check(&["/etc/passwd"], r#"files[0].contents."/etc/passwd": the path must not be absolute"#);
    check(&[""], r#"files[0].contents."": the path has an empty part; write `directory/file`"#);
    check(&["a//b"], r#"files[0].contents."a//b": the path has an empty part; write `directory/file`"#);
    check(&["a/"], r#"files[0].contents."a/": the path has an empty part; write `directory/file`"#);
    check(&["a\0"], r#"files[0].contents."a\U00000000": the path must not contain a NUL character"#);
    check(&["a", "a/b"], r#"files[0].contents."a/b": the path lies in what is a file itself"#);
    check(&["a", "a.txt", "a/b/c"], r#"files[0].contents."a/b/c": the path lies in what is a file itself"#);
    let long = "x".repeat(256);
    check(&[&long], &format!(r#"files[0].contents.{long}: the path has a part longer than 255 bytes"#));
}

#[test]
fn what_is_no_content_is_told_with_its_line() {
    let check = |contents: &str, expect: &[&str]| {
        let text = format!("[[files]]\nguest = \"config\"\n[files.contents]\na = {contents}");
        let error = toml::from_str::<Grants>(&text).unwrap_err().to_string();
        for part in expect {
            assert!(error.contains(part), "{error}");
        }
    };
    check("1", &["line 4", "expected a text, or `{ bytes = [..] }`"]);
    check("{ text = \"a\" }", &["line 4", "`text`", "`bytes`"]);
    check("{ bytes = [256] }", &["line 4", "256"]);
    check("{}", &["line 4", "missing field `bytes`"]);
}

/// A name that no file system takes: the files cannot be written, and that is said.
#[test]
fn a_path_too_long_to_be_made_is_an_error_of_set_up() {
    let path = vec!["x".repeat(200); 100].join("/");
    let error = Wasi::new(&Grants::default().files("config", [(path, "")])).unwrap_err();
    assert!(error.to_string().starts_with("files[0].contents: "), "{error}");
    assert!(std::error::Error::source(&error).is_some());
}
