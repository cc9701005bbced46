//! The file an operator writes: what it means, and what is said when it is wrong.

use std::fs;

use host_plugins::host_limits::{Bytes, Limits};
use host_plugins::host_wasi::{Grants, Output, Stdin, Wasi};
use host_plugins::{PluginHost, Policy, PolicyError};

use crate::{ok, string};

#[test]
fn nothing_said_grants_nothing_and_limits_everything() {
    let policy = Policy::from_toml("").unwrap();
    assert_eq!(policy, Policy::default());
    assert_eq!(policy.grants, Grants::default());
    assert_eq!(policy.limits, Limits::default());
}

#[test]
fn a_wrong_policy_is_refused_with_its_line() {
    for (text, line, says) in [
        ("[limits]\nmemroy = \"1MiB\"", "line 2", "unknown field `memroy`"),
        ("[limits]\n\nmemory = \"64MB\"", "line 3", "no known unit"),
        ("[limits]\nmemory = \"-64MiB\"", "line 2", "from 0 up"),
        ("[limits]\nmemory = -1", "line 2", "a size as text with a unit"),
        ("[limits]\ndeadline = \"1 parsec\"", "line 2", "is not a time"),
        ("[limit]\n", "line 1", "unknown field `limit`"),
        ("profile = \"fast\"", "line 1", "throughput"),
        ("[grants]\nnetwrok = []", "line 2", "unknown field `netwrok`"),
        ("[grants]\nstdout = \"everywhere\"", "line 2", "stdout"),
        ("[limits\n", "line 1", ""),
    ] {
        let error = Policy::from_toml(text).unwrap_err().to_string();
        assert!(error.contains(line) && error.contains(says), "{text:?}: {error}");
    }
}

#[test]
fn a_policy_file_is_named_where_it_fails() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("policy.toml");
    assert!(matches!(Policy::read(&path), Err(PolicyError::Read { .. })));
    fs::write(&path, "limits = 3").unwrap();
    let error = Policy::read(&path).unwrap_err().to_string();
    assert!(error.contains("policy.toml") && error.contains("line 1"), "{error}");
}

#[test]
fn paths_are_taken_from_the_policy_s_directory() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("policy.toml");
    fs::write(&path, "[[grants.directories]]\nhost = \"data\"\nguest = \"data\"\n").unwrap();
    let policy = Policy::read(&path).unwrap();
    assert_eq!(policy.grants.directories[0].host, directory.path().join("data"));
}

#[test]
fn a_grant_that_nobody_can_have_is_refused_with_key_and_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("policy.toml");
    for (text, line, key) in [
        ("[grants]\nargs = [\n\"a\",\n\"\\u0000\",\n]", 4, "args[1]"),
        ("[limits]\n[grants.env]\nA = \"\"\n\"B=C\" = \"\"", 4, "env.\"B=C\""),
        ("[grants]\ninherit-env = [\"A\", \"B=*\"]", 2, "inherit-env[1]"),
        ("grants.stderr = { lines = 1 }", 1, "stderr.lines"),
        ("[[grants.directories]]\nhost = \"a\"\nguest = \"../b\"", 3, "directories[0].guest"),
        (
            "[grants]\ndirectories = [{ host = \"a\", guest = \"b\" },\n{ host = \"\", guest = \"c\" }]",
            3,
            "directories[1].host",
        ),
    ] {
        let error = Policy::from_toml(text).unwrap_err();
        let begin = format!("the policy is wrong in line {line}: grants.{key}: ");
        assert!(error.to_string().starts_with(&begin), "{error}");
        assert!(matches!(error, PolicyError::Grant { line: Some(found), .. } if found == line), "{error:?}");

        fs::write(&path, text).unwrap();
        let error = Policy::read(&path).unwrap_err().to_string();
        let begin = format!("the policy `{}` is wrong in line {line}: grants.{key}: ", path.display());
        assert!(error.starts_with(&begin), "{error}");
    }
}

#[test]
fn a_grant_that_fails_later_can_be_found_in_the_file() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("policy.toml");
    fs::write(&path, "[grants]\nargs = []\n[[grants.directories]]\nguest = \"data\"\nhost = \"no-such\"\n")
        .unwrap();
    let mut policy = Policy::read(&path).unwrap();
    let place = policy.locate(&Wasi::new(&policy.grants).unwrap_err()).unwrap();
    assert_eq!((place.path.as_ref(), place.line), (Some(&path), 5));
    assert_eq!(place.to_string(), format!("`{}`, line 5", path.display()));

    // What is not from the file is not said to be there.
    policy.grants.directories.clear();
    policy.grants.stdin = Stdin::File("no-such".into());
    assert_eq!(policy.locate(&Wasi::new(&policy.grants).unwrap_err()), None);
    let streams = Grants::default().stdout(Output::Lines(1));
    let error = Policy::read_with_streams(&path, &streams).unwrap_err();
    assert!(matches!(error, PolicyError::Grant { line: None, .. }), "{error:?}");
}

#[tokio::test]
async fn a_directory_that_is_not_there_fails_the_call_and_runs_nothing() {
    let mut policy =
        Policy::from_toml("[[grants.directories]]\nhost = \"/no/such/place\"\nguest = \"data\"").unwrap();
    let call = async |policy: Policy| {
        let host = PluginHost::new(policy, None).unwrap();
        host.load_file(fixtures::path("plugins/greeter")).unwrap();
        host.call("greeter", "process", &[string("Ada")]).await
    };
    let error = call(policy.clone()).await.unwrap_err();
    assert!(error.fault().is_none() && error.to_string().contains("/no/such/place"), "{error}");
    policy.grants.directories.clear();
    assert_eq!(call(policy).await.unwrap().value, [ok("Hello, Ada!")]);
}

#[test]
fn limits_no_engine_can_hold_are_a_set_up_error() {
    let mut policy = Policy::default();
    policy.limits.stack = Bytes::new(u64::MAX);
    let Err(error) = PluginHost::new(policy, None) else { panic!("a stack of all memory was accepted") };
    assert!(error.to_string().contains("set `stack` to 1GiB or less"), "{error}");
}
