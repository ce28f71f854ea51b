//! The `anthill` binary: the protocols that ship with it, and a fast allocator.

use std::process::ExitCode;

use anthill_bench::Build;

/// The calendars allocate from their own pools; what remains (topologies, node states on the heap,
/// exports) is faster with mimalloc than with the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    let build = Build {
        commit: env!("ANTHILL_COMMIT"),
        has_changes: matches!(env!("ANTHILL_DIRTY"), "true"),
    };
    anthill_bench::main(anthill_shipped::shipped().built_from(build))
}
