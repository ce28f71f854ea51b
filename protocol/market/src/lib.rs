//! A limit order book with risk, accounts, auctions and order flow, as a plain library: a venue is a
//! deterministic function of its rules and a log of commands.

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
pub use venue::{Flow, OpenOrder, Reservation, Roots, Venue, Violation};
