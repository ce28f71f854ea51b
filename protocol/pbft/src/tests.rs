//! PBFT as a whole, on the pump.

mod attacked;
mod hunted;
mod normal;
