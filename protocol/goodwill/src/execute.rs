//! What a block comes to: windows that end before it, what is due, its transactions, its coinbase.

use std::collections::BTreeMap;
use std::sync::Arc;

use anthill_contracts::State;
use anthill_protocol::Bodies;
use anthill_protocol::draw::{below, mix};

use crate::Goodwill;
use crate::accounts::{Account, AccountId, Accounts};
use crate::block::{Block, Header, Included, Item};
use crate::contracts::Call;
use crate::ledger::{Ledger, Outcome, Pots, Receipt, Refusal, Tally};
use crate::lottery::Table;
use crate::orders::PRICE;
use crate::parameters::Proof;
use crate::root::Parts;
use crate::scheduled::{Cron, Scheduled};
use crate::transaction::{Payload, Transaction};

/// Windows for which a forger that cheated may not forge.
pub(crate) const BANNED_FOR: u32 = 10;
/// Blocks of which a key may be accused at a time; accusations of more are refused.
const MOST_ACCUSED: usize = 1_000;

impl Goodwill {
    /// The state that all nodes know.
    pub(crate) fn genesis_ledger(&self) -> Ledger {
        let first = self.first_weights();
        let end = mix(self.seed(), 0x656e_6473);
        let mut ledger = Ledger {
            slot: 0,
            height: 0,
            window: 0,
            accounts: Accounts::new(self.grants()),
            pots: Pots { genesis: self.grants().total(), ..Pots::default() },
            tables: [first.clone(), first],
            fresh: [false; 2],
            bids: Arc::default(),
            ends: [end, end, end],
            associations: Arc::new(self.first_associations()),
            signs: Arc::default(),
            bans: Arc::default(),
            accusers: Arc::default(),
            scheduled: Arc::new(Scheduled::default()),
            contracts: Arc::default(),
            state: State::default(),
            donated: 0,
            parts: Parts::new(),
        };
        ledger.commit(None);
        ledger
    }

    /// The window of a slot; slots are numbered from 1, windows from 0.
    pub(crate) fn window_of(&self, slot: u32) -> u32 {
        slot.saturating_sub(1) / self.window
    }

    /// Who may forge in a slot, if nothing comes between; `None`: nobody.
    pub(crate) fn leader(
        &self,
        tip: &Block,
        slot: u32,
        bodies: &impl Bodies<Item>,
    ) -> Option<AccountId> {
        self.leader_after((&self.outcome(tip, bodies)?.ledger, tip.hash), slot)
    }

    /// The same, after the block with this state and hash.
    pub(crate) fn leader_after(
        &self,
        (ledger, hash): (&Ledger, u64),
        slot: u32,
    ) -> Option<AccountId> {
        let window = self.window_of(slot);
        let (table, end) = match window.checked_sub(ledger.window)? {
            0 => (Arc::clone(&ledger.tables[0]), ledger.ends[0]),
            1 => (Arc::clone(&ledger.tables[1]), ledger.ends[1]),
            _ if ledger.bids.is_empty() => (Arc::clone(&ledger.tables[1]), hash),
            _ => (Arc::new(Table::new(&ledger.bids)), hash),
        };
        let beacon = self.beacon_of(window, end);
        table.leader(beacon, slot).filter(|key| !ledger.is_banned(*key, window))
    }

    /// What slots of a window are drawn from.
    pub(crate) fn beacon_of(&self, window: u32, end: u64) -> u64 {
        match self.uses_chain_beacon() {
            true => mix(end, window.into()),
            false => mix(self.seed() ^ 0x6265_6163, window.into()),
        }
    }

    /// What a block comes to on top of the one with this state and hash.
    pub(crate) fn execute(
        &self,
        (below, parent): (&Ledger, u64),
        header: &Header,
        transactions: &[Included],
    ) -> Outcome {
        let mut ledger = below.clone();
        let mut tally = Tally::default();
        self.advance(&mut ledger, parent, header.slot, &mut tally);
        ledger.slot = header.slot;
        ledger.height = ledger.height.saturating_add(1);
        let forger = header.forger.0;
        ledger.note_sign(forger);
        self.run_due(&mut ledger, &mut tally);
        let mut receipts = Vec::with_capacity(transactions.len());
        for one in transactions {
            let refused = self.apply(&mut ledger, &one.transaction, &mut tally).err();
            receipts.push(Receipt { id: one.transaction.id(), refused });
        }
        let told = self.run_calls(&mut ledger, (forger, header.price), &mut tally);
        tally.minted = ledger.mint(forger, self.reward, self.most_issued);
        self.pay_fees(&mut ledger, forger, &mut tally);
        ledger.commit(Some(below));
        let (owners, assets) = (told.owners.into(), told.assets.into());
        Outcome { owners, assets, ..Outcome::new(ledger, receipts, tally) }
    }

