//! What accounts own, what of it is promised, and which order numbers they have used.

use crate::amount::{Cash, Lots};
use crate::hash::{halves, record};

/// How far behind an account's newest number another may arrive.
pub const REORDERING: u32 = 128;

/// An account's cash and standing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Account {
    pub(crate) cash: Cash,
    pub(crate) reserved: Cash,
    /// Which of the numbers `newest - 127 ..= newest` are used, the newest in bit 0.
    used: u128,
    newest: u32,
    /// Open orders and reservations.
    pub(crate) open: u32,
    /// Orders entered in the block `counted`.
    entered: u32,
    counted: u32,
    pub(crate) killed: bool,
    dirty: bool,
    folded: u128,
}

impl Account {
    /// All its cash, in units.
    pub fn cash(&self) -> Cash {
        self.cash
    }

    /// The part promised to open orders and reservations.
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
    #[inline]
    pub(crate) fn use_up(&mut self, number: u32) {
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
    #[inline]
    pub(crate) fn enter(&mut self, block: u32) {
        self.entered = self.entered(block).saturating_add(1);
        self.counted = block;
    }

    fn element(&self, at: u32) -> u128 {
        let ([cash, cash_high], [reserved, reserved_high]) =
            (halves(self.cash), halves(self.reserved));
        let [used, used_high] = [self.used as u64, (self.used >> 64) as u64];
        let standing = u64::from(self.newest) << 1 | u64::from(self.killed);
        record([
            cash,
            reserved,
            used,
            used_high.wrapping_add(cash_high.rotate_left(32) ^ reserved_high.rotate_left(16)),
            standing,
            u64::from(at),
        ])
    }
}

/// An account's lots of one instrument.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Holding {
    pub(crate) lots: Lots,
    pub(crate) reserved: Lots,
    pub(crate) bidding: Lots,
    dirty: bool,
    folded: u128,
}

impl Holding {
    /// All its lots.
    pub fn lots(&self) -> Lots {
        self.lots
    }

    /// The part promised to open asks and reservations.
    pub fn reserved(&self) -> Lots {
        self.reserved
    }

    /// The part it may sell.
    #[inline]
    pub fn free(&self) -> Lots {
        self.lots - self.reserved
    }

    /// Lots that its open bids and reservations may still buy.
    pub fn bidding(&self) -> Lots {
        self.bidding
    }

    fn element(&self, at: u32) -> u128 {
        if *self == Self::default() {
            return 0;
        }
        let words = [self.lots as u64, self.reserved as u64, self.bidding as u64];
        record([words[0], words[1], words[2], 1, 0, 1 << 32 | u64::from(at)])
    }
}

/// All accounts of a venue, and the sum of their elements. Whatever is changed is noted, and the sum
/// brought up to date by [`Accounts::fold`] once per command.
#[derive(Clone, Debug)]
pub(crate) struct Accounts {
    accounts: Vec<Account>,
    holdings: Vec<Holding>,
    instruments: u32,
    changed: Vec<u32>,
    moved: Vec<u32>,
    sum: u128,
}

impl Accounts {
    pub(crate) fn new(accounts: u32, instruments: u16) -> Self {
        let instruments = u32::from(instruments.max(1));
        let holdings = accounts as usize * instruments as usize;
        let mut all = Self {
            accounts: vec![Account::default(); accounts as usize],
            holdings: vec![Holding::default(); holdings],
            instruments,
            changed: Vec::with_capacity(64),
            moved: Vec::with_capacity(64),
            sum: 0,
        };
        for at in 0..accounts {
            let element = all.accounts[at as usize].element(at);
            all.accounts[at as usize].folded = element;
            all.sum = all.sum.wrapping_add(element);
        }
        all
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
    pub(crate) fn holding(&self, account: u32, instrument: u16) -> &Holding {
        &self.holdings[(account * self.instruments + u32::from(instrument)) as usize]
    }

    /// An account about to change.
    #[inline]
    pub(crate) fn account_mut(&mut self, at: u32) -> &mut Account {
        let account = &mut self.accounts[at as usize];
        if !account.dirty {
            account.dirty = true;
            self.changed.push(at);
        }
        account
    }

    /// A holding about to change.
    #[inline]
    pub(crate) fn holding_mut(&mut self, account: u32, instrument: u16) -> &mut Holding {
        let at = account * self.instruments + u32::from(instrument);
        let holding = &mut self.holdings[at as usize];
        if !holding.dirty {
            holding.dirty = true;
            self.moved.push(at);
        }
        holding
    }

    /// Brings the sum up to date.
    #[inline]
    pub(crate) fn fold(&mut self) {
        while let Some(at) = self.changed.pop() {
            let account = &mut self.accounts[at as usize];
            let element = account.element(at);
            self.sum = self.sum.wrapping_add(element).wrapping_sub(account.folded);
            account.folded = element;
            account.dirty = false;
        }
        while let Some(at) = self.moved.pop() {
            let holding = &mut self.holdings[at as usize];
            let folded = std::mem::take(&mut holding.folded);
            holding.dirty = false;
            let element = holding.element(at);
            self.sum = self.sum.wrapping_add(element).wrapping_sub(folded);
            holding.folded = element;
        }
    }

    /// The sum of all elements, as of the last [`Accounts::fold`].
    pub(crate) fn sum(&self) -> u128 {
        self.sum
    }

    /// The same sum from nothing.
    pub(crate) fn sum_afresh(&self) -> u128 {
        let accounts = self.accounts.iter().zip(0..).map(|(account, at)| account.element(at));
        let holdings = self
            .holdings
            .iter()
            .zip(0..)
            .map(|(holding, at)| Holding { folded: 0, dirty: false, ..*holding }.element(at));
        accounts.chain(holdings).fold(0, u128::wrapping_add)
    }
}
