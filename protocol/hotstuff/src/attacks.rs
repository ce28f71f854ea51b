//! Adversaries that know the protocol.

mod equivocator;

use anthill_protocol::behaviour::{Act, Behaviour, Edited, Tap};
use anthill_protocol::parameter::{AdversaryKind, Kind, Parameter, ParameterError, Value, Values};
use anthill_protocol::{NodeId, Protocol as _};

use crate::hotstuff::{HotStuff, Timer};
use crate::messages::HotStuffMessage;
use crate::replica::Replica;

const COUNT: Parameter = Parameter::count(
    "count",
    u32::MAX as u64,
    "replicas that it holds; 0: the f that are tolerated",
);

const PLACEMENT: Parameter = Parameter {
    name: "placement",
    kind: Kind::Choice(&["together", "spread"]),
    default: Value::Choice("together"),
    about: "it holds replicas 1 to count, which lead one after the other, or replicas evenly apart",
};

pub(crate) const KINDS: &[AdversaryKind] = &[
    AdversaryKind {
        name: "silent-leader",
        about: "its replicas vote, and neither count votes nor propose when they lead",
        parameters: &[COUNT, PLACEMENT],
    },
    AdversaryKind {
        name: "equivocating-leader",
        about: "its replicas propose two blocks, each to one half of the honest replicas, and vote for \
                all blocks of each other",
        parameters: &[COUNT, PLACEMENT],
    },
    AdversaryKind {
        name: "withholding-leader",
        about: "its replicas show a new certificate, in their block, to one other replica only",
        parameters: &[COUNT, PLACEMENT],
    },
];

/// An adversary, and which replicas it holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Attack {
    kind: &'static str,
    /// 0 until it is fitted: f.
    count: u32,
    spread: bool,
    nodes: u32,
}

impl Attack {
    pub(crate) fn read(values: &Values) -> Option<Self> {
        let kind = values.adversary()?;
        let count = u32::try_from(values.count("adversary.count")).unwrap_or(u32::MAX);
        let spread = values.choice("adversary.placement") == "spread";
        Some(Self { kind, count, spread, nodes: 0 })
    }

    /// # Errors
    /// When it would hold everybody.
    pub(crate) fn fit(&mut self, nodes: u32) -> Result<(), ParameterError> {
        if self.count == 0 {
            self.count = nodes.saturating_sub(1) / 3;
        }
        self.nodes = nodes;
        if self.count < nodes {
            return Ok(());
        }
        let problem = format!("{} of {nodes} replicas: give at most {}", self.count, nodes - 1);
        Err(ParameterError { name: "adversary.count", problem })
    }

    pub(crate) fn count(&self) -> u32 {
        self.count
    }

    pub(crate) fn holds(&self, node: NodeId) -> bool {
        node.0 < self.nodes && self.held_below(NodeId(node.0 + 1)) > self.held_below(node)
    }

    /// How many of the replicas before one it holds.
    pub(crate) fn held_below(&self, node: NodeId) -> u32 {
        if self.spread {
            let (node, count) = (u64::from(node.0), u64::from(self.count));
            return (node * count).div_ceil(self.nodes.max(1).into()) as u32;
        }
        node.0.saturating_sub(1).min(self.count)
    }

    pub(crate) fn behaviour(
        &self,
        honest: &HotStuff,
        node: NodeId,
    ) -> Option<Box<dyn Behaviour<HotStuff>>> {
        if !self.holds(node) {
            return None;
        }
        Some(match self.kind {
            "silent-leader" => Box::new(SilentLeader),
            "withholding-leader" => {
                let confidant = NodeId((node.0 + self.count) % honest.nodes);
                Box::new(Edited(move |act, cx: &mut Tap<'_, '_, HotStuff>| {
                    withholding(act, confidant, cx);
                }))
            }
            _ => Box::new(equivocator::Equivocator::new(*self)),
        })
    }
}

/// Takes no votes, and proposes nothing.
struct SilentLeader;

impl SilentLeader {
    fn pass(acts: Vec<Act<HotStuff>>, cx: &mut Tap<'_, '_, HotStuff>) {
        for act in acts {
            if !matches!(act, Act::Send { message: HotStuffMessage::Propose { .. }, .. }) {
                cx.act(act);
            }
        }
    }
}

impl Behaviour<HotStuff> for SilentLeader {
    fn start(&mut self, honest: &HotStuff, cx: &mut Tap<'_, '_, HotStuff>) -> Replica {
        let (node, acts) = cx.honestly(|cx| honest.start(cx));
        Self::pass(acts, cx);
        node
    }

    fn on_message(
        &mut self,
        honest: &HotStuff,
        node: &mut Replica,
        from: NodeId,
        message: &HotStuffMessage,
        cx: &mut Tap<'_, '_, HotStuff>,
    ) {
        if !matches!(message, HotStuffMessage::Vote { .. }) {
            let ((), acts) = cx.honestly(|cx| honest.on_message(node, from, message, cx));
            Self::pass(acts, cx);
        }
    }

    fn on_timer(
        &mut self,
        honest: &HotStuff,
        node: &mut Replica,
        timer: Timer,
        cx: &mut Tap<'_, '_, HotStuff>,
    ) {
        let ((), acts) = cx.honestly(|cx| honest.on_timer(node, timer, cx));
        Self::pass(acts, cx);
    }
}

/// Blocks go to one replica, and what its own new-views would show to nobody.
fn withholding(act: Act<HotStuff>, confidant: NodeId, cx: &mut Tap<'_, '_, HotStuff>) {
    use HotStuffMessage::{NewView, Propose, Sync};
    match act {
        Act::Send { to, message: Propose { .. }, .. } if to != confidant => {}
        Act::Send { message: NewView { .. } | Sync { .. }, .. } => {}
        _ => {
            cx.act(act);
        }
    }
}
