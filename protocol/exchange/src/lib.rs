//! An exchange as a state machine over any replicated log, with venues, oracle and atomic arbitrage.

#![forbid(unsafe_code)]

mod any_log;
mod arbitrage;
mod body;
mod chain;
mod desk;
mod exchange;
mod insider;
mod judges;
mod layout;
mod maker;
mod memo;
mod messages;
mod script;
mod session;
mod state;
#[cfg(test)]
mod tests;
mod trader;

pub use any_log::{AnyBody, AnyLog, AnyMessage, AnyNode, AnyTimer, LogMetric};
pub use exchange::Exchange;
