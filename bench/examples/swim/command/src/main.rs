//! The `swim` command.

use std::process::ExitCode;

use anthill_bench::{Registry, build, entry};
use swim::Swim;

anthill_bench::fast_allocator!();

fn main() -> ExitCode {
    let swim = entry::<Swim>(include_str!("../swim.toml"));
    anthill_bench::main(Registry::new(vec![swim]).built_from(build!("swim")))
}
