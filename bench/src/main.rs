//! The `anthill` binary: the protocols that ship with it, and a fast allocator.

use std::process::ExitCode;

use anthill_bench::{Registry, entry};
use anthill_protocol::gossip::Gossip;
use anthill_protocol::phold::Phold;
use anthill_protocol::timers::Timers;

/// The calendars allocate from their own pools; what remains (topologies, node states on the heap,
/// exports) is faster with mimalloc than with the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    anthill_bench::main(Registry::new(vec![
        // The first entry is the main job.
        entry::<Gossip>(include_str!("../scenarios/gossip.toml")),
        entry::<Phold>(include_str!("../scenarios/phold.toml")),
        entry::<Timers>(include_str!("../scenarios/timers.toml")),
    ]))
}
