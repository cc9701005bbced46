//! How much of the store's fuel may each component burn?

use std::collections::BTreeMap;

use wasmtime::StoreContextMut;

use super::HasComposition;

/// The shares of the store's fuel that components have.
///
/// While a component with a share runs, the store holds no more than what is left of the share; the rest is put aside until
/// another component goes on.
#[derive(Default)]
pub(super) struct Shares {
    by_name: BTreeMap<String, Share>,
    aside: u64,
}

struct Share {
    units: u64,
    left: u64,
    /// What the store was given when the component went on.
    lent: u64,
}

impl Shares {
    pub(super) fn set(&mut self, name: String, units: u64) {
        self.by_name.insert(name, Share { units, left: units, lent: 0 });
    }

    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    pub(super) fn left(&self, name: &str) -> Option<u64> {
        self.by_name.get(name).map(|share| share.left)
    }

    /// The component's share, if nothing is left of it.
    fn spent(&self, name: &str) -> Option<u64> {
        self.by_name.get(name).filter(|share| share.left == 0).map(|share| share.units)
    }

    /// Counts what `from` has burnt, now that the store has `held`, and gives what the store is to hold while `to` runs.
    fn turn(&mut self, held: u64, from: Option<&str>, to: Option<&str>) -> u64 {
        if let Some(share) = from.and_then(|name| self.by_name.get_mut(name)) {
            share.left = share.left.saturating_sub(share.lent.saturating_sub(held));
        }
        let all = held.saturating_add(self.aside);
        let lent = match to.and_then(|name| self.by_name.get_mut(name)) {
            Some(share) => {
                share.lent = share.left.min(all);
                share.lent
            }
            None => all,
        };
        self.aside = all - lent;
        lent
    }
}

/// Lets the component `to` burn the fuel from here on, and no longer the component `from`. Gives the share that `from` has
/// used up, if it has while there was fuel for others.
pub(super) fn turn<T: HasComposition>(
    store: &mut StoreContextMut<'_, T>,
    from: Option<&str>,
    to: Option<&str>,
) -> wasmtime::Result<Option<u64>> {
    if store.data_mut().composition().shares.by_name.is_empty() {
        return Ok(None);
    }
    let held = store.get_fuel()?;
    let shares = &mut store.data_mut().composition().shares;
    let had_more = shares.aside > 0;
    let lent = shares.turn(held, from, to);
    let spent = from.filter(|_| had_more).and_then(|from| shares.spent(from));
    store.set_fuel(lent)?;
    Ok(spent)
}
