//! What a guest gets of what it asks for, and what it does not ask for.

use super::grant_text::{self, access_text, directory_to_add, list, missing, to_add};
use super::{Answer, Verdict};
use crate::environment::{covers, is_name, matches};
use crate::key::{self, key_text, quoted};
use crate::wishes::{same_path, wished_access};
use crate::{Access, Grants, Need, NetworkRule, Scratch, WishedDirectory, WishedScratch, Wishes};

/// An answer for each wish.
pub(super) fn answers(grants: &Grants, wishes: &Wishes) -> Vec<Answer> {
    let streams = [
        (Need::Arguments, "args", &wishes.args),
        (Need::Stdin, "stdin", &wishes.stdin),
        (Need::Stdout, "stdout", &wishes.stdout),
        (Need::Stderr, "stderr", &wishes.stderr),
    ];
    let streams = streams.into_iter().filter_map(|(need, key, reason)| {
        let given = grant_text::lines(grants, need).pop();
        let given = given.map(|line| (Verdict::Granted, line));
        let why = missing(need).to_owned();
        Some(answer(key.to_owned(), given, why, to_add(need), reason.as_ref()?))
    });
    let variables = wishes.env.iter().map(|(wished, reason)| variable(grants, wished, reason));
    let rules = wishes.network.iter().map(|wish| {
        let names = |rules: Vec<&NetworkRule>| rules.iter().map(ToString::to_string).collect::<Vec<_>>();
        let covering = names(grants.network.iter().filter(|granted| granted.covers(&wish.rule)).collect());
        let covered = names(grants.network.iter().filter(|granted| wish.rule.covers(granted)).collect());
        let given = if let Some(first) = covering.first() {
            Some((Verdict::Granted, list("network", std::slice::from_ref(first))))
        } else if wish.rule.is_covered_by(&grants.network) {
            Some((Verdict::Granted, "other rules together cover it".to_owned()))
        } else if covered.is_empty() {
            None
        } else {
            Some((Verdict::InPart, list("network", &covered)))
        };
        let rule = wish.rule.to_string();
        let subject = key_text(&[key::name("network"), key::name(&rule)]);
        let add = list("network", &[rule]);
        answer(subject, given, "no granted rule covers it".to_owned(), Some(add), &wish.reason)
    });
    let directories = wishes.directories.iter().map(|wish| directory(grants, wish));
    let scratch = wishes.scratch.iter().map(|wish| scratch(grants, wish));
    streams.chain(variables).chain(rules).chain(directories).chain(scratch).collect()
}

/// An answer for each grant that no wish asks for, as far as it can be told apart.
pub(super) fn unasked(grants: &Grants, wishes: &Wishes) -> Vec<Answer> {
    let streams = [
        (Need::Arguments, &wishes.args),
        (Need::Stdin, &wishes.stdin),
        (Need::Stdout, &wishes.stdout),
        (Need::Stderr, &wishes.stderr),
    ];
    let streams = streams
        .into_iter()
        .filter(|(_, wish)| wish.is_none())
        .flat_map(|(need, _)| grant_text::lines(grants, need));
    let given = grants.env.keys().filter(|name| !wishes.env.keys().any(|wished| matches(wished, name)));
    let inherited = grants.inherit_env.iter().filter(|granted| {
        !wishes.env.keys().any(|wished| covers(granted, wished) || covers(wished, granted))
    });
    let rules = grants.network.iter().filter(|granted| {
        // Also one that only together with others gives what is wished is used.
        let others: Vec<_> = grants.network.iter().filter(|other| other != granted).cloned().collect();
        !wishes.network.iter().map(|wish| &wish.rule).any(|rule| {
            rule.covers(granted)
                || granted.covers(rule)
                || (rule.is_covered_by(&grants.network) && !rule.is_covered_by(&others))
        })
    });
    let directories =
        grants.directories.iter().filter(|granted| wished_access(&granted.guest, wishes).is_none());
    let files = grants.files.iter().filter(|granted| wished_access(&granted.guest, wishes).is_none());
    let scratch = grants
        .scratch
        .iter()
        .filter(|granted| !wishes.scratch.iter().any(|wish| same_path(&wish.guest, &granted.guest)));
    streams
        .chain(given.map(|name| grant_text::variable(name)))
        .chain(inherited.map(|pattern| list("inherit-env", std::slice::from_ref(pattern))))
        .chain(rules.map(|rule| list("network", &[rule.to_string()])))
        .chain(directories.map(grant_text::directory))
        .chain(files.map(grant_text::files))
        .chain(scratch.map(|Scratch { guest, bytes, files }| grant_text::scratch(guest, *bytes, *files)))
        .map(|subject| Answer {
            subject,
            need: None,
            verdict: Verdict::NotAsked,
            why: String::new(),
            add: None,
            reason: None,
        })
        .collect()
}

