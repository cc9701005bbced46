//! What a guest gets of what it imports.

use super::grant_text::{lines, missing, to_add};
use super::{Answer, Verdict};
use crate::needs::{Import, of_import};
use crate::{Grants, Need, NetworkRule, Wishes};

/// An answer for each thing that the guest may use by this import; none, if it is not of WASI.
pub(super) fn answers(import: &str, grants: &Grants, wishes: Option<&Wishes>) -> Vec<Answer> {
    let answer = |need: Option<Need>, verdict, why: String| Answer {
        subject: import.to_owned(),
        need,
        verdict,
        why,
        add: need.filter(|_| verdict == Verdict::Refused).and_then(to_add),
        reason: None,
    };
    let needs = match of_import(import) {
        Import::NotWasi => return Vec::new(),
        Import::Unserved => {
            return vec![answer(None, Verdict::Refused, "this host does not serve it".to_owned())];
        }
        Import::Served([]) => return vec![answer(None, Verdict::Granted, "it needs no grant".to_owned())],
        Import::Served(needs) => needs,
    };
    let given = wishes.map_or_else(|| grants.clone(), |wishes| grants.within(wishes));
    let one = |need: Need| {
        let given = lines(&given, need);
        if need.grant().is_none() {
            let why = given.first().cloned().unwrap_or_else(|| "every guest has it".to_owned());
            answer(Some(need), Verdict::Granted, why)
        } else if !given.is_empty() {
            answer(Some(need), Verdict::Granted, given.join("; "))
        } else if wishes.is_some_and(|wishes| !asks(wishes, need)) {
            answer(Some(need), Verdict::NotAsked, "its manifest does not ask for it".to_owned())
        } else if lines(grants, need).is_empty() {
            answer(Some(need), Verdict::Refused, missing(need).to_owned())
        } else {
            answer(Some(need), Verdict::Refused, "nothing of what is granted is what it asks for".to_owned())
        }
    };
    needs.iter().map(|need| one(*need)).collect()
}

/// Whether a manifest asks for anything of this kind.
fn asks(wishes: &Wishes, need: Need) -> bool {
    let rule = |fits: fn(&NetworkRule) -> bool| wishes.network.iter().any(|wish| fits(&wish.rule));
    match need {
        Need::Arguments => wishes.args.is_some(),
        Need::Environment => !wishes.env.is_empty(),
        Need::Stdin => wishes.stdin.is_some(),
        Need::Stdout => wishes.stdout.is_some(),
        Need::Stderr => wishes.stderr.is_some(),
        Need::Directories => !(wishes.directories.is_empty() && wishes.scratch.is_empty()),
        Need::Network => rule(NetworkRule::reaches),
        Need::Names => rule(NetworkRule::looks_up),
        Need::Requests => rule(NetworkRule::asks),
        Need::Clock | Need::Randomness | Need::Exit => true,
    }
}
