//! Calls of contracts wait in queues until a forger runs them for what they pay.
//!
//! A contract has a price in fuel and a number of calls that it allows. What a call may cost is held until
//! a leader whose own price it pays runs it; nobody may come, and then the contract is thrown away.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use anthill_protocol::draw::mix;

use crate::Goodwill;
use crate::accounts::AccountId;
use crate::ledger::{Ledger, Refusal, Tally};

/// Calls that a block runs at most, and that wait for a contract at most.
const MOST_RUN: u32 = 1_000;
const MOST_WAITING: usize = 10_000;
/// Contracts that there are at most; more are refused.
const MOST: usize = 100_000;

/// A contract.
#[derive(Clone, Debug)]
struct Contract {
    /// What a call takes.
    fuel: u64,
    /// Calls that it still allows.
    left: u32,
    waiting: VecDeque<Call>,
}

/// A call that waits.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    pub(crate) caller: AccountId,
    /// Fuel that is paid for, and the price of a unit.
    pub(crate) limit: u64,
    pub(crate) price: u64,
    /// The slot that it came in.
    pub(crate) since: u32,
}

/// All contracts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contracts {
    all: BTreeMap<u64, Contract>,
}

impl Contracts {
    pub(crate) fn word(&self) -> u64 {
        let call = |hash, one: &Call| {
            mix(hash, mix(mix(one.caller.into(), one.limit), mix(one.price, one.since.into())))
        };
        self.all.iter().fold(0, |hash, (id, one)| {
            one.waiting.iter().fold(mix(mix(hash, *id), one.left.into()), call)
        })
    }
}

/// The address of the contract that an account creates under a name.
pub(crate) fn address(creator: AccountId, name: u32) -> u64 {
    mix(u64::from(creator) << 32 | u64::from(name), 0x636f_6465)
}

impl Goodwill {
    /// Somebody puts a contract into the chain.
    pub(crate) fn create(
        &self,
        ledger: &mut Ledger,
        id: u64,
        (fuel, left): (u64, u32),
    ) -> Result<(), Refusal> {
        let contracts = &ledger.contracts;
        if contracts.all.contains_key(&id) || contracts.all.len() >= MOST || fuel == 0 {
            return Err(Refusal::Contract);
        }
        let new = Contract { fuel, left, waiting: VecDeque::new() };
        Arc::make_mut(&mut ledger.contracts).all.insert(id, new);
        Ok(())
    }

    /// Somebody calls it: the call waits, and what it may cost is held. The caller has paid that.
    pub(crate) fn enqueue(&self, ledger: &mut Ledger, id: u64, call: Call) -> Result<(), Refusal> {
        let open = |one: &Contract| {
            one.waiting.len() < MOST_WAITING && (one.waiting.len() as u64) < u64::from(one.left)
        };
        if call.limit == 0 || !ledger.contracts.all.get(&id).is_some_and(open) {
            return Err(Refusal::Contract);
        }
        if let Some(contract) = Arc::make_mut(&mut ledger.contracts).all.get_mut(&id) {
            contract.waiting.push_back(call);
        }
        ledger.pots.escrow =
            ledger.pots.escrow.saturating_add(call.limit.saturating_mul(call.price));
        Ok(())
    }

    /// A forger runs the heads of queues that pay its price, of those that came in earlier slots; then
    /// contracts whose oldest call has waited too long are thrown away.
    pub(crate) fn run_calls(
        &self,
        ledger: &mut Ledger,
        (forger, price): (AccountId, u64),
        tally: &mut Tally,
    ) {
        if ledger.contracts.all.values().all(|one| one.waiting.is_empty()) {
            return;
        }
        let slot = ledger.slot;
        let mut contracts = (*ledger.contracts).clone();
        let mut runs = MOST_RUN;
        let mut gone = Vec::new();
        for (id, contract) in &mut contracts.all {
            while let Some(call) = contract.waiting.front().copied() {
                if runs == 0 || call.price < price || call.since >= slot {
                    break;
                }
                runs -= 1;
                contract.waiting.pop_front();
                let held = call.limit.saturating_mul(call.price);
                // Too hungry for what is paid: halted, undone, and the fee is kept.
                let is_done = contract.fuel <= call.limit;
                let fee = if is_done { contract.fuel.saturating_mul(call.price) } else { held };
                contract.left = contract.left.saturating_sub(u32::from(is_done));
                ledger.pots.escrow = ledger.pots.escrow.saturating_sub(held);
                ledger.accounts.credit(forger, fee);
                ledger.accounts.credit(call.caller, held - fee);
                tally.calls += 1;
                tally.halted += u32::from(!is_done);
                tally.call_waits += u64::from(slot - call.since);
            }
            let starves = |call: &Call| slot.saturating_sub(call.since) >= self.starve;
            if contract.waiting.front().is_some_and(starves) {
                gone.push(*id);
            }
        }
        for id in gone {
            let Some(contract) = contracts.all.remove(&id) else { continue };
            let held = |call: &Call| call.limit.saturating_mul(call.price);
            let lost = contract.waiting.iter().map(held).fold(0, u64::saturating_add);
            ledger.pots.escrow = ledger.pots.escrow.saturating_sub(lost);
            ledger.pots.burnt = ledger.pots.burnt.saturating_add(lost);
            tally.burnt += lost;
            tally.starved += 1;
        }
        ledger.contracts = Arc::new(contracts);
    }
}