/// What is given, with its verdict, or why nothing is; the line to add stands wherever something is missing.
fn answer(
    subject: String,
    given: Option<(Verdict, String)>,
    missing: String,
    add: Option<String>,
    reason: &str,
) -> Answer {
    let (verdict, why) = given.unwrap_or((Verdict::Refused, missing));
    Answer {
        subject,
        need: None,
        verdict,
        why: if verdict == Verdict::InPart { format!("only {why}") } else { why },
        add: add.filter(|_| verdict != Verdict::Granted),
        reason: Some(reason.to_owned()),
    }
}

fn variable(grants: &Grants, wished: &str, reason: &str) -> Answer {
    let subject = key_text(&[key::name("env"), key::name(wished)]);
    if !is_name(wished) {
        return answer(subject, None, "it is not the name of a variable".to_owned(), None, reason);
    }
    let inherited = grants.inherit_env.iter().find(|granted| covers(granted, wished));
    let narrower = grants.inherit_env.iter().filter(|granted| covers(wished, granted)).cloned();
    let given = grants.env.keys().filter(|name| matches(wished, name));
    // A wish for one variable is granted when it is given. Of a pattern, only a granted pattern gives all.
    let given_verdict = if wished.contains('*') { Verdict::InPart } else { Verdict::Granted };
    let mut partly: Vec<String> = given.map(|name| grant_text::variable(name)).collect();
    let narrower: Vec<String> = narrower.collect();
    if !narrower.is_empty() {
        partly.push(list("inherit-env", &narrower));
    }
    let given = match inherited {
        Some(pattern) => Some((Verdict::Granted, list("inherit-env", std::slice::from_ref(pattern)))),
        None if partly.is_empty() => None,
        None => Some((given_verdict, partly.join("; "))),
    };
    let add = list("inherit-env", &[wished.to_owned()]);
    answer(subject, given, "no variable of that name is granted".to_owned(), Some(add), reason)
}

fn directory(grants: &Grants, WishedDirectory { guest, access, reason }: &WishedDirectory) -> Answer {
    let subject = format!("directory {}, {}", quoted(guest), access_text(*access));
    let found = grants.directories.iter().enumerate().find(|(_, granted)| same_path(&granted.guest, guest));
    let files = grants.files.iter().find(|granted| same_path(&granted.guest, guest));
    let verdict = |enough| if enough { Verdict::Granted } else { Verdict::InPart };
    let (given, add) = match (found, files) {
        (None, None) => (None, directory_to_add(guest, *access)),
        (None, Some(files)) => {
            let verdict = verdict(*access == Access::ReadOnly);
            (Some((verdict, grant_text::files(files))), directory_to_add(guest, *access))
        }
        (Some((index, granted)), _) => {
            let verdict = verdict(*access == Access::ReadOnly || granted.access == Access::ReadWrite);
            let add = format!("directories[{index}].access = {}", quoted(access_text(*access)));
            (Some((verdict, grant_text::directory(granted))), add)
        }
    };
    answer(subject, given, "no directory is granted under that path".to_owned(), Some(add), reason)
}

fn scratch(grants: &Grants, wish: &WishedScratch) -> Answer {
    let WishedScratch { guest, bytes, files, reason } = wish;
    let subject = format!("scratch {}, {bytes} bytes in {files} files", quoted(guest));
    let found = grants.scratch.iter().find(|granted| same_path(&granted.guest, guest));
    let given = found.map(|granted| {
        let enough = granted.bytes >= *bytes && granted.files >= *files;
        let verdict = if enough { Verdict::Granted } else { Verdict::InPart };
        (verdict, grant_text::scratch(&granted.guest, granted.bytes, granted.files))
    });
    let add = grant_text::scratch(guest, *bytes, *files);
    answer(subject, given, "no scratch directory is granted under that path".to_owned(), Some(add), reason)
}
