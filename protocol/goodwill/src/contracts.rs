//! Calls of contracts wait in queues until a forger runs them for what they pay.
//!
//! A contract has a price in fuel and a number of calls that it allows. What a call may cost is held until
//! a leader whose own price it pays runs it; nobody may come, and then the contract is thrown away.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use anthill_contracts::{Address, Environment, limits};
use anthill_protocol::draw::mix;
use anthill_protocol::{Snapshot, fingerprint_bytes};

use crate::Goodwill;
use crate::accounts::AccountId;
use crate::assets::Asset;
use crate::ledger::{Ledger, Refusal, Tally};
use crate::output;
use crate::root::put_all;
use crate::vm::{self, Ran};

/// Calls that a block runs at most, and that wait for a contract at most.
const MOST_RUN: u32 = 1_000;
const MOST_WAITING: usize = 10_000;
/// Contracts that there are at most; more are refused.
const MOST: usize = 100_000;

/// What a creation puts into the chain.
#[derive(Clone, Debug, PartialEq, Eq, Snapshot)]
pub(crate) enum Code {
    /// Nothing: calls take a fixed amount.
    None,
    /// A contract that comes with the platform, by its place in the list.
    Shipped(u8),
    /// A WebAssembly module, whoever compiled it.
    Module(Arc<[u8]>),
}

impl Code {
    /// Two words that tell it from others.
    pub(crate) fn words(&self) -> [u64; 2] {
        match self {
            Self::None => [0, 0],
            Self::Shipped(place) => [1, (*place).into()],
            Self::Module(bytes) => [2, fingerprint_bytes(bytes)],
        }
    }

    /// Bytes that travel.
    pub(crate) fn len(&self) -> u32 {
        match self {
            Self::None | Self::Shipped(_) => 1,
            Self::Module(bytes) => 4 + bytes.len().min(1 << 20) as u32,
        }
    }
}

/// What calls of a block have done, for the judges.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// Tokens that have changed hands, and to whom.
    pub(crate) owners: Vec<(u64, u64)>,
    /// Assets that were bought or passed on.
    pub(crate) assets: Vec<output::Asset>,
}

/// A contract.
#[derive(Clone, Debug)]
struct Contract {
    /// What a call takes, if it has no code.
    fuel: u64,
    /// Where its code is.
    code: Option<Address>,
    /// Calls that it still allows.
    left: u32,
    waiting: VecDeque<Call>,
    /// If its code is that of a game's asset: no part of the state.
    asset: Option<Asset>,
}

/// A call that waits.
#[derive(Clone, Debug)]
pub(crate) struct Call {
    pub(crate) caller: AccountId,
    /// Fuel that is paid for, and the price of a unit.
    pub(crate) limit: u64,
    pub(crate) price: u64,
    /// The slot that it came in.
    pub(crate) since: u32,
    /// Money that goes with it, and what the contract reads.
    pub(crate) value: u64,
    pub(crate) input: Box<[u8]>,
}

impl Call {
    /// What is held while it waits.
    fn held(&self) -> u64 {
        self.limit.saturating_mul(self.price).saturating_add(self.value)
    }
}

/// All contracts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Contracts {
    all: BTreeMap<u64, Contract>,
}

