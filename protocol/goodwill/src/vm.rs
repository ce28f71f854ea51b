//! Contracts with code, run by the machine of `anthill-contracts` on a state of their own.
//!
//! Money goes in with a call's value and comes out with a withdrawal: a pot of the ledger says how much is
//! inside, and the state's supply is that.

use core::fmt;

use anthill_contracts::{
    Address, Environment, Journal, Machine, Message, Rules, State, Status, Trap, price, shipped,
};
use anthill_protocol::NodeId;
use anthill_protocol::draw::mix;

use crate::accounts::AccountId;
use crate::contracts::Code;
use crate::ledger::Refusal;

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

/// The module that a creation puts into the chain; `None`: none, or no such place.
pub(crate) fn bytes_of(code: &Code) -> Option<&[u8]> {
    match code {
        Code::None => None,
        Code::Shipped(place) => {
            shipped::ALL.get(usize::from(*place).wrapping_sub(1)).map(|one| one.wasm)
        }
        Code::Module(bytes) => Some(bytes),
    }
}

/// The fuel that it takes to put it into the chain, beside what it does at once.
pub(crate) fn price_of(code: &Code) -> u64 {
    bytes_of(code).map_or(0, |wasm| price::deploy(wasm.len()))
}

/// Whether a module is the capped asset that ships, whoever sent it.
pub(crate) fn is_game_asset(wasm: &[u8]) -> bool {
    shipped::find("game_asset").is_some_and(|one| one.wasm == wasm)
}

/// A short name for bytes.
fn short(bytes: &[u8]) -> u64 {
    anthill_protocol::fingerprint_bytes(bytes)
}

impl Vm {
    /// Puts a module at an address, after the checks of `anthill contract check`, and runs its `init`.
    ///
    /// # Errors
    /// When the code may not be there; when the address is taken, the fuel too little, or `init` gives up.
    pub(crate) fn deploy(
        &self,
        state: &mut State,
        (creator, to): (AccountId, Address),
        (wasm, input): (&[u8], &[u8]),
        (fuel, env): (u64, Environment),
    ) -> Result<(), Refusal> {
        let mut journal = Journal::new(state.clone());
        let message = Message { caller: of(creator), to, value: 0, input, fuel };
        match self.0.deploy(&mut journal, &env, &message, wasm).status {
            Status::Done => {
                *state = journal.commit();
                Ok(())
            }
            Status::Trapped(Trap::CodeRefused) => Err(Refusal::Code),
            _ => Err(Refusal::Contract),
        }
    }

    /// Runs a call; one that traps leaves the state as it was.
    pub(crate) fn run(
        &self,
        state: &mut State,
        (caller, to): (AccountId, Address),
        (value, fuel): (u64, u64),
        (env, input): (Environment, &[u8]),
    ) -> Ran {
        let mut journal = Journal::new(state.clone());
        if journal.credit(&of(caller), value).is_err() {
            return Ran { fuel, ..Ran::default() };
        }
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
