//! Adversaries that know the rules. All of them hold the first nodes, `0..count`, and so the senders of some
//! instances.

mod equivocator;
mod late_chain;
mod random;
mod replayer;

use anthill_protocol::behaviour::{Behaviour, Edited};
use anthill_protocol::parameter::{AdversaryKind, Parameter, ParameterError, Values};
use anthill_protocol::{Context as _, NodeId, Shared};

use crate::DolevStrong;
use crate::node::ChainMessage;

const COUNT: Parameter =
    Parameter::count("count", 100_000, "nodes held, from node 0 on; 0: as many as faults");

const ROUND: Parameter =
    Parameter::count("round", 100_001, "in whose course the chain arrives; 0: the last");

pub(crate) const KINDS: &[AdversaryKind] = &[
    AdversaryKind {
        name: "equivocating-sender",
        about: "senders among nodes 0..count send one value to receivers with even numbers, the other to the rest",
        parameters: &[COUNT],
    },
    AdversaryKind {
        name: "late-chain",
        about: "nodes 0..count sign a second value, and show it to the last node alone, in one round",
        parameters: &[COUNT, ROUND],
    },
    AdversaryKind {
        name: "replayer",
        about: "nodes 0..count send chains of earlier instances again, as they were and as if of this one",
        parameters: &[COUNT],
    },
    AdversaryKind {
        name: "random-chains",
        about: "nodes 0..count sign both values and all they hear, and send it to whom and when they draw",
        parameters: &[COUNT],
    },
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Conduct {
    Equivocator,
    LateChain { round: u32 },
    Replayer,
    Random,
}

/// What held nodes do, and how many they are; 0: as many as may be faulty.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Attack {
    conduct: Conduct,
    count: u32,
}

impl Attack {
    pub(crate) fn read(values: &Values) -> Option<Self> {
        let count = |name| values.count(name) as u32;
        let conduct = match values.adversary()? {
            "equivocating-sender" => Conduct::Equivocator,
            "late-chain" => Conduct::LateChain { round: count("adversary.round") },
            "replayer" => Conduct::Replayer,
            _ => Conduct::Random,
        };
        Some(Self { conduct, count: count("adversary.count") })
    }

    pub(crate) fn fit(&self, protocol: &DolevStrong, nodes: u32) -> Result<(), ParameterError> {
        let (held, rounds) = (self.held(protocol), protocol.schedule().rounds);
        if held >= nodes {
            let problem = format!("{held} of {nodes} nodes leave nobody honest; lower it");
            return Err(ParameterError { name: "adversary.count", problem });
        }
        match self.conduct {
            Conduct::LateChain { round } if round > rounds => {
                let problem = format!("an instance has {rounds} rounds; lower it");
                Err(ParameterError { name: "adversary.round", problem })
            }
            _ => Ok(()),
        }
    }

    /// How many nodes are held.
    pub(crate) fn held(&self, protocol: &DolevStrong) -> u32 {
        if self.count == 0 { protocol.faults } else { self.count }
    }

    /// Whether one node lies, by what it sends as a sender.
    pub(crate) fn is_lone_equivocator(&self, protocol: &DolevStrong) -> bool {
        self.conduct == Conduct::Equivocator && self.held(protocol) == 1
    }

    pub(crate) fn behaviour(
        &self,
        protocol: &DolevStrong,
        node: NodeId,
    ) -> Option<Box<dyn Behaviour<DolevStrong>>> {
        let held = self.held(protocol);
        if node.0 >= held {
            return None;
        }
        Some(match self.conduct {
            Conduct::Equivocator => Box::new(Edited(equivocator::Equivocator::default())),
            Conduct::LateChain { round } => {
                let schedule = protocol.schedule();
                let round = if round == 0 { schedule.rounds } else { round };
                Box::new(late_chain::LateChain::new(held, round, schedule))
            }
            Conduct::Replayer => Box::new(replayer::Replayer::default()),
            Conduct::Random => Box::new(random::RandomChains::new(held)),
        })
    }
}

type Tap<'a, 'w> = anthill_protocol::behaviour::Tap<'a, 'w, DolevStrong>;

fn chain_of(message: ChainMessage) -> Shared {
    let (ChainMessage::Proposal { chain } | ChainMessage::Relay { chain }) = message;
    chain
}

/// All nodes but this one.
fn others(cx: &Tap<'_, '_>) -> impl Iterator<Item = NodeId> + use<> {
    let me = cx.id();
    (0..cx.nodes()).map(NodeId).filter(move |node| *node != me)
}
