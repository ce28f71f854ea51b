//! How long a message takes.

mod spec;

pub use spec::{JitterSpec, LatencyKind, ModelSpec, NetworkSpec, RegionFormat, RegionsSpec};
