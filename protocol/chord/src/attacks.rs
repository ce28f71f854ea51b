//! Nodes that answer lookups with themselves, or with each other.
//!
//! Held nodes keep their places in the ring: they stabilise and answer pings as all others. They are
//! the last `count` nodes; ids scatter, so they sit anywhere on the ring.

use std::sync::Arc;

use anthill_protocol::behaviour::{Behaviour, Tap};
use anthill_protocol::parameter::{AdversaryKind, Parameter, ParameterError, Values};
use anthill_protocol::{Context, NodeId, Protocol};

use crate::Chord;
use crate::messages::ChordMessage;
use crate::node::Node;
use crate::ring::Space;

const COUNT: Parameter = Parameter::count(
    "count",
    u32::MAX as u64,
    "nodes held, those with the highest numbers; 0: a tenth of all",
);

pub(crate) const KINDS: &[AdversaryKind] = &[
    AdversaryKind {
        name: "liar",
        about: "answers every lookup with itself; seen through if protocol.checked, unless it comes next",
        parameters: &[COUNT],
    },
    AdversaryKind {
        name: "eclipse",
        about: "answers every lookup with the nearest of its kind after the key, which claims it: \
                what no check of an answer can tell from the truth",
        parameters: &[COUNT],
    },
];

/// The adversary of a scenario.
#[derive(Clone, Debug)]
pub(crate) struct Attack {
    count: u64,
    /// Whether they name each other.
    together: bool,
    /// The first one held.
    first: u32,
    /// All of them, by id.
    held: Arc<[(u64, NodeId)]>,
}

impl Attack {
    pub(crate) fn configure(values: &Values) -> Option<Self> {
        let together = values.adversary()? == "eclipse";
        let count = values.count("adversary.count");
        Some(Self { count, together, first: u32::MAX, held: Arc::new([]) })
    }

    pub(crate) fn fit(&mut self, nodes: u32, space: &Space) -> Result<(), ParameterError> {
        if self.count > u64::from(nodes) {
            let problem = format!("there are {nodes} nodes");
            return Err(ParameterError { name: "adversary.count", problem });
        }
        let count = if self.count == 0 { nodes / 10 } else { self.count as u32 };
        self.first = nodes - count;
        let mut held: Vec<_> =
            (self.first..nodes).map(|n| (space.id(NodeId(n)), NodeId(n))).collect();
        held.sort_unstable();
        self.held = held.into();
        Ok(())
    }

    pub(crate) fn behaviour(
        &self,
        chord: &Chord,
        node: NodeId,
    ) -> Option<Box<dyn Behaviour<Chord>>> {
        let held = if self.together { self.held.clone() } else { Arc::new([]) };
        (node.0 >= self.first && node.0 < chord.nodes).then(|| Box::new(Liar { held }) as _)
    }
}

/// Honest but for lookups. Without accomplices it names itself.
struct Liar {
    held: Arc<[(u64, NodeId)]>,
}

impl Behaviour<Chord> for Liar {
    fn on_message(
        &mut self,
        honest: &Chord,
        node: &mut Node,
        from: NodeId,
        message: &ChordMessage,
        cx: &mut Tap<'_, '_, Chord>,
    ) {
        let ChordMessage::Find { lookup, step, key, .. } = *message else {
            honest.on_message(node, from, message, cx);
            return;
        };
        let nearest = self.held.partition_point(|(id, _)| *id < key);
        let named = self.held.get(nearest).or(self.held.first()).map_or(cx.id(), |held| held.1);
        cx.send(
            from,
            match named == cx.id() {
                true => ChordMessage::Mine { lookup, step },
                false => ChordMessage::Next { lookup, step, node: named, last: true },
            },
        );
    }
}
