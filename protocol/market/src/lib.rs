//! A limit order book with risk, accounts, auctions and order flow, as a plain library.
//!
//! A [`Venue`] is a deterministic function of its [`Rules`] and of the [`Command`]s that a log gives
//! it, block by block. It knows no network, no clock and no randomness; replicas that apply the same
//! log have the same state, and compare it by [`Venue::roots`].
//!
//! ```
//! use anthill_market::{Command, Event, Order, OrderId, Rules, Side, Venue};
//!
//! let mut venue = Venue::new(Rules { accounts: 2, ..Rules::default() });
//! let mut events = Vec::new();
//! let block = [
//!     Command::Deposit { id: OrderId::new(0, 0), cash: 1_000 },
//!     Command::DepositLots { id: OrderId::new(1, 0), instrument: 0, lots: 10 },
//!     Command::Place(Order::limit(OrderId::new(1, 1), Side::Ask, 100, 10)),
//!     Command::Place(Order::market(OrderId::new(0, 1), Side::Bid, 4)),
//! ];
//! venue.execute(1, &block, 0, &mut events, |at, reason| panic!("command {at}: {reason}"));
//! assert!(matches!(events[1], Event::Traded(trade) if trade.price == 100 && trade.quantity == 4));
//! assert_eq!(venue.account(0).unwrap().cash(), 600);
//! assert_eq!(venue.audit(), Ok(()));
//! ```
//!
//! # Amounts
//! Prices are whole [`Ticks`], quantities whole [`Lots`], [`Cash`] is their product in 128 bits. A
//! fee is a number of millionths of the cash, rounded up for each side of each trade. Decimal text is
//! read exactly or refused ([`parse`]). No float is part of a state, a root or an event; the floats of
//! [`workload`] only decide what is sent.
//!
//! # Orders
//! | order | what it does |
//! |---|---|
//! | limit, [`Force::Rest`] | trades what it can at its price or better, rests with the remainder |
//! | limit, [`Force::Immediate`] | the remainder is cancelled |
//! | limit, [`Force::Fill`] | refused unless all of it trades at once |
//! | limit, [`Force::Post`] | refused if any of it would trade at once |
//! | [`Kind::Market`] | as immediate, at the edge of the collar; never rests |
//! | [`Kind::Stop`] | waits for a trade at its trigger or beyond, then is a limit order |
//! | [`Kind::Iceberg`] | rests, shows a slice; each new slice joins the end of its queue |
//!
//! The best price trades first, then the place in the log, at the resting order's price. Where an
//! order would meet one of its own account, the resting one is cancelled. Stops look at trades after
//! they were entered; those that a command's trades reach fire after it, in the order they were
//! entered, and so on until none is reached. [`Command::Reduce`] names what should remain, so that
//! giving it twice changes nothing; it keeps the place. [`Command::Replace`] is a cancellation and a
//! new order, both or neither. Every name of an order or a transfer is good once.
//!
//! # Risk
//! Everything is checked before anything changes, on what the order could become. A bid reserves its
//! worst price and the higher of both fees for every lot (per lot, since fees are rounded per fill);
//! an ask reserves its lots; a market bid must afford what the book would charge now. Hence no
//! balance is ever negative, without a check while matching. A [`Refusal`] is a result with a reason,
//! and leaves the venue as it was, the order's number included.
//!
//! # Trades over several venues
//! [`Command::Prepare`] is fill-or-kill, held: what it matches leaves the book, and both sides' funds
//! stay reserved until the [`Terms`] are met: a coordinator's decision, however late, or the preimage
//! of a hash before a block. Settling trades at the prices matched, and moves neither the last price
//! nor any stop. Releasing sends each resting order's lots through matching again under its old
//! stamp; to link them back where they were could cross the book, which has moved on. An order
//! cancelled while held may still trade, but does not come back. An abort that arrives before its
//! order bars it. Holding is charged by the block up to a deposit, for the venue.
//!
//! # Batches and seals
//! A venue with [`Matching::Batch`] collects a block's orders and clears each instrument at one price
//! ([`auction`]): most volume, then least imbalance, then nearest the last price; better prices
//! first, pro rata at the margin, lots left over by a hash of (block, order). [`Venue::execute`] takes
//! the block's commands in an order of their own, so that their order in the block is worth nothing.
//! Both sides pay the taker's fee; an account may meet itself; stops, icebergs, fill-or-kill and
//! post-only orders are refused. [`sealed`] hides orders until their place is fixed.
//!
//! # Structure
//! Open orders lie in a slab, half a cache line each, with the links of their queues beside it. Prices near the
//! best are an array under a three-layer bitmap; others are a tree, so memory is bounded by the open
//! orders. A table of buckets, a cache line each, finds an order by its name. Roots are sums that change by one
//! multiplication per changed amount; they find replicas that differ, but are no commitment against
//! someone who searches for collisions. [`Venue::apply_all`] asks for the lines of the next commands while
//! it applies others, so that it seldom waits for memory; with millions of orders huge pages
//! help too, which `examples/book-bench` asks its allocator for. [`naive`] is the same venue in maps of the standard
//! library, the oracle of the tests; [`Venue::audit`] works out every invariant from nothing.

#![forbid(unsafe_code)]

mod account;
mod amount;
pub mod auction;
mod bitmap;
mod book;
pub mod codec;
mod command;
mod draw;
mod event;
mod hash;
mod index;
mod ladder;
pub mod lobster;
pub mod maker;
pub mod naive;
pub mod oracle;
mod rules;
pub mod sealed;
mod slab;
mod stored;
mod venue;
pub mod workload;

pub use account::{Account, Holding, REORDERING};
pub use amount::{
    AmountError, Cash, Lots, MAX_CASH, MAX_LOTS, MAX_PRICE, MILLION, Ticks, cost, fee, format,
    parse, parse_small, worst_lot,
};
pub use command::{Command, Force, Kind, Order, OrderId, Side, Terms};
pub use draw::Draws;
pub use event::{Event, Reason, Refusal, Trade};
pub use hash::lock_of;
pub use rules::{Limits, Matching, Rules};
pub use stored::StoredError;
pub use venue::{Flow, OpenOrder, Reservation, Roots, Venue, Violation};
