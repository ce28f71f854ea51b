//! The adversaries of these protocols: which nodes they hold, and who chooses when messages arrive.

use anthill_protocol::NodeId;
use anthill_protocol::behaviour::{Behaviour, Scheduler};
use anthill_protocol::parameter::{AdversaryKind, Parameter, ParameterError, Values};

use crate::coin::Coin;
use crate::liars::Outspoken;
use crate::protocol::{Randomized, Rules};
use crate::schedule;

const COUNT: Parameter =
    Parameter::count("count", 1_000_000, "nodes held in each group, its last ones; 0: f");

/// What a scenario may name.
pub(crate) const KINDS: &[AdversaryKind] = &[
    AdversaryKind {
        name: "worst-schedule",
        about: "keeps nodes undecided as long as the rules admit: chooses when messages arrive, lets \
                nodes lag, and of its own nodes' contradictory messages whom which one reaches; with \
                ben-or it holds nobody and hides f reports of the majority in lock step",
        parameters: &[COUNT],
    },
    AdversaryKind {
        name: "lagging-schedule",
        about: "mmr: f nodes lag until the coin is known, and are then shown the other bit",
        parameters: &[COUNT],
    },
    AdversaryKind {
        name: "both-schedule",
        about: "mmr: all nodes see both bits in a round that begins with both; holds nobody",
        parameters: &[],
    },
    AdversaryKind {
        name: "one-by-one-schedule",
        about: "ben-or for crashes: nodes toss one after the other, and the last ones are shown a bit that \
                has become rare; holds nobody",
        parameters: &[],
    },
    AdversaryKind {
        name: "two-faced",
        about: "its nodes tell every second node of the group that all is 0, and the others that all \
                is 1; messages between these two sides take until their receiver has decided",
        parameters: &[COUNT],
    },
    AdversaryKind {
        name: "outspoken",
        about: "its nodes say whatever they can justify, all of it, to everybody",
        parameters: &[COUNT],
    },
];

/// Which adversary there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Attack {
    #[default]
    None,
    Worst,
    Lagging,
    Both,
    OneByOne,
    TwoFaced,
    Outspoken,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Adversary {
    pub(crate) attack: Attack,
    /// Nodes of each group; 0: f.
    pub(crate) count: u32,
}

impl Adversary {
    pub(crate) fn read(values: &Values) -> Self {
        let attack = match values.adversary() {
            Some("worst-schedule") => Attack::Worst,
            Some("lagging-schedule") => Attack::Lagging,
            Some("both-schedule") => Attack::Both,
            Some("one-by-one-schedule") => Attack::OneByOne,
            Some("two-faced") => Attack::TwoFaced,
            Some("outspoken") => Attack::Outspoken,
            _ => Attack::None,
        };
        let counts = !matches!(attack, Attack::None | Attack::Both | Attack::OneByOne);
        let count = if counts { values.count("adversary.count") as u32 } else { 0 };
        Self { attack, count }
    }
}

impl Randomized {
    /// How many nodes of a group the adversary holds.
    pub(crate) fn held(&self, _members: u32) -> u32 {
        let Adversary { attack, count } = self.adversary;
        match (attack, self.rules()) {
            (Attack::None | Attack::Both | Attack::OneByOne, _) | (Attack::Worst, Rules::BenOr) => {
                0
            }
            _ if count == 0 => self.faults,
            _ => count,
        }
    }

    /// Refuses an adversary that knows nothing of these rules.
    pub(crate) fn fit_adversary(&self, _members: u32) -> Result<(), ParameterError> {
        let needs_mmr = matches!(self.adversary.attack, Attack::Lagging | Attack::Both);
        if needs_mmr && self.rules() != Rules::Mmr {
            let problem = format!("it plays against mmr; protocol.rules = {}", self.rules);
            return Err(ParameterError { name: "adversary.kind", problem });
        }
        let needs_crashes = self.adversary.attack == Attack::OneByOne;
        if needs_crashes && (self.rules() != Rules::BenOr || self.lies()) {
            let problem = "it plays against ben-or with tolerates = \"crashes\"".to_owned();
            return Err(ParameterError { name: "adversary.kind", problem });
        }
        Ok(())
    }

    pub(crate) fn held_behaviour(&self, node: NodeId) -> Option<Box<dyn Behaviour<Self>>> {
        let group = self.group_of(node, self.nodes);
        let honest = group.size.saturating_sub(self.held(group.size)) as usize;
        if group.place_of(node) < honest {
            return None;
        }
        Some(Box::new(Outspoken::default()))
    }

    pub(crate) fn adversary_scheduler(&self, nodes: u32) -> Option<Box<dyn Scheduler<Self>>> {
        let (rules, coin) = (self.rules(), self.coin_kind());
        Some(match (self.adversary.attack, rules) {
            (Attack::Worst, Rules::Mmr) if self.conf => {
                Box::new(schedule::Planned::<schedule::mmr::Split>::new(self.clone(), nodes))
            }
            (Attack::Worst | Attack::Lagging, Rules::Mmr) => {
                Box::new(schedule::Planned::<schedule::mmr::Lag>::new(self.clone(), nodes))
            }
            (Attack::Both, _) => {
                Box::new(schedule::Planned::<schedule::mmr::Both>::new(self.clone(), nodes))
            }
            (Attack::Worst, Rules::Shi) if coin == Coin::Common => {
                Box::new(schedule::Planned::<schedule::shi::Lead>::new(self.clone(), nodes))
            }
            (Attack::Worst, Rules::BenOr) => {
                Box::new(schedule::Planned::<schedule::ben_or::LockStep>::new(self.clone(), nodes))
            }
            (Attack::OneByOne, _) => {
                Box::new(schedule::Planned::<schedule::ben_or::OneByOne>::new(self.clone(), nodes))
            }
            (Attack::TwoFaced, _) => {
                Box::new(schedule::Planned::<schedule::apart::Apart>::new(self.clone(), nodes))
            }
            _ => return None,
        })
    }
}
