//! In which order modules that import from each other can be instantiated.

use std::collections::{BTreeMap, BTreeSet};

use wasmtime::Module;

use crate::imports::LinkError;

/// The names in an order in which every module comes after those it imports from.
pub(super) fn order(modules: &BTreeMap<String, Module>) -> Result<Vec<&str>, LinkError> {
    // Which modules each still waits for, and who waits for it.
    let mut waits: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    let mut waiting: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (name, module) in modules {
        let others: BTreeSet<&str> = module
            .imports()
            .filter_map(|import| modules.get_key_value(import.module()))
            .map(|(other, _)| other.as_str())
            .collect();
        for other in &others {
            waiting.entry(other).or_default().push(name);
        }
        waits.insert(name, others);
    }
    let mut order: Vec<&str> = waits.iter().filter(|(_, on)| on.is_empty()).map(|(name, _)| *name).collect();
    let mut next = 0;
    while let Some(name) = order.get(next).copied() {
        next += 1;
        waits.remove(name);
        for other in waiting.remove(name).unwrap_or_default() {
            let Some(on) = waits.get_mut(other) else { continue };
            on.remove(name);
            if on.is_empty() {
                order.push(other);
            }
        }
    }
    if waits.is_empty() { Ok(order) } else { Err(LinkError::Cycle { names: cycle(&waits) }) }
}

/// One cycle among modules that all wait for another of them, each importing from the next and the last from the first.
fn cycle(waits: &BTreeMap<&str, BTreeSet<&str>>) -> Vec<String> {
    let mut path: Vec<&str> = Vec::new();
    let mut positions: BTreeMap<&str, usize> = BTreeMap::new();
    let mut at = waits.keys().next().copied();
    while let Some(name) = at {
        if let Some(start) = positions.insert(name, path.len()) {
            path.drain(..start);
            break;
        }
        path.push(name);
        at = waits.get(name).and_then(|on| on.first().copied());
    }
    path.into_iter().map(str::to_owned).collect()
}