    /// Lets the windows end that end before a slot.
    fn advance(&self, ledger: &mut Ledger, last: u64, slot: u32, tally: &mut Tally) {
        ledger.ends[2] = last;
        while ledger.window < self.window_of(slot) {
            self.count_votes(ledger, tally);
            self.spend(ledger, mix(last, ledger.window.into()));
            if self.kind == Proof::Stake && ledger.fresh[0] {
                let stakes = Arc::clone(&ledger.tables[0]);
                for (owner, stake) in stakes.iter() {
                    ledger.pots.escrow = ledger.pots.escrow.saturating_sub(stake);
                    ledger.accounts.credit(owner, stake);
                }
            }
            let bids = core::mem::take(&mut ledger.bids);
            let fresh = !bids.is_empty();
            let next = match fresh {
                true => Arc::new(Table::new(&bids)),
                false => Arc::clone(&ledger.tables[1]),
            };
            ledger.tables = [Arc::clone(&ledger.tables[1]), next];
            ledger.fresh = [ledger.fresh[1], fresh];
            ledger.ends = [ledger.ends[1], ledger.ends[2], ledger.ends[2]];
            ledger.window += 1;
            let window = ledger.window;
            if ledger.bans.values().any(|until| *until <= window) {
                Arc::make_mut(&mut ledger.bans).retain(|_, until| *until > window);
            }
        }
    }

    /// Fees go to the forger, but for the part that goes to an association.
    fn pay_fees(&self, ledger: &mut Ledger, forger: AccountId, tally: &mut Tally) {
        let admitted: Vec<u32> = match self.eco_part == 0 || tally.fees == 0 {
            true => Vec::new(),
            false => {
                let all = ledger.associations.iter().zip(0u32..);
                all.filter(|(one, _)| one.is_admitted()).map(|(_, place)| place).collect()
            }
        };
        let eco = if admitted.is_empty() { 0 } else { below(self.eco_part, tally.fees) };
        if eco > 0 {
            let draw = below(mix(ledger.ends[2], ledger.slot.into()), admitted.len() as u64);
            ledger.accounts.credit(self.account_of(admitted[draw as usize]), eco);
            ledger.donated = ledger.donated.saturating_add(eco);
            tally.donated += eco;
        }
        ledger.accounts.credit(forger, tally.fees - eco);
    }

    /// Whether whoever signed a transaction has a right to the account.
    fn may_spend(&self, ledger: &Ledger, transaction: &Transaction) -> bool {
        match self.association_of(transaction.from) {
            None => transaction.signer.0 == transaction.from,
            Some(place) => {
                let key = ledger.associations.get(place as usize).and_then(|one| one.key);
                key == Some(transaction.signer)
            }
        }
    }

    /// Carries out one transaction. One that is refused changes nothing.
    fn apply(
        &self,
        ledger: &mut Ledger,
        transaction: &Transaction,
        tally: &mut Tally,
    ) -> Result<(), Refusal> {
        if !self.may_spend(ledger, transaction) {
            return Err(Refusal::Key);
        }
        let from = transaction.from;
        let account = ledger.accounts.get(from);
        if self.law.covers_all && account.nonce != transaction.nonce {
            return Err(Refusal::Nonce);
        }
        let balance = account.balance.checked_sub(transaction.cost()).ok_or(Refusal::Funds)?;
        let nonce = account.nonce.saturating_add(1);
        let done = self.carry_out(ledger, transaction, tally);
        tally.fees += transaction.fee;
        if let Err(why) = done {
            // Its number is used up, and its fee is due: it has taken room and work.
            let balance = account.balance - transaction.fee;
            ledger.accounts.set(from, Account { balance, nonce });
            return Err(why);
        }
        // What was carried out did not touch the payer's account.
        ledger.accounts.set(from, Account { balance, nonce });
        for payment in &transaction.outputs {
            ledger.accounts.credit(payment.to, payment.amount);
            let is_kickback = self.association_of(from).is_some() && payment.to < self.forgers();
            tally.kickback += if is_kickback { payment.amount } else { 0 };
        }
        if let Payload::Bid { association, amount, .. } = transaction.payload {
            self.bid(ledger, from, (association, amount), tally);
        }
        if transaction.payload == Payload::Withdraw {
            let out = self.vm.withdraw(&mut ledger.state, from);
            ledger.pots.inside = ledger.pots.inside.saturating_sub(out);
            ledger.accounts.credit(from, out);
        }
        tally.attacks += u32::from(transaction.is_attack);
        Ok(())
    }

    fn may_bid(
        &self,
        ledger: &Ledger,
        transaction: &Transaction,
        (association, amount, window): (u32, u64, u32),
    ) -> Result<(), Refusal> {
        if window != ledger.window.saturating_add(2)
            || amount < self.least_bid
            || transaction.from >= self.forgers()
        {
            return Err(Refusal::Bid);
        }
        if self.kind != Proof::GoodWill {
            return Ok(());
        }
        let found = ledger.associations.get(association as usize).ok_or(Refusal::Association)?;
        if !self.counts_unapproved() && !found.is_admitted() {
            return Err(Refusal::Association);
        }
        if self.law.refuses_own && found.key == Some(transaction.signer) {
            return Err(Refusal::Own);
        }
        Ok(())
    }

