//! The chain as a whole, on the pump.

mod answers;
mod attacked;
mod cometbft;
mod gossiped;
mod holes;
mod hunted;
mod judged;
mod malformed;
mod normal;
mod scripts;
mod stake;
mod transactions;
