//! The processes of a run over MPI: `Mpi` is a `Fabric` (`anthill_engine::processes`) of those that
//! `mpirun` has started.
//!
//! Only this crate knows MPI. It needs an MPI library with its headers, and libclang, to be built (Debian:
//! `libopenmpi-dev openmpi-bin libclang-dev`), so all of it is behind the feature `mpi`.

#[cfg(feature = "mpi")]
mod fabric;

#[cfg(feature = "mpi")]
pub use fabric::{Mpi, MpiError, Session};
