//! What a full node tells of its chain at the end of a run: blocks, transactions with what became of them,
//! accounts and contracts.

use anthill_protocol::ledger::{
    LedgerAccount, LedgerBlock, LedgerContract, LedgerEntry, LedgerTransaction,
};
use anthill_protocol::{Bodies, Shared};

use crate::Goodwill;
use crate::accounts::AccountId;
use crate::block::{Block, Item};
use crate::ledger::{Ledger, Receipt, Refusal};
use crate::node::Full;
use crate::transaction::{Payload, Transaction};

/// Payments that a summary shows.
const SHOWN: usize = 3;

impl Goodwill {
    /// Tells all of a chain, from the genesis on.
    pub(crate) fn tell_ledger(
        &self,
        node: &Full,
        bodies: &impl Bodies<Item>,
        tell: &mut dyn FnMut(LedgerEntry),
    ) {
        let mut chain: Vec<Shared> = Vec::new();
        let mut next = Some(node.tip);
        while let Some(handle) = next {
            chain.push(handle);
            next = bodies.get(handle).block().and_then(|block| block.parent);
        }
        for block in chain.into_iter().rev().filter_map(|handle| bodies.get(handle).block()) {
            let outcome = self.outcome(block, bodies);
            let receipts = outcome.as_ref().map_or(&[][..], |outcome| &outcome.receipts);
            tell_block(block, receipts, tell);
        }
        let tip = bodies.get(node.tip).block();
        if let Some(outcome) = tip.and_then(|tip| self.outcome(tip, bodies)) {
            self.tell_accounts(&outcome.ledger, tell);
            tell_contracts(&outcome.ledger, tell);
        }
    }

    fn tell_accounts(&self, ledger: &Ledger, tell: &mut dyn FnMut(LedgerEntry)) {
        let associations = ledger.associations.len() as u32;
        let all = (0..self.nodes()).chain((0..associations).map(|it| self.account_of(it)));
        for id in all {
            let account = ledger.accounts.get(id);
            tell(LedgerEntry::Account(LedgerAccount {
                id: id.to_string(),
                address: self
                    .association_of(id)
                    .map_or_else(String::new, |it| format!("association {it}")),
                balance: account.balance,
                nonce: account.nonce.into(),
                stake: ledger.tables[0].weight(id),
            }));
        }
    }
}

fn tell_block(block: &Block, receipts: &[Receipt], tell: &mut dyn FnMut(LedgerEntry)) {
    let header = &block.header;
    tell(LedgerEntry::Block(LedgerBlock {
        height: header.height.into(),
        hash: name(block.hash),
        parent: block.parent.map_or_else(String::new, |_| name(header.parent)),
        proposer: header.forger.0.to_string(),
        time: header.time,
        transactions: block.transactions.len() as u64,
    }));
    for (place, one) in block.transactions.iter().enumerate() {
        let transaction = &*one.transaction;
        let (status, is_charged) = match receipts.get(place).map(|receipt| receipt.refused) {
            None => ("unknown", false),
            Some(None) => ("done", true),
            Some(Some(refusal)) => (why(refusal), uses_its_number(refusal)),
        };
        let (kind, summary) = meaning(transaction);
        tell(LedgerEntry::Transaction(LedgerTransaction {
            id: name(transaction.id()),
            block: header.height.into(),
            sender: transaction.from.to_string(),
            kind,
            summary,
            fee: if is_charged { transaction.fee } else { 0 },
            status: status.to_owned(),
        }));
    }
}

fn tell_contracts(ledger: &Ledger, tell: &mut dyn FnMut(LedgerEntry)) {
    let with_code = ledger.contracts.each().filter(|(_, place)| place.is_some()).count();
    for (id, place) in ledger.contracts.each() {
        let code = place.and_then(|place| ledger.state.code(&place));
        let slots = match place {
            // Without code it stores nothing; slots of several are not kept apart.
            None => Some(0),
            Some(_) => (with_code == 1).then(|| ledger.state.slots()),
        };
        tell(LedgerEntry::Contract(LedgerContract {
            id: name(id),
            code_hash: code.map_or_else(String::new, |code| {
                code.hash().0.iter().map(|byte| format!("{byte:02x}")).collect()
            }),
            code_bytes: code.map_or(0, |code| code.bytes().len() as u64),
            slots,
        }));
    }
}

fn name(word: u64) -> String {
    format!("{word:016x}")
}

/// Whether a transaction that was refused has used up its number, and paid its fee.
fn uses_its_number(refusal: Refusal) -> bool {
    !matches!(refusal, Refusal::Key | Refusal::Nonce | Refusal::Funds)
}

fn why(refusal: Refusal) -> &'static str {
    match refusal {
        Refusal::Nonce => "refused: its nonce is not the account's next",
        Refusal::Funds => "refused: the account has not so much",
        Refusal::Key => "refused: its signer has no right to the account",
        Refusal::Bid => "refused: no bid for the window that is bid for",
        Refusal::Association => "refused: no approved association",
        Refusal::Own => "refused: a forger gives to itself",
        Refusal::Credential => "refused: no valid credential",
        Refusal::Vote => "refused: no right to vote",
        Refusal::Evidence => "refused: it proves nothing new",
        Refusal::Contract => "refused: no such contract, or no call of it left",
        Refusal::Code => "refused: code that may not be deployed",
        Refusal::Schedule => "refused: a schedule that cannot be",
    }
}

/// What a transaction does, in a word and in a line.
fn meaning(transaction: &Transaction) -> (&'static str, String) {
    let to = |to: AccountId, amount: u64| format!("{amount} to {to}");
    let paid: Vec<String> =
        transaction.outputs.iter().take(SHOWN).map(|one| to(one.to, one.amount)).collect();
    let more = transaction.outputs.len().saturating_sub(SHOWN);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let paid = paid.join(", ") + &more;
    let (kind, what) = match &transaction.payload {
        Payload::None => ("payment", String::new()),
        Payload::Bid { association, amount, window } => {
            ("bid", format!("{amount} to association {association} for window {window}"))
        }
        Payload::Request { name, purpose, .. } => {
            ("request", format!("association {name}, purpose {purpose}"))
        }
        Payload::Vote { association, yes } => {
            ("vote", format!("{} on association {association}", if *yes { "yes" } else { "no" }))
        }
        Payload::Here => ("here", String::new()),
        Payload::Evidence { accused, slot, .. } => {
            ("evidence", format!("two blocks of {accused} in slot {slot}"))
        }
        Payload::Accuse { accused, block } => {
            ("accusation", format!("block {} of {accused} is false", name(*block)))
        }
        Payload::Cron { to: payee, amount, first, period, count } => (
            "cron",
            format!("{} from slot {first}, every {period}, {count} times", to(*payee, *amount)),
        ),
        Payload::Stop { cron } => ("stop", format!("cron {cron}")),
        Payload::DeadMan { heir, patience } => {
            ("dead-man", format!("all to {heir} after {patience} slots of silence"))
        }
        Payload::Alive => ("alive", String::new()),
        Payload::Create { name: label, fuel, calls, .. } => {
            let contract = name(crate::contracts::address(transaction.from, *label));
            ("create", format!("contract {contract}, {fuel} fuel a call, {calls} calls"))
        }
        Payload::Call { contract, limit, value, .. } => {
            ("call", format!("contract {} with {value}, at most {limit} fuel", name(*contract)))
        }
        Payload::Withdraw => ("withdraw", String::new()),
    };
    let parts: Vec<String> = [what, paid].into_iter().filter(|part| !part.is_empty()).collect();
    (kind, parts.join("; "))
}
