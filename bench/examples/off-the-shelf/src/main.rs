//! Consensus crates from the registry in Anthill's networks, beside the protocols that Anthill ships.

#![forbid(unsafe_code)]

mod bytes;
mod disk;
mod malachite;
mod omnipaxos;

use anthill_bench::{Registry, entry};

fn main() -> std::process::ExitCode {
    anthill_bench::main(Registry::new(vec![
        entry::<omnipaxos::Omnipaxos>(include_str!("../scenarios/omnipaxos.toml")),
        entry::<malachite::Malachite>(include_str!("../scenarios/malachite.toml")),
    ]))
}
