//! The chain as a whole, on the pump.

mod attacked;
mod gossiped;
mod hunted;
mod malformed;
mod normal;
mod scripts;
mod stake;
mod transactions;
