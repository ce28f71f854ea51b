//! What accounts own, what of it is promised, and which order numbers they have used.

use crate::amount::{Cash, Lots};
use crate::command::OrderId;
use crate::hash::{key, named};
use crate::stored::{Stored, StoredError, stored};
use prefetch_index::prefetch_index;

/// How far behind an account's newest number another may arrive.
pub const REORDERING: u32 = 128;

/// An account's cash and standing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    cash: Cash,
    reserved: Cash,
    /// Which of the numbers `newest - 127 ..= newest` are used, the newest in bit 0.
    used: u128,
    newest: u32,
    /// Open orders and reservations.
    pub(crate) open: u32,
    /// Orders entered in the block `counted`.
    entered: u32,
    counted: u32,
    killed: bool,
}

impl Account {
    /// All its cash, in units.
    #[inline]
    pub fn cash(&self) -> Cash {
        self.cash
    }

    /// The part promised to open orders, reservations and deposits.
    #[inline]
    pub fn reserved(&self) -> Cash {
        self.reserved
    }

    /// The part it may spend.
    #[inline]
    pub fn free(&self) -> Cash {
        self.cash - self.reserved
    }

    /// Its open orders and reservations.
    pub fn open(&self) -> u32 {
        self.open
    }

    /// Whether its kill switch is on.
    #[inline]
    pub fn killed(&self) -> bool {
        self.killed
    }

    /// Whether it may still use a number.
    #[inline]
    pub fn fresh(&self, number: u32) -> bool {
        if number > self.newest {
            return true;
        }
        let behind = self.newest - number;
        behind < REORDERING && self.used >> behind & 1 == 0
    }

    /// Marks a fresh number as used.
    #[inline(always)]
    fn use_up(&mut self, number: u32) {
        if number > self.newest {
            let ahead = number - self.newest;
            self.used = if ahead < REORDERING { self.used << ahead } else { 0 };
            self.newest = number;
        }
        self.used |= 1 << (self.newest - number);
    }

    /// Orders it entered in a block (the low half of the height).
    #[inline]
    pub(crate) fn entered(&self, block: u32) -> u32 {
        if self.counted == block { self.entered } else { 0 }
    }

    /// Counts an order in a block.
    #[inline(always)]
    pub(crate) fn enter(&mut self, block: u32) {
        self.entered = self.entered(block).saturating_add(1);
        self.counted = block;
    }
}

/// An account's lots of one instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    lots: Lots,
    reserved: Lots,
    bidding: Lots,
}

impl Holding {
    /// All its lots.
    #[inline]
    pub fn lots(&self) -> Lots {
        self.lots
    }

    /// The part promised to open asks and reservations.
    #[inline]
    pub fn reserved(&self) -> Lots {
        self.reserved
    }

    /// The part it may sell.
    #[inline]
    pub fn free(&self) -> Lots {
        self.lots - self.reserved
    }

    /// Lots that its open bids and reservations may still buy.
    #[inline]
    pub fn bidding(&self) -> Lots {
        self.bidding
    }
}

stored! {
    Account { cash, reserved, used, newest, open, entered, counted, killed }
    Holding { lots, reserved, bidding }
}

const CASH: u64 = 0;
const KILLED: u64 = 1;
const LOTS: u64 = 2;

/// All accounts of a venue, with a running digest: the sum, modulo 2^128, of every amount owned times
/// the key of its place, so that a change costs one multiplication. What is promised follows from the
/// open orders, the reservations and the stakes, which have digests of their own.
#[derive(Clone, Debug)]
pub(crate) struct Accounts {
    accounts: Vec<Account>,
    holdings: Vec<Holding>,
    instruments: u32,
    money: u128,
    /// The sum of the digests of all names used.
    names: u128,
}

impl Accounts {
    pub(crate) fn new(accounts: u32, instruments: u16) -> Self {
        let instruments = u32::from(instruments.max(1));
        let holdings = accounts as usize * instruments as usize;
        Self {
            accounts: vec![Account::default(); accounts as usize],
            holdings: vec![Holding::default(); holdings],
            instruments,
            money: 0,
            names: 0,
        }
    }

    pub(crate) fn len(&self) -> u32 {
        self.accounts.len() as u32
    }

    #[inline]
    pub(crate) fn get(&self, account: u32) -> Option<&Account> {
        self.accounts.get(account as usize)
    }

    #[inline]
    pub(crate) fn account(&self, account: u32) -> &Account {
        &self.accounts[account as usize]
    }

    #[inline]
    fn place(&self, account: u32, instrument: u16) -> usize {
        account as usize * self.instruments as usize + usize::from(instrument)
    }

    #[inline]
    pub(crate) fn holding(&self, account: u32, instrument: u16) -> &Holding {
        &self.holdings[self.place(account, instrument)]
    }

