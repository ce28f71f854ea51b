//! Adversaries: a pool with a share of the hash rate that does not publish what it finds.
//!
//! Each holds one node, the last, which stands for all of the adversary's hash rate. It follows the
//! protocol with others' blocks, and keeps its own from its honest half until it publishes them.

mod branch;
mod double_spend;
mod eclipse;
mod selfish;
#[cfg(test)]
mod tests;
mod withheld;

use anthill_protocol::behaviour::{Behaviour, Tap};
use anthill_protocol::parameter::{AdversaryKind, Kind, Parameter, Value, Values};
use anthill_protocol::{Protocol as _, Span, draw};

use crate::node::Node;
use crate::{Nakamoto, Timer};

/// A timer of a node that does with what it finds as it likes: `find`; all else is as the protocol has it.
fn mine(
    honest: &Nakamoto,
    node: &mut Node,
    timer: Timer,
    cx: &mut Tap<'_, '_, Nakamoto>,
    find: impl FnOnce(&mut Node, &mut Tap<'_, '_, Nakamoto>),
) {
    match timer {
        Timer::Mine { clock } if honest.finds(node, clock) => {
            find(node, cx);
            honest.start_clock(node, cx);
        }
        Timer::Mine { .. } => {}
        other => honest.on_timer(node, other, cx),
    }
}

/// An adversary.
#[derive(Clone, Debug)]
pub(crate) struct Attack {
    pub(crate) plan: Plan,
    /// Of the hash rate.
    pub(crate) share: f64,
    /// Whether the difficulty follows the blocks that are published.
    pub(crate) retargets: bool,
}

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    /// `gamma`: the probability (of 2⁶⁴) with which honest miners choose the pool's branch; `None`:
    /// the first seen.
    Selfish {
        gamma: Option<u64>,
    },
    DoubleSpend {
        confirmations: u32,
        attempts: u32,
        give_up: u32,
    },
    Eclipse {
        confirmations: u32,
        attempts: u32,
    },
    Withheld {
        hold: Span,
    },
}

const SHARE: Parameter = Parameter {
    name: "share",
    kind: Kind::Share,
    default: Value::Share(0.3),
    about: "the adversary's share of the hash rate",
};
const RETARGET: Parameter = Parameter {
    name: "retarget",
    kind: Kind::Flag,
    default: Value::Flag(false),
    about: "whether the difficulty is set anew during the attack",
};
const CONFIRMATIONS: Parameter = Parameter {
    name: "confirmations",
    kind: Kind::Count { min: 0, max: 1_000 },
    default: Value::Count(0),
    about: "blocks that the payee waits for; 0: those of the protocol",
};
const ATTEMPTS: Parameter = Parameter {
    name: "attempts",
    kind: Kind::Count { min: 1, max: u32::MAX as u64 },
    default: Value::Count(1_000),
    about: "attacks after which the run ends",
};
const GAMMA: Parameter = Parameter {
    name: "gamma",
    kind: Kind::Share,
    default: Value::Share(0.5),
    about: "with ties drawn: the probability that an honest miner chooses the pool's branch",
};
const TIES: Parameter = Parameter {
    name: "ties",
    kind: Kind::Choice(&["drawn", "first-seen"]),
    default: Value::Choice("drawn"),
    about: "which of two branches of equal work an honest miner chooses",
};
const GIVE_UP: Parameter = Parameter {
    name: "give_up",
    kind: Kind::Count { min: 1, max: 1_000_000 },
    default: Value::Count(40),
    about: "blocks by which the adversary may lie behind before it gives up",
};
const HOLD: Parameter = Parameter {
    name: "hold",
    kind: Kind::Span { min: Span::ZERO },
    default: Value::Span(Span::ZERO),
    about: "how long a block is withheld; 0: for ever",
};

/// The adversaries that know the protocol's rules. Each holds the last node.
pub(crate) const KINDS: &[AdversaryKind] = &[
    AdversaryKind {
        name: "selfish-mining",
        about: "the last node is a pool that publishes its blocks only to overtake others' \
                (Eyal and Sirer 2014)",
        parameters: &[SHARE, GAMMA, TIES, RETARGET],
    },
    AdversaryKind {
        name: "double-spend",
        about: "the last node pays node 0 and mines a branch without the payment (Rosenfeld 2014)",
        parameters: &[SHARE, CONFIRMATIONS, ATTEMPTS, GIVE_UP, RETARGET],
    },
    AdversaryKind {
        name: "eclipse",
        about: "the last node is all that the last but one hears, pays it, and confirms the payment \
                itself",
        parameters: &[SHARE, CONFIRMATIONS, ATTEMPTS, RETARGET],
    },
    AdversaryKind {
        name: "withheld-blocks",
        about: "the last node keeps the blocks that it finds, for a while or for ever",
        parameters: &[SHARE, HOLD, RETARGET],
    },
];

impl Attack {
    /// The scenario's, if it has one of these.
    pub(crate) fn read(values: &Values) -> Option<Self> {
        let count = |name: &str| values.count(name) as u32;
        let plan = match values.adversary()? {
            "selfish-mining" => {
                let gamma = draw::threshold(values.share("adversary.gamma"));
                let is_drawn = values.choice("adversary.ties") == "drawn";
                Plan::Selfish { gamma: is_drawn.then_some(gamma) }
            }
            "double-spend" => Plan::DoubleSpend {
                confirmations: count("adversary.confirmations"),
                attempts: count("adversary.attempts"),
                give_up: count("adversary.give_up"),
            },
            "eclipse" => Plan::Eclipse {
                confirmations: count("adversary.confirmations"),
                attempts: count("adversary.attempts"),
            },
            _ => Plan::Withheld { hold: values.span("adversary.hold") },
        };
        let share = values.share("adversary.share");
        Some(Self { plan, share, retargets: values.flag("adversary.retarget") })
    }

    /// The nodes that it needs: its own, its victim, one that mines.
    pub(crate) fn least_nodes(&self) -> u32 {
        if matches!(self.plan, Plan::Eclipse { .. }) { 3 } else { 2 }
    }

    /// After so many the run ends.
    pub(crate) fn attempts(&self) -> Option<u32> {
        match self.plan {
            Plan::DoubleSpend { attempts, .. } | Plan::Eclipse { attempts, .. } => Some(attempts),
            Plan::Selfish { .. } | Plan::Withheld { .. } => None,
        }
    }

    /// What the payee waits for, if the attack says so.
    pub(crate) fn confirmations(&self) -> Option<u32> {
        match self.plan {
            Plan::DoubleSpend { confirmations, .. } | Plan::Eclipse { confirmations, .. } => {
                Some(confirmations).filter(|confirmations| *confirmations > 0)
            }
            Plan::Selfish { .. } | Plan::Withheld { .. } => None,
        }
    }

    /// What its node does.
    pub(crate) fn behaviour(&self) -> Box<dyn Behaviour<Nakamoto>> {
        match self.plan {
            Plan::Selfish { .. } => Box::new(selfish::Selfish::default()),
            Plan::DoubleSpend { give_up, .. } => Box::new(double_spend::DoubleSpend::new(give_up)),
            Plan::Eclipse { .. } => Box::new(eclipse::Eclipse::default()),
            Plan::Withheld { hold } => Box::new(withheld::Withheld::new(hold)),
        }
    }
}
