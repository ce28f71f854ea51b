//! How a protocol wants its sequence diagrams: the runs that are recorded, and who is who in them.
//!
//! The diagrams themselves come from runs under [`crate::recording::Pump`]; nothing here is drawn.

/// A small run of the protocol's preset, of which one exchange is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Diagram {
    /// What it shows; empty if it is the only one of its protocol.
    pub title: &'static str,
    /// Overrides of the preset: keys and values of a scenario, as `nodes=6`.
    pub settings: &'static [&'static str],
    /// What is drawn, and who sends it to whom; with the first of it the drawing begins. None at all:
    /// everything is drawn, and nodes go by their ids.
    pub parts: &'static [Part],
}

/// A kind of message in a diagram. Nodes that play one part are one participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// The kind of message. One that has several receivers is there several times: a message goes to
    /// the first of them to which its receiver is known to belong.
    pub kind: &'static str,
    /// What its sender is called.
    pub from: &'static str,
    /// What its receiver is called.
    pub to: &'static str,
}

impl Part {
    /// A kind of message that one sends to another.
    pub const fn new(kind: &'static str, from: &'static str, to: &'static str) -> Self {
        Self { kind, from, to }
    }
}

impl Diagram {
    /// Six nodes that go by their ids.
    pub const OF_NODES: Self = Self { title: "", settings: &["nodes=6"], parts: &[] };
}
