//! Tendermint with stake, evidence, light clients and contracts on the Anthill contract (arXiv:1807.04938).

#![forbid(unsafe_code)]
