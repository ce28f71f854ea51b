//! Accounts and contracts: what the transactions of a block do to them.

use core::cell::RefCell;
use core::fmt;
use std::sync::{Arc, OnceLock};

use anthill_contracts::shipped::{self, Part, Shipped};
use anthill_contracts::{
    AHEAD, Account, Address, Environment, Executions, Journal, Machine, Message, Payload, Receipt,
    Refused, Rules, State, Status, merkle, read_ahead,
};
use anthill_protocol::{Bodies, Digest, NodeId};

use crate::block::Block;
use crate::bodies::ChainBody;
use crate::ledger::Ledger;
use crate::protocol::PosBft;
use crate::states::Remembered;
use crate::transaction::{Signed, Staking};

/// Units on the account of every node at the genesis.
pub(crate) const BALANCE: u64 = 1_000_000_000;

/// States of so few accounts are counted after every block, larger ones kept account of.
const COUNTED: u32 = 2_000;

/// What all nodes of a run share: the machine, and the accounts of the genesis, made when needed.
#[derive(Default)]
pub(crate) struct Platform {
    machine: OnceLock<Machine>,
    genesis: OnceLock<State>,
    /// Blocks that the host executes; a state that was forgotten and is worked out again does not count.
    pub(crate) executions: Arc<Executions>,
}

impl fmt::Debug for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Platform")
    }
}

/// The accounts after a block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Accounts {
    pub state: Remembered,
    pub receipts: Arc<[Receipt]>,
    pub receipts_root: Root,
    pub fuel: u64,
    /// The money on them.
    pub held: u64,
}

/// A digest that begins as zeros.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Root(pub Digest);

impl Default for Root {
    fn default() -> Self {
        Self(Digest([0; 32]))
    }
}

impl Accounts {
    /// Those of the genesis.
    pub(crate) fn genesis(held: u64) -> Self {
        Self { held, ..Self::default() }
    }
}

/// Tokens of every user at the genesis.
const TOKENS: u64 = 1_000_000;

impl PosBft {
    /// The contract that users call, with its address.
    fn called(&self) -> Option<(&'static Shipped, Address)> {
        let contract = shipped::find(self.contract).filter(|_| self.execution == "wasm")?;
        Some((contract, Address::of_contract(&Address::pot("genesis"), 0)))
    }

    /// The address of that contract.
    pub(crate) fn genesis_contract(&self) -> Option<Address> {
        self.called().map(|(_, address)| address)
    }

    /// What a user's transaction does: a call of the workload's contract, or a transfer of money.
    pub(crate) fn order(&self, to: Address) -> Payload {
        match self.called() {
            None => Payload::Transfer { to },
            Some((contract, address)) => {
                let input = match contract.name {
                    "token" => shipped::input(&[Part::U8(1), Part::Address(to), Part::U64(1)]),
                    _ => Vec::new(),
                };
                Payload::Call { to: address, input: input.into() }
            }
        }
    }

    /// The workload's contract, deployed, and its tokens in the hands of the users.
    fn deploy(&self, journal: &mut Journal) {
        let Some((contract, address)) = self.called() else { return };
        let supply = TOKENS * u64::from(self.users);
        let input = shipped::input(&[Part::U64(supply)]);
        let caller = Address::pot("genesis");
        let message = Message { caller, to: address, value: 0, input: &input, fuel: 1 << 40 };
        self.machine().deploy(journal, &Environment::default(), &message, contract.wasm);
        if contract.name == "token" {
            journal.set_slot(&address, &caller.0, Some(&0u64.to_le_bytes()));
            for user in self.servers..self.servers + self.users {
                let owner = Address::of_node(NodeId(user));
                journal.set_slot(&address, &owner.0, Some(&TOKENS.to_le_bytes()));
            }
        }
    }

    /// Whether blocks have transactions.
    pub(crate) fn executes(&self) -> bool {
        self.execution != "none"
    }

