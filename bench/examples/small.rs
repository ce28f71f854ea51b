//! The command line over three small protocols, for trying it without compiling all that ship.

use std::process::ExitCode;

use anthill_bench::{Registry, entry};
use anthill_protocol::gossip::Gossip;
use anthill_protocol::phold::Phold;

fn main() -> ExitCode {
    anthill_bench::main(Registry::new(vec![
        entry::<Gossip>(include_str!("../scenarios/gossip.toml")),
        entry::<Phold>(include_str!("../scenarios/phold.toml")),
    ]))
}
