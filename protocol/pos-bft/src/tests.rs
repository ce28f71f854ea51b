//! The chain as a whole, on the pump.

mod normal;
