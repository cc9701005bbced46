//! `Account`: what one meter has charged to its ledger, given back when it is dropped.

use std::time::Instant;

use crate::Exceeded;
use crate::ledger::{Charge, Ledger, Reserved};

/// One live store's part of a ledger.
#[derive(Debug)]
pub(crate) struct Account {
    ledger: Ledger,
    memory: u64,
    call: Option<Call>,
}

/// From arming the store to its next arming, its disarming or its drop.
#[derive(Debug)]
struct Call {
    reserved: Option<Reserved>,
}

impl Account {
    /// Charges the ledger with one more live store.
    pub(crate) fn open(ledger: &Ledger) -> Result<Account, Exceeded> {
        ledger.charge(Charge::Store)?;
        Ok(Account { ledger: ledger.clone(), memory: 0, call: None })
    }

    /// Whether the ledger needs the store to meter fuel.
    pub(crate) fn counts_fuel(&self) -> bool {
        self.ledger.counts_fuel()
    }

    /// Charges the ledger with `more` bytes of linear memory.
    pub(crate) fn charge_memory(&mut self, more: u64) -> Result<(), Exceeded> {
        self.ledger.charge(Charge::Memory(more))?;
        self.memory = self.memory.saturating_add(more);
        Ok(())
    }

    /// Begins a call that may burn `fuel`. Gives how much it was allotted, or `None` if the ledger counts no fuel.
    pub(crate) fn begin(&mut self, fuel: Option<u64>, now: Instant) -> Result<Option<u64>, Exceeded> {
        self.ledger.charge(Charge::Call)?;
        // From here on, dropping the account gives the call back.
        let call = self.call.insert(Call { reserved: None });
        if !self.ledger.counts_fuel() {
            return Ok(None);
        }
        match self.ledger.reserve(fuel, now) {
            Ok(reserved) => Ok(Some(call.reserved.insert(reserved).fuel)),
            Err(refusal) => {
                self.end(0, now);
                Err(refusal)
            }
        }
    }

    /// Ends a call of which `unburnt` fuel is left.
    pub(crate) fn end(&mut self, unburnt: u64, now: Instant) {
        let Some(call) = self.call.take() else { return };
        self.ledger.give_back(Charge::Call);
        if let Some(reserved) = call.reserved {
            self.ledger.settle(&reserved, unburnt, now);
        }
    }

    /// The budget for which the call was allotted less fuel than it asked for.
    pub(crate) fn fuel_cut_by(&self) -> Option<&Exceeded> {
        self.call.as_ref()?.reserved.as_ref()?.cut_by.as_ref()
    }
}

impl Drop for Account {
    fn drop(&mut self) {
        // How much a store has burnt is not known here, so all that it reserved counts as burnt, and nothing is settled.
        if self.call.is_some() {
            self.ledger.give_back(Charge::Call);
        }
        self.ledger.give_back(Charge::Memory(self.memory));
        self.ledger.give_back(Charge::Store);
    }
}
