//! Transactions, and what they cost: the layer that chains build their blocks from.
//!
//! A transaction buys fuel at a price. It is run if the sender can pay its value and the whole fuel
//! limit; then its nonce and the fee, the fuel used times the price, remain whatever happens. What a
//! chain has beyond transfers, deployments and calls is [`Payload::Other`], run by its
//! [`Extension`].

mod ahead;
mod block;
mod encoding;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use anthill_protocol::{Digest, Snapshot};

use crate::{Address, Environment, Journal, Machine, Message, Outcome, Receipt};
use crate::{Refused, Status, Trap, account_key, price};

pub use ahead::{AHEAD, read_ahead};
pub use block::{Block, execute_block};

/// A transaction, without its signature.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub struct Transaction {
    /// The chain it is for: see [`chain_id`].
    pub chain: u64,
    /// Who sends and pays.
    pub sender: Address,
    /// How many transactions the sender sent before.
    pub nonce: u64,
    /// The fuel it may use, its own bytes included.
    pub fuel_limit: u64,
    /// What a unit of fuel costs.
    pub price: u64,
    /// Money that goes with it.
    pub value: u64,
    /// What it does.
    pub payload: Payload,
}

/// What a transaction does.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub enum Payload {
    /// Moves the value.
    Transfer {
        /// Who gets it.
        to: Address,
    },
    /// Deploys a contract, at [`Address::of_contract`] of sender and nonce, with the value.
    Deploy {
        /// The WebAssembly binary.
        code: Arc<[u8]>,
        /// What its `init` reads.
        input: Arc<[u8]>,
    },
    /// Calls a contract, with the value.
    Call {
        /// The contract.
        to: Address,
        /// What its `call` reads.
        input: Arc<[u8]>,
    },
    /// Something of the chain's own; the value is the chain's to interpret.
    Other {
        /// Which.
        kind: u8,
        /// Its content.
        data: Arc<[u8]>,
    },
}

/// What a chain does for [`Payload::Other`].
pub trait Extension {
    /// Runs it on a journal. The nonce is counted and the dearest fee taken already; `fuel` is what
    /// is left of the limit. Unless the outcome is done, its writes are undone.
    fn apply(
        &self,
        machine: &Machine,
        journal: &mut Journal,
        env: &Environment,
        transaction: &Transaction,
        fuel: u64,
    ) -> Outcome;

    /// Whether the chain knows the kind and can read the data; if not, the transaction is refused.
    fn knows(&self, kind: u8, data: &[u8]) -> bool;
}

/// A chain without transactions of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoExtension;

impl Extension for NoExtension {
    fn apply(
        &self,
        _: &Machine,
        _: &mut Journal,
        _: &Environment,
        _: &Transaction,
        _: u64,
    ) -> Outcome {
        Outcome::trapped(Trap::NoEntry, 0)
    }

    fn knows(&self, _: u8, _: &[u8]) -> bool {
        false
    }
}

/// The id of a chain: of its name, its genesis, and the runtime and its version, whose counting of
/// fuel is part of the chain's rules.
pub fn chain_id(name: &str, genesis: &Digest) -> u64 {
    let mut hasher = blake3::Hasher::new();
    for part in [name.as_bytes(), Machine::RUNTIME.as_bytes(), &genesis.0] {
        hasher.update(&(part.len() as u64).to_le_bytes());
        hasher.update(part);
    }
    let hash = hasher.finalize();
    u64::from_le_bytes(*hash.as_bytes().first_chunk().expect("32 bytes"))
}

impl Transaction {
    /// The length of a signature, which pays fuel like the bytes before it.
    pub const SIGNATURE_LEN: usize = 64;

    /// Its hash, which names it: what the sender signs.
    pub fn id(&self) -> Digest {
        Digest(blake3::hash(&self.encoded()).into())
    }

    /// The fuel that it uses whatever it does: 2,000, and 10 for each of its bytes.
    pub fn own_fuel(&self) -> u64 {
        price::transaction(self.encoded_len() + Self::SIGNATURE_LEN)
    }

    /// The money that the sender needs; `None` if it passes 2⁶⁴ − 1.
    pub fn dearest(&self) -> Option<u64> {
        self.fuel_limit.checked_mul(self.price)?.checked_add(self.value)
    }

    /// Whether it can be run on a chain for a sender with this account.
    ///
    /// # Errors
    /// Why it is refused.
    pub fn admit(&self, chain: u64, account: &crate::Account) -> Result<(), Refused> {
        if self.chain != chain {
            return Err(Refused::Chain);
        }
        if self.nonce != account.nonce || self.nonce == u64::MAX {
            return Err(Refused::Nonce);
        }
        if self.fuel_limit < self.own_fuel() {
            return Err(Refused::Fuel);
        }
        match self.dearest() {
            Some(dearest) if dearest <= account.balance => Ok(()),
            _ => Err(Refused::Balance),
        }
    }

    /// Runs it; its fee ([`Receipt::fee`]) has left the sender's account and is the caller's to
    /// credit.
    pub fn execute(
        &self,
        machine: &Machine,
        journal: &mut Journal,
        chain: u64,
        env: &Environment,
        extension: &dyn Extension,
    ) -> Receipt {
        let id = self.id();
        let key = account_key(&self.sender);
        let account = journal.account_at(&key);
        let known = match &self.payload {
            Payload::Other { kind, data } => extension.knows(*kind, data),
            _ => true,
        };
        let admitted = self.admit(chain, &account);
        if let Err(refused) = admitted.and(known.then_some(()).ok_or(Refused::Payload)) {
            let status = Status::Refused(refused);
            return Receipt { id, status, fuel: 0, events: Vec::new(), output: Vec::new() };
        }
        let deposit = self.fuel_limit * self.price;
        journal.set_account_at(
            key,
            crate::Account { balance: account.balance - deposit, nonce: account.nonce + 1 },
        );
        let mark = journal.mark();
        let own = self.own_fuel();
        let outcome = self.run(machine, journal, env, extension, self.fuel_limit - own);
        if !outcome.status.is_done() {
            journal.undo_to(mark);
        }
        let fuel = own + outcome.fuel.min(self.fuel_limit - own);
        let refund = (self.fuel_limit - fuel) * self.price;
        if refund > 0 {
            // Cannot fail: the balance was above the deposit, and no more money than all there is
            // came in since.
            let refunded = journal.credit_at(key, refund);
            debug_assert!(refunded.is_ok(), "more money than 2^64 - 1");
        }
        Receipt { id, status: outcome.status, fuel, events: outcome.events, output: outcome.output }
    }

    fn run(
        &self,
        machine: &Machine,
        journal: &mut Journal,
        env: &Environment,
        extension: &dyn Extension,
        fuel: u64,
    ) -> Outcome {
        let message =
            |to, input| Message { caller: self.sender, to, value: self.value, input, fuel };
        match &self.payload {
            Payload::Transfer { to } => match journal.transfer(&self.sender, to, self.value) {
                Ok(()) => Outcome::done(0),
                Err(_) => Outcome::trapped(Trap::Money, 0),
            },
            Payload::Deploy { code, input } => {
                let address = Address::of_contract(&self.sender, self.nonce);
                let mut outcome = machine.deploy(journal, env, &message(address, input), code);
                if outcome.status.is_done() {
                    outcome.output = address.0.to_vec();
                }
                outcome
            }
            Payload::Call { to, input } => machine.call(journal, env, &message(*to, input)),
            Payload::Other { .. } => extension.apply(machine, journal, env, self, fuel),
        }
    }
}