    /// Where the money of a bid goes, and what it weighs.
    fn bid(
        &self,
        ledger: &mut Ledger,
        from: AccountId,
        (association, amount): (u32, u64),
        tally: &mut Tally,
    ) {
        match self.kind {
            Proof::GoodWill => {
                ledger.accounts.credit(self.account_of(association), amount);
                ledger.donated = ledger.donated.saturating_add(amount);
                tally.donated += amount;
                let found = ledger.associations.get(association as usize);
                tally.unapproved += u32::from(!found.is_some_and(|one| one.is_admitted()));
            }
            Proof::Burn => {
                ledger.pots.burnt += amount;
                tally.burnt += amount;
            }
            Proof::Stake => ledger.pots.escrow += amount,
        }
        let weight = Arc::make_mut(&mut ledger.bids).entry(from).or_insert(0);
        *weight = weight.saturating_add(amount);
    }

    /// What a transaction asks for beside payments.
    fn carry_out(
        &self,
        ledger: &mut Ledger,
        transaction: &Transaction,
        tally: &mut Tally,
    ) -> Result<(), Refusal> {
        let from = transaction.from;
        let exists = |to: AccountId| to < self.nodes() + ledger.associations.len() as u32;
        if !transaction.outputs.iter().all(|one| exists(one.to)) {
            return Err(Refusal::Key);
        }
        match transaction.payload {
            Payload::Cron { to, .. } | Payload::DeadMan { heir: to, .. } if !exists(to) => {
                Err(Refusal::Key)
            }
            Payload::None => Ok(()),
            Payload::Bid { association, amount, window } => {
                self.may_bid(ledger, transaction, (association, amount, window))
            }
            Payload::Request { name, purpose, credential, is_scam } => {
                self.request(ledger, transaction.signer, (name, purpose, credential, is_scam))
            }
            Payload::Vote { association, yes } => self.vote(ledger, from, (association, yes)),
            Payload::Here => {
                ledger.note_sign(from);
                Ok(())
            }
            Payload::Evidence { accused, hashes, .. } => {
                if !self.law.bans || hashes[0] == hashes[1] {
                    return Err(Refusal::Evidence);
                }
                self.ban(ledger, accused, tally)
            }
            Payload::Accuse { accused, block } => {
                self.accuse(ledger, from, (accused, block), tally)
            }
            Payload::Cron { to, amount, first, period, count } => {
                let left = (count > 0).then_some(count);
                let due = first.max(ledger.slot.saturating_add(1));
                let cron = Cron { owner: from, to, amount, period, left, due, skipped: 0 };
                self.schedule(ledger, transaction.id(), cron)
            }
            Payload::Stop { cron } => self.stop(ledger, from, cron),
            Payload::DeadMan { heir, patience } => self.watch(ledger, from, (heir, patience)),
            Payload::Alive => self.lives(ledger, from),
            Payload::Withdraw => Ok(()),
            Payload::Create { name, fuel, calls, ref code, ref input } => {
                let paid = transaction.fee / PRICE;
                self.create(ledger, (from, name), (fuel, calls), (code, input, paid))
            }
            Payload::Call { contract, limit, price, value, ref input } => {
                let (since, input) = (ledger.slot, input.clone());
                let call = Call { caller: from, limit, price, since, value, input };
                self.enqueue(ledger, contract, call)
            }
        }
    }

    fn ban(&self, ledger: &mut Ledger, key: AccountId, tally: &mut Tally) -> Result<(), Refusal> {
        if ledger.is_banned(key, ledger.window) {
            return Err(Refusal::Evidence);
        }
        let until = ledger.window.saturating_add(1 + BANNED_FOR);
        Arc::make_mut(&mut ledger.bans).insert(key, until);
        tally.bans += 1;
        Ok(())
    }

    /// More than half of the weight calls a block false: whoever signed it is banned.
    fn accuse(
        &self,
        ledger: &mut Ledger,
        from: AccountId,
        accusation: (AccountId, u64),
        tally: &mut Tally,
    ) -> Result<(), Refusal> {
        let has_weight = ledger.tables[0].weight(from) > 0;
        if !self.law.bans || !has_weight || ledger.accusers.len() >= MOST_ACCUSED {
            return Err(Refusal::Evidence);
        }
        let all = Arc::make_mut(&mut ledger.accusers);
        let accusers = all.entry(accusation).or_default();
        if accusers.contains(&from) {
            return Err(Refusal::Evidence);
        }
        accusers.push(from);
        let weights = accusers.iter().map(|accuser| ledger.tables[0].weight(*accuser));
        let sum: u128 = weights.map(u128::from).sum();
        if 2 * sum > u128::from(ledger.tables[0].total()) {
            Arc::make_mut(&mut ledger.accusers).remove(&accusation);
            return self.ban(ledger, accusation.0, tally).or(Ok(()));
        }
        Ok(())
    }

    /// What forgers are said to have given for the first two windows.
    fn first_weights(&self) -> Arc<Table> {
        let bids: BTreeMap<AccountId, u64> = (0..self.forgers())
            .map(|id| (id, self.first_bid(id)))
            .filter(|(_, bid)| *bid > 0)
            .collect();
        Arc::new(Table::new(&bids))
    }
}
