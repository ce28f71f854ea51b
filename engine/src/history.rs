//! What nodes said in a run, kept for whoever asked for it.

use anthill_protocol::history::Operation;
use anthill_protocol::judge::Said;
use anthill_protocol::{Key, NodeId, Output, Protocol};

/// An output.
#[derive(Clone, Debug, PartialEq)]
pub struct HistoryEntry {
    /// The event.
    pub at: Key,
    /// The node.
    pub node: NodeId,
    /// The kind of output.
    pub kind: &'static str,
    /// The names of its fields, and what they hold, as `Debug` writes it.
    pub fields: Vec<(&'static str, String)>,
    /// What it means to a client.
    pub operation: Option<Operation>,
}

/// The outputs of a run, in the order of their events' keys.
#[derive(Debug)]
pub struct History {
    /// The first of them.
    pub entries: Vec<HistoryEntry>,
    /// How many more there were.
    pub missed: u64,
    most: usize,
}

impl History {
    /// Keeps at most so many.
    pub fn of_at_most(most: usize) -> Self {
        Self { entries: Vec::new(), missed: 0, most }
    }

    pub(crate) fn hear<P: Protocol>(&mut self, protocol: &P, said: &Said<P::Output>) {
        if self.entries.len() >= self.most {
            self.missed += 1;
            return;
        }
        self.entries.push(HistoryEntry {
            at: said.at,
            node: said.node,
            kind: P::Output::KINDS[said.output.kind()],
            fields: said.output.fields(),
            operation: protocol.operation(said.node, &said.output),
        });
    }
}
