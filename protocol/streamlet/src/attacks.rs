//! Adversaries that know the rules. All of them hold the first nodes, `0..count`.

mod mute;
pub(crate) mod optimal;
mod random;
mod two_faced;
mod withholder;

use anthill_protocol::NodeId;
use anthill_protocol::behaviour::{Behaviour, Edited, Scheduler};
use anthill_protocol::parameter::{AdversaryKind, Parameter, ParameterError, Values};

use crate::Streamlet;

const COUNT: Parameter =
    Parameter::count("count", 1_000_000, "nodes held, from node 0 on; 0: as many as faults");

pub(crate) const KINDS: &[AdversaryKind] = &[
    AdversaryKind {
        name: "mute",
        about: "nodes 0..count neither propose nor vote",
        parameters: &[COUNT],
    },
    AdversaryKind {
        name: "two-faced",
        about: "nodes 0..count keep two chains, one with nodes of even numbers and one with the rest",
        parameters: &[COUNT],
    },
    AdversaryKind {
        name: "withholder",
        about: "nodes 0..count propose to just too few, and cast their votes as the next honest leader is about to propose",
        parameters: &[COUNT],
    },
    AdversaryKind {
        name: "optimal-withholder",
        about: "of four nodes the first makes waits for finality as long as any can: it knows all leaders, shows late votes \
                to whom it likes, and delays messages within delta",
        parameters: &[],
    },
    AdversaryKind {
        name: "random-blocks",
        about: "nodes 0..count propose on any block, vote for all they hear, and say it to whom and when they draw",
        parameters: &[COUNT],
    },
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Conduct {
    Mute,
    TwoFaced,
    Withholder,
    Optimal,
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
        let conduct = match values.adversary()? {
            "mute" => Conduct::Mute,
            "two-faced" => Conduct::TwoFaced,
            "withholder" => Conduct::Withholder,
            "optimal-withholder" => return Some(Self { conduct: Conduct::Optimal, count: 1 }),
            _ => Conduct::Random,
        };
        Some(Self { conduct, count: values.count("adversary.count") as u32 })
    }

    pub(crate) fn fit(&self, streamlet: &Streamlet, nodes: u32) -> Result<(), ParameterError> {
        let held = self.held(streamlet);
        if self.conduct == Conduct::Optimal {
            let problem = match (nodes == optimal::NODES, streamlet.echo) {
                (false, _) => format!("optimal-withholder is for 4 nodes, not {nodes}"),
                (_, false) => "optimal-withholder needs protocol.echo = true".to_owned(),
                _ => return Ok(()),
            };
            return Err(ParameterError { name: "adversary.kind", problem });
        }
        if held < nodes {
            return Ok(());
        }
        let problem = format!("{held} of {nodes} nodes leave nobody honest; lower it");
        Err(ParameterError { name: "adversary.count", problem })
    }

    /// How many nodes are held.
    pub(crate) fn held(&self, streamlet: &Streamlet) -> u32 {
        if self.count == 0 { streamlet.faults } else { self.count }
    }

    /// Who decides how long messages take, if the network does not.
    pub(crate) fn scheduler(&self, streamlet: &Streamlet) -> Option<Box<dyn Scheduler<Streamlet>>> {
        let held = self.held(streamlet);
        (self.conduct == Conduct::Optimal)
            .then(|| Box::new(optimal::schedule::Delays::new(streamlet, held)) as _)
    }

    /// Whether what is held says nothing at all.
    pub(crate) fn is_mute(&self) -> bool {
        self.conduct == Conduct::Mute
    }

    /// Whether what held nodes measure is what others would.
    pub(crate) fn keeps_one_state(&self) -> bool {
        self.conduct != Conduct::TwoFaced
    }

    pub(crate) fn behaviour(
        &self,
        streamlet: &Streamlet,
        node: NodeId,
    ) -> Option<Box<dyn Behaviour<Streamlet>>> {
        let held = self.held(streamlet);
        if node.0 >= held {
            return None;
        }
        Some(match self.conduct {
            Conduct::Mute => Box::new(mute::Mute),
            Conduct::TwoFaced => Box::new(two_faced::TwoFaced::new(held)),
            Conduct::Withholder => Box::new(Edited(withholder::Withholder::new(held, streamlet))),
            Conduct::Optimal => Box::new(optimal::Liar::new(streamlet)),
            Conduct::Random => Box::new(random::RandomBlocks::default()),
        })
    }
}

type Tap<'a, 'w> = anthill_protocol::behaviour::Tap<'a, 'w, Streamlet>;
