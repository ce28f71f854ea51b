//! What commands do, and why they are refused.

use crate::amount::{Lots, Ticks};
use crate::command::{OrderId, Side};
use thiserror::Error;

/// A trade. Its cash is price × quantity; each side's fee follows from the rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trade {
    /// The instrument.
    pub instrument: u16,
    /// The side of the taker. In an auction, which has none, always `Bid`.
    pub side: Side,
    /// The resting order (in an auction, the ask).
    pub maker: OrderId,
    /// The arriving order (in an auction, the bid).
    pub taker: OrderId,
    /// The resting order's price, in ticks, or the auction's.
    pub price: Ticks,
    /// Lots.
    pub quantity: Lots,
}

/// Why what remained of an order is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reason {
    /// Its owner cancelled it.
    Asked,
    /// Another order took its place.
    Replaced,
    /// It would have traded with an order of its own account.
    SelfTrade,
    /// Nothing was left to trade with, and it does not rest.
    Unfilled,
    /// The kill switch of its account.
    Killed,
}

/// One consequence of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event {
    /// An order, or what remains of it, rests (a stop: waits) with this many lots.
    Rested {
        /// The order.
        id: OrderId,
        /// Lots, hidden ones included.
        remaining: Lots,
    },
    /// A trade.
    Traded(Trade),
    /// The rest of an order is gone.
    Cancelled {
        /// The order.
        id: OrderId,
        /// Lots that will not trade.
        remaining: Lots,
        /// Why.
        reason: Reason,
    },
    /// An order was reduced to this many lots.
    Reduced {
        /// The order.
        id: OrderId,
        /// Lots.
        remaining: Lots,
    },
    /// A stop became a limit order.
    Triggered {
        /// The order.
        id: OrderId,
    },
    /// A resting order's lots are held for a prepared order.
    Matched {
        /// The prepared order.
        id: OrderId,
        /// The resting order.
        maker: OrderId,
        /// The resting order's price.
        price: Ticks,
        /// Lots.
        quantity: Lots,
    },
    /// A prepared order holds everything it asked for: the vote is yes.
    Held {
        /// The prepared order.
        id: OrderId,
    },
    /// A prepared order's trades (the events before) are done.
    Settled {
        /// The prepared order.
        id: OrderId,
    },
    /// A prepared order is over without trades; what it held is free again.
    Released {
        /// The prepared order.
        id: OrderId,
    },
    /// An abort came before its order: that order will be refused.
    Barred {
        /// The order.
        id: OrderId,
    },
    /// An auction of an instrument cleared at one price (its trades follow).
    Cleared {
        /// The instrument.
        instrument: u16,
        /// Ticks.
        price: Ticks,
        /// Lots that trade.
        volume: Lots,
    },
}

/// Why a command was refused. A refused command has changed nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// No such account.
    #[error("no such account")]
    Account,
    /// No such instrument.
    #[error("no such instrument")]
    Instrument,
    /// The number was used before, or is too far behind the account's newest to tell.
    #[error("order number used before, or too old")]
    Replay,
    /// No open order, or no reservation, of that name.
    #[error("no such open order")]
    Unknown,
    /// A price outside `1..=MAX_PRICE`, or one where none belongs.
    #[error("price out of range")]
    Price,
    /// A quantity outside `1..=MAX_LOTS`, or of an amount outside its range.
    #[error("quantity out of range")]
    Quantity,
    /// A combination of kind and force that means nothing.
    #[error("no such kind of order")]
    Kind,
    /// The free cash does not cover the worst cost and fee.
    #[error("not enough free cash for the worst cost and fee")]
    Cash,
    /// The account does not have the lots free.
    #[error("not enough free lots")]
    Assets,
    /// Position and resting bids would exceed the limit.
    #[error("position limit")]
    Position,
    /// The order's value exceeds the limit.
    #[error("order value limit")]
    Value,
    /// Too many commands of the account in this block.
    #[error("rate limit")]
    Rate,
    /// Too far from the last price.
    #[error("outside the price collar")]
    Collar,
    /// The account's kill switch is on.
    #[error("kill switch")]
    Killed,
    /// The account, or the venue, has as many open orders as it may.
    #[error("too many open orders")]
    Full,
    /// Fill-or-kill, and not all of it can trade.
    #[error("cannot be filled at once")]
    Unfilled,
    /// Post-only, and some of it would trade.
    #[error("would trade at once")]
    WouldTrade,
    /// All that remains of the order is held by a reservation.
    #[error("held by a reservation")]
    Held,
    /// The decision comes from another coordinator than the one the order named, or the wrong
    /// preimage, or a kind of reservation that is not decided this way.
    #[error("not the decision this reservation waits for")]
    Decision,
    /// A batch venue takes only limit orders that rest or are immediate, and market orders.
    #[error("not in a batch auction")]
    Batch,
}
