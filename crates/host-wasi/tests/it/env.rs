//! Arguments and environment variables: none by default, then exactly those granted.

use std::env;

use host_wasi::{GrantError, Grants, Wasi};

use crate::command::{BOTH, Form, run};

fn variables(form: Form, grants: Grants) -> Vec<String> {
    let ended = run(form, grants, &[]);
    ended.result.as_ref().unwrap();
    ended.stdout().lines().filter_map(|line| line.strip_prefix("env ")).map(str::to_owned).collect()
}

#[test]
fn nothing_is_inherited_by_itself() {
    for form in BOTH {
        assert!(variables(form, Grants::default()).is_empty(), "{form:?}");
    }
}

#[test]
fn exactly_the_given_ones_are_there() {
    for form in BOTH {
        let grants = Grants::default().env("B", "2").env("A", "first").env("A", "= é").env("EMPTY", "");
        assert_eq!(variables(form, grants), ["A== é", "B=2", "EMPTY="], "{form:?}");
    }
}

#[test]
fn names_and_patterns_choose_what_is_inherited() {
    // Cargo sets these for every test it runs.
    let mut expect: Vec<String> = env::vars()
        .filter(|(name, _)| name.starts_with("CARGO_PKG_VERSION"))
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    expect.push("CARGO_PKG_NAME=given".to_owned());
    expect.sort();
    assert!(expect.len() > 3, "{expect:?}");
    for form in BOTH {
        let grants = Grants::default()
            .inherit_env(["CARGO_PKG_VERSION*", "CARGO_PKG_NAME", "NO_SUCH_VARIABLE"])
            .env("CARGO_PKG_NAME", "given");
        assert_eq!(variables(form, grants), expect, "{form:?}");
    }
}

#[test]
fn arguments_arrive_as_they_are() {
    for form in BOTH {
        let ended = run(form, Grants::default(), &["with space", "", "é"]);
        let expect = "arg 0 command\narg 1 with space\narg 2 \narg 3 é\n";
        assert_eq!(ended.stdout(), expect, "{form:?}");
    }
}

#[test]
fn what_no_program_could_receive_is_refused() {
    let refused = |grants| Wasi::new(&grants).unwrap_err();
    assert!(matches!(refused(Grants::default().env("A=B", "")), GrantError::VariableName { .. }));
    assert!(matches!(refused(Grants::default().env("", "")), GrantError::VariableName { .. }));
    assert!(matches!(refused(Grants::default().env("A", "\0")), GrantError::VariableValue { .. }));
    assert!(matches!(
        refused(Grants::default().inherit_env(["A", "B=*"])),
        GrantError::VariablePattern { index: 1, .. }
    ));
    assert!(matches!(refused(Grants::default().args(["a", "b\0"])), GrantError::Argument { index: 1 }));
}
