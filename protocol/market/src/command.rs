//! What an entry of the log asks of a venue.

use crate::amount::{Cash, Lots, Ticks};

/// The name of an order or a transfer: an account and a number it chose. A venue accepts each once;
/// numbers may arrive out of order by up to [`crate::REORDERING`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct OrderId {
    /// The account, from 0.
    pub account: u32,
    /// The account's own number.
    pub number: u32,
}

impl OrderId {
    /// An order of an account.
    pub fn new(account: u32, number: u32) -> Self {
        Self { account, number }
    }

    /// Both halves in one word.
    #[inline]
    pub fn word(self) -> u64 {
        u64::from(self.account) << 32 | u64::from(self.number)
    }
}

/// Which side of the book an order is on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Side {
    /// Buys.
    Bid,
    /// Sells.
    Ask,
}

impl Side {
    /// The side it trades with.
    #[inline]
    pub fn other(self) -> Self {
        match self {
            Side::Bid => Side::Ask,
            Side::Ask => Side::Bid,
        }
    }

    /// Whether an order of this side with the limit `limit` trades at `price`.
    #[inline]
    pub fn accepts(self, limit: Ticks, price: Ticks) -> bool {
        let bids = self == Side::Bid;
        bids & (price <= limit) | !bids & (price >= limit)
    }
}

/// What becomes of what a limit order cannot trade at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Force {
    /// It rests (good till cancelled).
    Rest,
    /// It is cancelled (immediate or cancel).
    Immediate,
    /// Unless all of it trades at once, the order is refused (fill or kill).
    Fill,
    /// It rests, and the order is refused if any of it would trade at once (post-only).
    Post,
}

/// The kind of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// At its price or better.
    Limit(Force),
    /// At any price inside the collar, at once; never rests. Its `price` is 0.
    Market,
    /// Waits until a trade at `trigger` or beyond (above for a bid, below for an ask), then becomes
    /// a limit order at its price: the worst it accepts, hence what it reserves. `Rest` or
    /// `Immediate`.
    Stop {
        /// The price that wakes it.
        trigger: Ticks,
        /// What it becomes.
        force: Force,
    },
    /// A limit order that rests and shows at most `display` lots; each new slice joins the end of
    /// its queue.
    Iceberg {
        /// The lots shown at once.
        display: Lots,
    },
}

/// A new order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Order {
    /// Its name, good once.
    pub id: OrderId,
    /// The instrument, from 0.
    pub instrument: u16,
    /// Buy or sell.
    pub side: Side,
    /// The worst price accepted, in ticks; 0 for a market order.
    pub price: Ticks,
    /// Lots.
    pub quantity: Lots,
    /// What it does.
    pub kind: Kind,
}

impl Order {
    /// A limit order that rests.
    pub fn limit(id: OrderId, side: Side, price: Ticks, quantity: Lots) -> Self {
        Self { id, instrument: 0, side, price, quantity, kind: Kind::Limit(Force::Rest) }
    }

    /// A market order.
    pub fn market(id: OrderId, side: Side, quantity: Lots) -> Self {
        Self { id, instrument: 0, side, price: 0, quantity, kind: Kind::Market }
    }

    /// The same order as another kind.
    #[must_use]
    pub fn kind(self, kind: Kind) -> Self {
        Self { kind, ..self }
    }
}

/// What a reservation made by [`Command::Prepare`] waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Terms {
    /// The decision of a coordinator, and nothing else: no local timeout.
    Decision {
        /// The coordinator's number.
        coordinator: u32,
    },
    /// A preimage shown before the block `deadline`; released when that block opens.
    Hash {
        /// [`crate::lock_of`] the preimage.
        lock: u128,
        /// The block that opens with the lock expired.
        deadline: u64,
    },
}

/// One command. Who may give it is checked by whoever orders the log: an account its own orders,
/// the operator deposits and the kill switch, a coordinator's certificate a decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Command {
    /// Credits cash to an account.
    Deposit {
        /// The account and its number for this transfer.
        id: OrderId,
        /// Units, positive.
        cash: Cash,
    },
    /// Pays free cash out.
    Withdraw {
        /// The account and its number for this transfer.
        id: OrderId,
        /// Units, positive.
        cash: Cash,
    },
    /// Credits lots of an instrument.
    DepositLots {
        /// The account and its number for this transfer.
        id: OrderId,
        /// The instrument.
        instrument: u16,
        /// Lots, positive.
        lots: Lots,
    },
    /// Pays free lots out.
    WithdrawLots {
        /// The account and its number for this transfer.
        id: OrderId,
        /// The instrument.
        instrument: u16,
        /// Lots, positive.
        lots: Lots,
    },
    /// Enters an order.
    Place(Order),
    /// Takes the rest of an order out.
    Cancel {
        /// The order.
        id: OrderId,
    },
    /// Lowers what remains of an order to `to` lots; it keeps its place.
    Reduce {
        /// The order.
        id: OrderId,
        /// The lots that remain, at least 1 and less than now.
        to: Lots,
    },
    /// Cancels a resting limit order and enters another in its stead, both or neither. The new one
    /// starts at the end of its queue.
    Replace {
        /// The order that goes.
        id: OrderId,
        /// The new order's number.
        number: u32,
        /// The new price.
        price: Ticks,
        /// The new quantity.
        quantity: Lots,
    },
    /// Fill or kill, held: the resting quantity matched and the funds stay reserved until the
    /// terms are met. Acceptance is the venue's vote. The order's kind is ignored.
    Prepare {
        /// The order.
        order: Order,
        /// What settles or releases it.
        terms: Terms,
    },
    /// A coordinator's decision on a prepared order. An abort that arrives first bars the order.
    Decide {
        /// The prepared order.
        id: OrderId,
        /// Who decided.
        coordinator: u32,
        /// Settle, or release.
        commit: bool,
    },
    /// Settles a hash-locked order.
    Reveal {
        /// The prepared order.
        id: OrderId,
        /// What hashes to its lock.
        preimage: [u8; 32],
    },
    /// The kill switch: refuses an account's new orders and cancels its open ones, or lets it trade
    /// again. Reservations stay.
    Kill {
        /// The account.
        account: u32,
        /// On or off.
        on: bool,
    },
}

impl Command {
    /// The account the command belongs to.
    pub fn account(&self) -> u32 {
        match *self {
            Command::Deposit { id, .. }
            | Command::Withdraw { id, .. }
            | Command::DepositLots { id, .. }
            | Command::WithdrawLots { id, .. }
            | Command::Cancel { id }
            | Command::Reduce { id, .. }
            | Command::Replace { id, .. }
            | Command::Decide { id, .. }
            | Command::Reveal { id, .. } => id.account,
            Command::Place(order) | Command::Prepare { order, .. } => order.id.account,
            Command::Kill { account, .. } => account,
        }
    }
}
