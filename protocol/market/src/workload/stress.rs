//! Commands of every kind in a few prices and accounts, many of them bad: to shake a venue.

use crate::command::{Command, Force, Kind, Order, OrderId, Side, Terms};
use crate::draw::Draws;
use crate::hash::lock_of;
use crate::rules::Rules;

/// The generator. It does not know what the venue makes of its commands: it names recent orders,
/// most of which are open, and sometimes old or foreign ones.
#[derive(Clone, Debug)]
pub struct Stress {
    draws: Draws,
    accounts: u32,
    instruments: u16,
    next: Vec<u32>,
    recent: Vec<OrderId>,
    prepared: Vec<OrderId>,
    height: u64,
    middle: i64,
}

const RECENT: usize = 96;

impl Stress {
    /// A stream for a venue with these rules.
    pub fn new(seed: u64, rules: &Rules) -> Self {
        Self {
            draws: Draws::new(seed),
            accounts: rules.accounts,
            instruments: rules.instruments.max(1),
            next: vec![0; rules.accounts as usize],
            recent: Vec::new(),
            prepared: Vec::new(),
            height: 0,
            middle: 100,
        }
    }

    /// Tells it the height, for deadlines.
    pub fn at_height(&mut self, height: u64) {
        self.height = height;
    }

    /// The commands that fund every account.
    pub fn funding(&mut self) -> Vec<Command> {
        let mut commands = Vec::new();
        for account in 0..self.accounts {
            let id = self.id(account);
            commands.push(Command::Deposit { id, cash: 200_000 });
            for instrument in 0..self.instruments {
                let id = self.id(account);
                commands.push(Command::DepositLots { id, instrument, lots: 1_500 });
            }
        }
        commands
    }

    fn one_in(&mut self, chances: u64) -> bool {
        self.draws.below(chances) == 0
    }

    fn id(&mut self, account: u32) -> OrderId {
        let next = &mut self.next[account as usize];
        *next += 1;
        OrderId::new(account, *next - 1)
    }

    fn account(&mut self) -> u32 {
        self.draws.below(u64::from(self.accounts)) as u32
    }

    /// A number that is nearly always new: ahead, behind, or used.
    fn new_id(&mut self) -> OrderId {
        let account = self.account();
        if self.one_in(50) {
            self.next[account as usize] += self.draws.below(200) as u32;
        }
        let id = self.id(account);
        match self.draws.below(60) {
            0 => OrderId::new(account, id.number.saturating_sub(self.draws.below(200) as u32)),
            1 => OrderId::new(self.accounts, id.number),
            _ => id,
        }
    }

    fn known(&mut self) -> OrderId {
        if self.recent.is_empty() || self.one_in(40) {
            return OrderId::new(self.account(), self.draws.below(1_000) as u32);
        }
        self.recent[self.draws.below(self.recent.len() as u64) as usize]
    }

    fn remember(&mut self, id: OrderId) {
        if self.recent.len() < RECENT {
            self.recent.push(id);
        } else {
            self.recent.rotate_left(1);
            self.recent[RECENT - 1] = id;
        }
    }

    fn price(&mut self) -> i64 {
        match self.draws.below(200) {
            0 => self.draws.between(1, 1_000_000),
            1 => self.draws.between(-1, 3),
            2 => 1 << self.draws.below(63),
            _ => self.middle + self.draws.between(-12, 12),
        }
    }

    fn quantity(&mut self) -> i64 {
        match self.draws.below(100) {
            0 => self.draws.between(-1, 0),
            1 => 1 << self.draws.below(63),
            2..12 => self.draws.between(20, 120),
            _ => self.draws.between(1, 12),
        }
    }

    fn order(&mut self) -> Order {
        let id = self.new_id();
        let wrong = u64::from(self.one_in(100));
        let instrument = self.draws.below(u64::from(self.instruments) + wrong) as u16;
        let side = if self.one_in(2) { Side::Bid } else { Side::Ask };
        let (price, quantity) = (self.price(), self.quantity());
        let force = match self.draws.below(8) {
            0 => Force::Immediate,
            1 => Force::Fill,
            2 => Force::Post,
            _ => Force::Rest,
        };
        let kind = match self.draws.below(20) {
            0..2 => Kind::Market,
            2..5 => Kind::Iceberg { display: self.draws.between(1, 6) },
            5..8 => Kind::Stop { trigger: self.price(), force },
            _ => Kind::Limit(force),
        };
        let price = if kind == Kind::Market && !self.one_in(50) { 0 } else { price };
        Order { id, instrument, side, price, quantity, kind }
    }

    fn preimage(id: OrderId) -> [u8; 32] {
        let mut preimage = [0; 32];
        preimage[..8].copy_from_slice(&id.word().to_le_bytes());
        preimage
    }

    fn prepare(&mut self) -> Command {
        let mut order = self.order();
        if order.price == 0 {
            order.price = self.price();
        }
        let terms = if self.one_in(3) {
            let deadline = self.height + self.draws.below(5);
            Terms::Hash { lock: lock_of(&Self::preimage(order.id)), deadline }
        } else {
            Terms::Decision { coordinator: 1 }
        };
        self.prepared.push(order.id);
        if self.prepared.len() > 12 {
            self.prepared.remove(0);
        }
        Command::Prepare { order, terms }
    }

    fn decide(&mut self) -> Command {
        let id = if self.prepared.is_empty() || self.one_in(30) {
            self.known()
        } else {
            let at = self.draws.below(self.prepared.len() as u64) as usize;
            self.prepared[at]
        };
        if self.one_in(3) {
            let mut preimage = Self::preimage(id);
            preimage[31] = u8::from(self.one_in(10));
            return Command::Reveal { id, preimage };
        }
        let coordinator = if self.one_in(20) { 2 } else { 1 };
        Command::Decide { id, coordinator, commit: self.one_in(2) }
    }

    /// The next command.
    pub fn command(&mut self) -> Command {
        if self.one_in(500) {
            self.middle = self.draws.between(60, 140);
        }
        match self.draws.below(1_000) {
            0..540 => {
                let order = self.order();
                self.remember(order.id);
                Command::Place(order)
            }
            540..740 => Command::Cancel { id: self.known() },
            740..790 => Command::Reduce { id: self.known(), to: self.draws.between(0, 8) },
            790..850 => {
                let id = self.known();
                let number = self.id(id.account.min(self.accounts - 1)).number;
                self.remember(OrderId::new(id.account, number));
                let (price, quantity) = (self.price(), self.quantity());
                Command::Replace { id, number, price, quantity }
            }
            850..900 => self.prepare(),
            900..960 => self.decide(),
            960..961 => Command::Kill { account: self.account(), on: true },
            961..972 => Command::Kill { account: self.account(), on: false },
            972..980 => {
                let id = self.new_id();
                Command::Deposit { id, cash: i128::from(self.draws.between(-1, 60_000)) }
            }
            980..986 => {
                let id = self.new_id();
                Command::Withdraw { id, cash: i128::from(self.draws.between(0, 20_000)) }
            }
            986..994 => {
                let (id, instrument) = (self.new_id(), self.draws.below(3) as u16);
                Command::DepositLots { id, instrument, lots: self.draws.between(0, 300) }
            }
            _ => {
                let (id, instrument) = (self.new_id(), self.draws.below(3) as u16);
                Command::WithdrawLots { id, instrument, lots: self.draws.between(0, 100) }
            }
        }
    }
}
