//! The command: all of Anthill's, for this protocol.

use std::process::ExitCode;

use anthill_bench::{Registry, build, entry};
use {{crate_name}}::Counter;

anthill_bench::fast_allocator!();

fn main() -> ExitCode {
    let counter = entry::<Counter>(include_str!("../scenario.toml"));
    anthill_bench::main(Registry::new(vec![counter]).built_from(build!()))
}
