//! Where the time goes: stacks sampled while an emulation runs, and what is made of them.
//!
//! `sampler` interrupts the process by a timer of its CPU time and notes program counters; `stacks`
//! turns them into named functions after the run; `flames` draws, `pprof` writes the format that
//! pprof's tools read, `growth` sets two sizes side by side, per event, and `growth_flames` draws that.
//!
//! Why not the pprof crate: with frame pointers its tracer leaves out the function that was
//! interrupted, and it counts all samples with the same enclosing functions as one stack, named
//! after the first. In a binary whose engine is inlined into few functions that names the wrong
//! ones. The format is the same.

pub(crate) mod flames;
pub(crate) mod growth;
pub(crate) mod growth_flames;
pub(crate) mod pprof;
pub(crate) mod sampler;
pub(crate) mod stacks;

pub(crate) use sampler::Sampler;
pub(crate) use stacks::Profile;
