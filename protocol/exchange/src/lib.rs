//! An exchange as a state machine over any replicated log, with venues, oracle and atomic arbitrage.

#![forbid(unsafe_code)]

mod any_log;
#[cfg(test)]
mod tests;

pub use any_log::{AnyBody, AnyLog, AnyMessage, AnyNode, AnyTimer, LogMetric};
