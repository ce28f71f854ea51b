//! Proof of Good-Will on the Anthill contract: a chain whose forgers donate for their slots.

#![forbid(unsafe_code)]
