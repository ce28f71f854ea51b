//! Contracts with code: shipped ones, run by the machine of `anthill-contracts` on a state of their own.
//!
//! Money goes in with a call's value and comes out with a withdrawal: a pot of the ledger says how much is
//! inside, and the state's supply is that.

use core::fmt;

use anthill_contracts::{
    Address, Environment, Journal, Machine, Message, Rules, State, price, shipped,
};
use anthill_protocol::NodeId;
use anthill_protocol::draw::mix;

use crate::accounts::AccountId;

/// The machine; all nodes share what it has compiled.
#[derive(Clone)]
pub(crate) struct Vm(Machine);

impl Default for Vm {
    fn default() -> Self {
        Self(Machine::new(Rules::default()))
    }
}

impl fmt::Debug for Vm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(Machine::RUNTIME)
    }
}

/// What a call came to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ran {
    pub(crate) is_done: bool,
    pub(crate) fuel: u64,
    /// Tokens that have changed hands, and to whom, as short names.
    pub(crate) owners: Vec<(u64, u64)>,
}

/// The address of an account.
pub(crate) fn of(account: AccountId) -> Address {
    Address::of_node(NodeId(account))
}

/// The number of a shipped contract; 0: there is none of that name.
pub(crate) fn program(name: &str) -> u8 {
    let place = shipped::ALL.iter().position(|one| one.name == name);
    place.map_or(0, |place| place as u8 + 1)
}

/// The fuel that it takes to put one into the chain.
pub(crate) fn price_of(name: &str) -> u64 {
    shipped::find(name).map_or(0, |one| price::deploy(one.wasm.len()))
}

/// A short name for bytes.
fn short(bytes: &[u8]) -> u64 {
    anthill_protocol::fingerprint_bytes(bytes)
}

/// A word that tells states apart.
pub(crate) fn word(state: &State) -> u64 {
    short(&state.root().0)
}

impl Vm {
    /// Puts a shipped contract, by its place in the list, at an address; false if that cannot be, for so
    /// much fuel.
    pub(crate) fn deploy(
        &self,
        state: &mut State,
        (creator, to): (AccountId, Address),
        program: u8,
        fuel: u64,
    ) -> bool {
        let Some(contract) = shipped::ALL.get(usize::from(program).wrapping_sub(1)) else {
            return false;
        };
        let mut journal = Journal::new(state.clone());
        let message = Message { caller: of(creator), to, value: 0, input: &[], fuel };
        let env = Environment::default();
        let is_done = self.0.deploy(&mut journal, &env, &message, contract.wasm).status.is_done();
        if is_done {
            *state = journal.commit();
        }
        is_done
    }

    /// Runs a call; one that traps leaves the state as it was.
    pub(crate) fn run(
        &self,
        state: &mut State,
        (caller, to): (AccountId, Address),
        (value, fuel): (u64, u64),
        (height, input): (u32, &[u8]),
    ) -> Ran {
        let mut journal = Journal::new(state.clone());
        if journal.credit(&of(caller), value).is_err() {
            return Ran { fuel, ..Ran::default() };
        }
        let env = Environment { height: height.into(), time_ms: 0 };
        let message = Message { caller: of(caller), to, value, input, fuel };
        let outcome = self.0.call(&mut journal, &env, &message);
        if !outcome.status.is_done() {
            return Ran { fuel: outcome.fuel, ..Ran::default() };
        }
        let owners = outcome.events.iter().filter_map(|event| {
            let (id, owner) = event.data.split_at_checked(32)?;
            let token = mix(short(&to.0), short(id));
            (&event.topic[..] == b"owner").then(|| (token, short(owner)))
        });
        let owners = owners.collect();
        *state = journal.commit();
        Ran { is_done: true, fuel: outcome.fuel, owners }
    }

    /// Takes all that an account has inside out.
    pub(crate) fn withdraw(&self, state: &mut State, account: AccountId) -> u64 {
        let held = state.account(&of(account)).balance;
        let mut journal = Journal::new(state.clone());
        if held == 0 || journal.debit(&of(account), held).is_err() {
            return 0;
        }
        *state = journal.commit();
        held
    }
}
