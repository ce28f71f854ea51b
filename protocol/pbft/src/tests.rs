//! PBFT as a whole, on the pump.

mod attacked;
mod hunted;
mod judged;
mod malformed;
mod normal;
mod retained;
mod sessions;
mod theory;
