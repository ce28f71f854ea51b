//! The `anthill` binary: the protocols that ship with it, and a fast allocator.

use std::process::ExitCode;

/// The calendars allocate from their own pools; what remains (topologies, node states on the heap,
/// exports) is faster with mimalloc than with the system's allocator.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    anthill_bench::main(anthill_shipped::shipped())
}
