//! Who is whose neighbour.

mod spec;

pub use spec::{EdgeDirection, TopologySpec};
