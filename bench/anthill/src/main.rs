//! The `anthill` binary: the protocols that ship with it, and a fast allocator.

use std::process::ExitCode;
#[cfg(feature = "mpi")]
use std::sync::Arc;

use anthill_bench::Registry;

anthill_bench::fast_allocator!();

fn main() -> ExitCode {
    over_processes(anthill_shipped::shipped().built_from(anthill_bench::build!()))
}

#[cfg(not(feature = "mpi"))]
fn over_processes(registry: Registry) -> ExitCode {
    anthill_bench::main(registry)
}

/// Runs the command line as one of the processes that `mpirun` has started, if it has.
#[cfg(feature = "mpi")]
fn over_processes(registry: Registry) -> ExitCode {
    match anthill_mpi::Mpi::join() {
        Ok(None) => anthill_bench::main(registry),
        Ok(Some((processes, _session))) => anthill_bench::main(registry.over(Arc::new(processes))),
        Err(problem) => {
            eprintln!("anthill: {problem}");
            ExitCode::from(2)
        }
    }
}