impl Contracts {
    /// All of them by name, with where their code is.
    pub(crate) fn each(&self) -> impl Iterator<Item = (u64, Option<Address>)> + '_ {
        self.all.iter().map(|(id, one)| (*id, one.code))
    }

    /// Puts its encoding behind others.
    pub(crate) fn encode(&self, out: &mut Vec<u8>) {
        for (id, one) in &self.all {
            put_all(out, [*id, one.fuel, one.left.into(), one.waiting.len() as u64]);
            out.push(u8::from(one.code.is_some()));
            out.extend(one.code.unwrap_or_default().0);
            for call in &one.waiting {
                let who = u64::from(call.caller) << 32 | u64::from(call.since);
                let words = [who, call.limit, call.price, call.value, call.input.len() as u64];
                put_all(out, words);
                out.extend(&call.input[..]);
            }
        }
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
        (creator, name): (AccountId, u32),
        (fuel, left): (u64, u32),
        (code, input, paid): (&Code, &[u8], u64),
    ) -> Result<(), Refusal> {
        let id = address(creator, name);
        let contracts = &ledger.contracts;
        if contracts.all.contains_key(&id) || contracts.all.len() >= MOST || fuel == 0 {
            return Err(Refusal::Contract);
        }
        let place = Address::of_contract(&vm::of(creator), name.into());
        let mut asset = None;
        if *code != Code::None {
            let wasm = vm::bytes_of(code).ok_or(Refusal::Contract)?;
            if input.len() > limits::INPUT {
                return Err(Refusal::Contract);
            }
            let block = self.env(ledger);
            self.vm.deploy(&mut ledger.state, (creator, place), (wasm, input), (paid, block))?;
            asset = vm::is_game_asset(wasm).then(|| Asset::new(input)).flatten();
        }
        let code = (*code != Code::None).then_some(place);
        let new = Contract { fuel, code, left, waiting: VecDeque::new(), asset };
        Arc::make_mut(&mut ledger.contracts).all.insert(id, new);
        Ok(())
    }

    /// What contracts see of the chain: the height, and when the slot begins.
    fn env(&self, ledger: &Ledger) -> Environment {
        let time_ms = self.start_of(ledger.slot).0 / 1_000_000;
        Environment { height: ledger.height.into(), time_ms }
    }

    /// Somebody calls it: the call waits, and what it may cost is held. The caller has paid that.
    pub(crate) fn enqueue(&self, ledger: &mut Ledger, id: u64, call: Call) -> Result<(), Refusal> {
        let open = |one: &Contract| {
            one.waiting.len() < MOST_WAITING && (one.waiting.len() as u64) < u64::from(one.left)
        };
        if call.limit == 0 || !ledger.contracts.all.get(&id).is_some_and(open) {
            return Err(Refusal::Contract);
        }
        ledger.pots.escrow = ledger.pots.escrow.saturating_add(call.held());
        if let Some(contract) = Arc::make_mut(&mut ledger.contracts).all.get_mut(&id) {
            contract.waiting.push_back(call);
        }
        Ok(())
    }

    /// A forger runs the heads of queues that pay its price, of those that came in earlier slots; then
    /// contracts whose oldest call has waited too long are thrown away.
    pub(crate) fn run_calls(
        &self,
        ledger: &mut Ledger,
        (forger, price): (AccountId, u64),
        tally: &mut Tally,
    ) -> Told {
        let mut told = Told::default();
        if ledger.contracts.all.values().all(|one| one.waiting.is_empty()) {
            return told;
        }
        let env = self.env(ledger);
        let slot = ledger.slot;
        let mut contracts = (*ledger.contracts).clone();
        let mut runs = MOST_RUN;
        let mut gone = Vec::new();
        for (id, contract) in &mut contracts.all {
            let pays = |call: &Call| call.price >= price && call.since < slot;
            while runs > 0 && contract.waiting.front().is_some_and(pays) {
                let Some(call) = contract.waiting.pop_front() else { break };
                runs -= 1;
                let held = call.held();
                let ran = match contract.code {
                    None => {
                        let is_done = contract.fuel <= call.limit && call.value == 0;
                        let fuel = contract.fuel.min(call.limit);
                        Ran { is_done, fuel, owners: Vec::new() }
                    }
                    Some(to) => {
                        let money = (call.value, call.limit);
                        let what = (env, &call.input[..]);
                        self.vm.run(&mut ledger.state, (call.caller, to), money, what)
                    }
                };
                // Too hungry for what is paid, or refused by the contract: undone, and the fee is kept.
                let is_done = ran.is_done;
                told.owners.extend(ran.owners);
                if let Some(asset) = contract.asset.as_mut().filter(|_| is_done) {
                    let moved = asset.note(call.caller, &call.input, env.time_ms);
                    let Asset { supply, most, sold, .. } = *asset;
                    let (block, contract) = (0, *id);
                    told.assets.push(output::Asset { block, contract, sold, supply, moved, most });
                }
                let spent = if is_done { call.value } else { 0 };
                ledger.pots.inside = ledger.pots.inside.saturating_add(spent);
                let fee = ran.fuel.min(call.limit).saturating_mul(call.price);
                contract.left = contract.left.saturating_sub(u32::from(is_done));
                ledger.pots.escrow = ledger.pots.escrow.saturating_sub(held);
                ledger.accounts.credit(forger, fee);
                ledger.accounts.credit(call.caller, held - fee - spent);
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
            let lost = contract.waiting.iter().map(Call::held).fold(0, u64::saturating_add);
            ledger.pots.escrow = ledger.pots.escrow.saturating_sub(lost);
            ledger.pots.burnt = ledger.pots.burnt.saturating_add(lost);
            tally.burnt += lost;
            tally.starved += 1;
        }
        ledger.contracts = Arc::new(contracts);
        told
    }
}