    pub(crate) fn machine(&self) -> &Machine {
        let rules = Rules { lazy: !self.switches.t8, ..Rules::default() };
        self.platform.machine.get_or_init(|| Machine::new(rules))
    }

    /// Money on accounts at the genesis.
    pub(crate) fn endowment(&self) -> u64 {
        let owners = u64::from(self.users) + u64::from(self.servers);
        if self.executes() { owners * BALANCE } else { 0 }
    }

    /// The state of accounts at the genesis.
    pub(crate) fn genesis_state(&self) -> &State {
        self.platform.genesis.get_or_init(|| {
            let account = Account { balance: BALANCE, nonce: 0 };
            let owners = if self.executes() { self.servers + self.users } else { 0 };
            let owners = (0..owners).map(|id| Address::of_node(NodeId(id)));
            let mut journal = Journal::new(State::new());
            owners.for_each(|owner| journal.set_account(&owner, account));
            self.deploy(&mut journal);
            journal.commit()
        })
    }

    /// Runs a block's transactions, and pays out what has been unbonding long enough. The second value is
    /// their fees, which have left the accounts.
    pub(crate) fn run(
        &self,
        block: &Block,
        (before, ledger): (&Accounts, &mut Ledger),
        free: &[(u32, u64)],
        bodies: &impl Bodies<ChainBody>,
    ) -> (Accounts, u64) {
        if !self.executes() || (block.transactions.is_empty() && free.is_empty()) {
            let accounts = Accounts { receipts: Arc::default(), fuel: 0, ..before.clone() };
            return (Accounts { receipts_root: Root::default(), ..accounts }, 0);
        }
        let stake = |ledger: &Ledger| ledger.held();
        let staked = stake(ledger);
        let mut journal = Journal::new(self.state_after(block.parent, bodies));
        let time_ms = block.header.time.0 / 1_000_000;
        let env = Environment { height: block.header.height.into(), time_ms };
        let staking = Staking {
            ledger: RefCell::new(&mut *ledger),
            economy: &self.economy,
            time: block.header.time,
        };
        let (mut receipts, mut fuel, mut fees) = (Vec::new(), 0u64, 0u64);
        let all: Vec<&Signed> =
            block.transactions.iter().filter_map(|it| bodies.get(*it).transaction()).collect();
        for (place, Signed { transaction, .. }) in all.iter().enumerate() {
            if place % AHEAD == 0 {
                let next = &all[place..all.len().min(place + AHEAD)];
                read_ahead(journal.base(), next.iter().map(|it| &it.transaction));
            }
            let is_call =
                matches!(transaction.payload, Payload::Deploy { .. } | Payload::Call { .. });
            let receipt = if is_call && self.execution != "wasm" {
                let status = Status::Refused(Refused::Payload);
                let (id, fuel) = (transaction.id(), 0);
                Receipt { id, status, fuel, events: Vec::new(), output: Vec::new() }
            } else {
                transaction.execute(self.machine(), &mut journal, self.chain, &env, &staking)
            };
            journal.settle();
            fuel = fuel.saturating_add(receipt.fuel);
            fees = fees.saturating_add(receipt.fee(transaction.price));
            receipts.push(receipt);
        }
        // What was bonded has left the accounts, and fees have; what is free comes to them.
        let bonded = stake(ledger) - staked;
        let mut paid = 0;
        for (id, amount) in free {
            match journal.credit(&Address::of_node(NodeId(*id)), *amount) {
                Ok(()) => paid += amount,
                Err(_) => ledger.remainders += amount,
            }
        }
        let digests: Vec<Digest> = receipts.iter().map(Receipt::digest).collect();
        let state = journal.commit();
        let mut held = (before.held + paid).saturating_sub(bonded).saturating_sub(fees);
        if self.users + self.servers <= COUNTED {
            held = u64::try_from(state.supply()).unwrap_or(u64::MAX);
        }
        let receipts_root = Root(merkle::root(&digests));
        let receipts = receipts.into();
        (Accounts { state: Remembered::new(state), receipts, receipts_root, fuel, held }, fees)
    }
}
