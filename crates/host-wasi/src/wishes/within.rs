//! What does a guest get of what it asks for, and of what it is granted? Only what is both.

use crate::environment::{covers, is_name, matches};
use crate::files::guest_path::components;
use crate::{Access, Directory, Grants, NetworkRule, Output, Scratch, Stdin, Wishes};

impl Grants {
    /// The grants, but only what the guest asks for: never more than is granted, and never more than is wished.
    ///
    /// * Arguments and standard streams are those granted, if the guest asks for them.
    /// * A variable is there if its name is wished. A wished pattern and a granted one give the narrower of the two,
    ///   and nothing if neither is.
    /// * A directory is there if its guest path is wished; written to only if both say so.
    /// * Files that the grants hold are there if a directory of their guest path is wished.
    /// * A fresh directory is there if its guest path is wished, with the smaller of both sizes.
    /// * A network rule is there if it is wished and the granted ones [cover](NetworkRule::covers) it. Of a wish that
    ///   is wider the granted rules within it are given.
    /// * Clocks and randomness, which every guest has, stay as they are.
    pub fn within(&self, wishes: &Wishes) -> Grants {
        // Every field is named, so that a new one is not given away by itself.
        Grants {
            args: if wishes.args.is_some() { self.args.clone() } else { Vec::new() },
            stdin: if wishes.stdin.is_some() { self.stdin.clone() } else { Stdin::Closed },
            stdout: if wishes.stdout.is_some() { self.stdout.clone() } else { Output::Discard },
            stderr: if wishes.stderr.is_some() { self.stderr.clone() } else { Output::Discard },
            inherit_env: patterns(&self.inherit_env, wishes),
            network: rules(&self.network, wishes),
            clocks: self.clocks,
            random: self.random,
            env: self
                .env
                .iter()
                .filter(|(name, _)| wishes.env.keys().any(|wished| matches(wished, name)))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect(),
            directories: self
                .directories
                .iter()
                .filter_map(|granted| {
                    let access = lesser(granted.access, wished_access(&granted.guest, wishes)?);
                    // Without the right to write, a quota is a mistake.
                    let quota = granted.quota.filter(|_| access == Access::ReadWrite);
                    Some(Directory { access, quota, ..granted.clone() })
                })
                .collect(),
            scratch: self.scratch.iter().filter_map(|granted| scratch(granted, wishes)).collect(),
            files: self
                .files
                .iter()
                .filter(|granted| wished_access(&granted.guest, wishes).is_some())
                .cloned()
                .collect(),
        }
    }
}

fn scratch(granted: &Scratch, wishes: &Wishes) -> Option<Scratch> {
    let wish = wishes.scratch.iter().find(|wish| same_path(&wish.guest, &granted.guest))?;
    let (bytes, files) = (granted.bytes.min(wish.bytes), granted.files.min(wish.files));
    // Room for no file is a mistake in grants, and a manifest must not make one.
    (files > 0).then(|| Scratch { bytes, files, ..granted.clone() })
}

/// What the guest wants to do in the directory it sees as `guest`, if it wants to see it.
pub(crate) fn wished_access(guest: &str, wishes: &Wishes) -> Option<Access> {
    let same = wishes.directories.iter().filter(|wish| same_path(&wish.guest, guest));
    same.map(|wish| wish.access).reduce(|one, other| if one == Access::ReadOnly { other } else { one })
}

/// Whether a guest would take the one path for the other.
pub(crate) fn same_path(one: &str, other: &str) -> bool {
    components(one).eq(components(other))
}

fn lesser(one: Access, other: Access) -> Access {
    match (one, other) {
        (Access::ReadWrite, Access::ReadWrite) => Access::ReadWrite,
        _ => Access::ReadOnly,
    }
}

fn patterns(granted: &[String], wishes: &Wishes) -> Vec<String> {
    // What a manifest says may be no pattern at all, which is no fault of the grants.
    let wished = wishes.env.keys().filter(|wished| is_name(wished));
    distinct(wished.flat_map(|wished| {
        let whole = granted.iter().any(|granted| covers(granted, wished)).then_some(wished);
        let narrower = granted.iter().filter(move |granted| whole.is_none() && covers(wished, granted));
        whole.into_iter().chain(narrower)
    }))
}

fn rules(granted: &[NetworkRule], wishes: &Wishes) -> Vec<NetworkRule> {
    distinct(wishes.network.iter().flat_map(|wish| {
        let wished = &wish.rule;
        let whole = wished.is_covered_by(granted).then_some(wished);
        let narrower = granted.iter().filter(move |granted| whole.is_none() && wished.covers(granted));
        whole.into_iter().chain(narrower)
    }))
}

fn distinct<'a, T: Clone + PartialEq + 'a>(found: impl Iterator<Item = &'a T>) -> Vec<T> {
    let mut distinct = Vec::new();
    for one in found {
        if !distinct.contains(one) {
            distinct.push(one.clone());
        }
    }
    distinct
}
