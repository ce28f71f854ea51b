//! What a node tells of its chain at the end of a run: blocks, transactions with their receipts, accounts
//! and contracts.

use std::collections::BTreeMap;

use anthill_contracts::{Account, Address, Payload, State};
use anthill_protocol::ledger::{
    LedgerAccount, LedgerBlock, LedgerContract, LedgerEntry, LedgerTransaction,
};
use anthill_protocol::{Bodies, NodeId, Shared};

use crate::block::Block;
use crate::bodies::ChainBody;
use crate::outcome::Outcome;
use crate::protocol::PosBft;
use crate::server::Server;
use crate::transaction::{BOND, Signed};

/// Bytes of a call's input that a summary shows.
const SHOWN: usize = 16;

/// Which node owns an address.
type Owners = BTreeMap<Address, u32>;

impl PosBft {
    /// Blocks that a node knows to be decided.
    pub(crate) fn told_height(&self, server: &Server) -> u64 {
        let below = u64::from(server.height.saturating_sub(1));
        below + u64::from(server.decided.is_some())
    }

    /// Tells all of a chain, from the first block on.
    pub(crate) fn tell_ledger(
        &self,
        server: &Server,
        bodies: &impl Bodies<ChainBody>,
        tell: &mut dyn FnMut(LedgerEntry),
    ) {
        let tip = server.decided.map(|it| it.block).or(server.tip);
        let mut chain: Vec<Shared> = Vec::new();
        while let Some(handle) = chain.last().map_or(tip, |last| parent(*last, bodies)) {
            chain.push(handle);
        }
        let nodes = if self.executes() { self.servers + self.users } else { self.servers };
        let owners: Owners =
            (0..nodes).map(|node| (Address::of_node(NodeId(node)), node)).collect();
        let mut contracts: Vec<Address> = self.genesis_contract().into_iter().collect();
        for handle in chain.into_iter().rev() {
            let Some(block) = bodies.get(handle).block() else { continue };
            tell(LedgerEntry::Block(described(block)));
            let receipts = &self.outcome(Some(handle), bodies).accounts.receipts;
            let all = block.transactions.iter().filter_map(|it| bodies.get(*it).transaction());
            for (place, signed) in all.enumerate() {
                let receipt = receipts.get(place);
                let transaction = &signed.transaction;
                let status = receipt.map_or("unknown".to_owned(), |it| it.status.to_string());
                if let (Payload::Deploy { .. }, "done") = (&transaction.payload, status.as_str()) {
                    contracts.push(Address::of_contract(&transaction.sender, transaction.nonce));
                }
                let (kind, summary) = meaning(signed, &owners);
                tell(LedgerEntry::Transaction(LedgerTransaction {
                    id: hex(&transaction.id().0),
                    block: block.header.height.into(),
                    sender: named(&transaction.sender, &owners),
                    kind,
                    summary,
                    fee: receipt.map_or(0, |it| it.fee(transaction.price)),
                    status,
                }));
            }
        }
        let outcome = self.outcome(tip, bodies);
        let state = self.state_after(tip, bodies);
        self.tell_accounts(outcome, &state, &owners, tell);
        tell_contracts(&state, &contracts, tell);
    }

    fn tell_accounts(
        &self,
        outcome: &Outcome,
        state: &State,
        owners: &Owners,
        tell: &mut dyn FnMut(LedgerEntry),
    ) {
        for node in 0..owners.len() as u32 {
            let address = Address::of_node(NodeId(node));
            let candidate = outcome.ledger.candidates.get(node as usize);
            let Account { balance, nonce } = state.account(&address);
            tell(LedgerEntry::Account(LedgerAccount {
                id: node.to_string(),
                address: address.to_string(),
                balance: balance.saturating_add(candidate.map_or(0, |it| it.liquid)),
                nonce,
                stake: candidate.map_or(0, |it| it.stake),
            }));
        }
    }
}

fn parent(handle: Shared, bodies: &impl Bodies<ChainBody>) -> Option<Shared> {
    bodies.get(handle).block()?.parent
}

fn described(block: &Block) -> LedgerBlock {
    let header = &block.header;
    LedgerBlock {
        height: header.height.into(),
        hash: format!("{:016x}", block.hash()),
        parent: format!("{:016x}", header.parent),
        proposer: header.proposer.to_string(),
        time: header.time,
        transactions: block.transactions.len() as u64,
    }
}

/// Accounts of contracts and their code. Slots are kept by the hashes of their names, so that they can be
/// told apart only where there is one contract.
fn tell_contracts(state: &State, contracts: &[Address], tell: &mut dyn FnMut(LedgerEntry)) {
    let slots = (contracts.len() == 1).then(|| state.slots());
    for address in contracts {
        let Account { balance, nonce } = state.account(address);
        let id = address.to_string();
        tell(LedgerEntry::Account(LedgerAccount {
            id: id.clone(),
            balance,
            nonce,
            ..LedgerAccount::default()
        }));
        let code = state.code(address);
        tell(LedgerEntry::Contract(LedgerContract {
            id,
            code_hash: code.map_or_else(String::new, |code| hex(&code.hash().0)),
            code_bytes: code.map_or(0, |code| code.bytes().len() as u64),
            slots,
        }));
    }
}

/// An account's name: a node's number, or an address.
fn named(address: &Address, owners: &Owners) -> String {
    owners.get(address).map_or_else(|| address.to_string(), u32::to_string)
}

/// What a transaction does, in a word and in a line.
fn meaning(signed: &Signed, owners: &Owners) -> (&'static str, String) {
    let transaction = &signed.transaction;
    let value = transaction.value;
    match &transaction.payload {
        Payload::Transfer { to } => ("transfer", format!("{value} to {}", named(to, owners))),
        Payload::Deploy { code, .. } => {
            let address = Address::of_contract(&transaction.sender, transaction.nonce);
            ("deploy", format!("{} bytes at {address}", code.len()))
        }
        Payload::Call { to, input } => {
            let start = &input[..input.len().min(SHOWN)];
            let more = if input.len() > SHOWN { "…" } else { "" };
            let input = format!("input {}{more} ({} bytes)", hex(start), input.len());
            ("call", format!("{} with {value}, {input}", named(to, owners)))
        }
        Payload::Other { kind: BOND, .. } => ("bond", format!("{value} become stake")),
        Payload::Other { .. } => ("unbond", format!("{value} of its stake")),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