    /// Asks for the lines of an account; any number will do.
    #[inline]
    pub(crate) fn read_ahead(&self, account: u32) {
        let at = (account as usize).min(self.accounts.len());
        prefetch_index(&self.accounts[..], at);
        prefetch_index(&self.holdings[..], at * self.instruments as usize);
    }

    /// Counts an open order or reservation.
    #[inline]
    pub(crate) fn opened(&mut self, account: u32) {
        self.accounts[account as usize].open += 1;
    }

    /// Counts one less.
    #[inline]
    pub(crate) fn closed(&mut self, account: u32) {
        self.accounts[account as usize].open -= 1;
    }

    #[inline(always)]
    fn digest(&mut self, field: u64, place: usize, change: i128) {
        let term = i128::from(key(field, place as u64)).wrapping_mul(change);
        self.money = self.money.wrapping_add(term as u128);
    }

    #[inline(always)]
    pub(crate) fn add_cash(&mut self, account: u32, change: Cash) {
        self.accounts[account as usize].cash += change;
        self.digest(CASH, account as usize, change);
    }

    #[inline(always)]
    pub(crate) fn add_reserved(&mut self, account: u32, change: Cash) {
        self.accounts[account as usize].reserved += change;
    }

    #[inline(always)]
    pub(crate) fn add_lots(&mut self, account: u32, instrument: u16, change: Lots) {
        let at = self.place(account, instrument);
        self.holdings[at].lots += change;
        self.digest(LOTS, at, i128::from(change));
    }

    /// Changes what is promised: lots to sell and to buy, and cash.
    #[inline(always)]
    pub(crate) fn promise(
        &mut self,
        (account, instrument): (u32, u16),
        (asked, bid): (Lots, Lots),
        cash: Cash,
    ) {
        let at = self.place(account, instrument);
        let holding = &mut self.holdings[at];
        holding.reserved += asked;
        holding.bidding += bid;
        self.accounts[account as usize].reserved += cash;
    }

    #[inline(always)]
    pub(crate) fn add_lots_reserved(&mut self, account: u32, instrument: u16, change: Lots) {
        let at = self.place(account, instrument);
        self.holdings[at].reserved += change;
    }

    #[inline(always)]
    pub(crate) fn add_bidding(&mut self, account: u32, instrument: u16, change: Lots) {
        let at = self.place(account, instrument);
        self.holdings[at].bidding += change;
    }

    pub(crate) fn set_killed(&mut self, account: u32, on: bool) {
        let before = std::mem::replace(&mut self.accounts[account as usize].killed, on);
        self.digest(KILLED, account as usize, i128::from(on) - i128::from(before));
    }

    /// Marks a fresh name as used.
    #[inline(always)]
    pub(crate) fn use_up(&mut self, id: OrderId) {
        self.accounts[id.account as usize].use_up(id.number);
        self.names = self.names.wrapping_add(named(id.word()));
    }

    /// Marks the name of an order as used, and counts the order in a block.
    #[inline(always)]
    pub(crate) fn enter(&mut self, id: OrderId, block: u32) {
        let account = &mut self.accounts[id.account as usize];
        account.use_up(id.number);
        account.enter(block);
        self.names = self.names.wrapping_add(named(id.word()));
    }

    pub(crate) fn instruments(&self) -> usize {
        self.instruments as usize
    }

    /// The digest.
    #[inline]
    pub(crate) fn sum(&self) -> u128 {
        self.money.wrapping_add(self.names)
    }

    /// Whether the digest of all amounts is that of the amounts.
    pub(crate) fn digest_holds(&self) -> bool {
        self.digest_afresh() == self.money
    }

    fn digest_afresh(&self) -> u128 {
        let mut afresh = Self::new(0, 1);
        for (at, account) in self.accounts.iter().enumerate() {
            afresh.digest(CASH, at, account.cash);
            afresh.digest(KILLED, at, i128::from(account.killed));
        }
        for (at, holding) in self.holdings.iter().enumerate() {
            afresh.digest(LOTS, at, i128::from(holding.lots));
        }
        afresh.money
    }
}

/// Without the digest of all amounts, which follows from them.
impl Stored for Accounts {
    fn store(&self, out: &mut Vec<u8>) {
        self.accounts.store(out);
        self.holdings.store(out);
        (self.instruments, self.names).store(out);
    }

    fn restore(bytes: &mut &[u8]) -> Result<Self, StoredError> {
        let (accounts, holdings) = (Vec::<Account>::restore(bytes)?, Vec::restore(bytes)?);
        let (instruments, names) = <(u32, u128)>::restore(bytes)?;
        if accounts.len().checked_mul(instruments as usize) != Some(holdings.len()) {
            return Err(StoredError);
        }
        let mut restored = Self { accounts, holdings, instruments, money: 0, names };
        restored.money = restored.digest_afresh();
        Ok(restored)
    }
}
