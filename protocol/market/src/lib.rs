//! A limit order book with risk, accounts, auctions and order flow, as a plain library.

#![forbid(unsafe_code)]
