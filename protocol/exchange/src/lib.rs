//! An exchange as a state machine over any replicated log, with venues, oracle and atomic arbitrage.

#![forbid(unsafe_code)]
