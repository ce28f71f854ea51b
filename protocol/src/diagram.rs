//! How a protocol wants its sequence diagram: the run that is recorded, and who is who in it.
//!
//! The diagram itself comes from a run under [`crate::recording::Pump`]; nothing here is drawn.

/// A small run of the protocol's preset, and the parts that nodes play in its messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Diagram {
    /// What of the preset is different: keys and values of a scenario, as `nodes=6`.
    pub settings: &'static [&'static str],
    /// For each kind of message what its sender and its receiver are called; nodes of one part are
    /// one participant. None at all: nodes go by their ids.
    pub parts: &'static [(&'static str, &'static str)],
}

impl Diagram {
    /// Six nodes that go by their ids.
    pub const OF_NODES: Self = Self { settings: &["nodes=6"], parts: &[] };
}
