//! Adversaries: each breaks one rule, as often as it can. They hold the last forgers.
//!
//! What is tried counts as `attacks`, what comes off as `attacks_succeeded`: recorded where it takes
//! effect, in the state of the chain or at the honest node that believes it.

mod blocks;
mod eclipse;
mod fork;
mod grinder;
mod identity;
#[cfg(test)]
mod tests;
mod transactions;
mod votes;

use anthill_protocol::behaviour::{Behaviour, Tap};
use anthill_protocol::parameter::{AdversaryKind, Kind, Parameter, Value, Values};

use crate::Goodwill;
use crate::node::{Full, Node};

/// What it does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Plan {
    InputReplayer,
    IdentityThief,
    SlotThief,
    BackDater,
    Equivocator,
    PrivateFork,
    BeaconGrinder,
    SybilVoter,
    Captor,
    FalseExecutor,
    FeeStarver,
    CronFlooder,
    Eclipse,
}

/// An adversary.
#[derive(Clone, Debug)]
pub(crate) struct Attack {
    pub(crate) plan: Plan,
    /// Of the weight, or of the forgers.
    pub(crate) share: f64,
    /// Of a donation, what comes back.
    pub(crate) kickback: f64,
    /// After so many the run ends; 0: when its time is over.
    pub(crate) attempts: u64,
}

const SHARE: Parameter = Parameter {
    name: "share",
    kind: Kind::Share,
    default: Value::Share(0.3),
    about: "its share of the weight in every window; of sybils and false homes, of the forgers",
};
const KICKBACK: Parameter = Parameter {
    name: "kickback",
    kind: Kind::Share,
    default: Value::Share(0.5),
    about: "share of its donations that the captured association gives back",
};
const ATTEMPTS: Parameter = Parameter {
    name: "attempts",
    kind: Kind::Count { min: 0, max: 1_000_000_000 },
    default: Value::Count(0),
    about: "attacks after which the run ends; 0: when its time is over",
};
const VARIANTS: Parameter = Parameter {
    name: "attempts",
    kind: Kind::Count { min: 1, max: 65_536 },
    default: Value::Count(16),
    about: "blocks that it tries in the last slot of a window",
};

const fn kind(
    name: &'static str,
    about: &'static str,
    parameters: &'static [Parameter],
) -> AdversaryKind {
    AdversaryKind { name, about, parameters }
}

/// The adversaries that know the protocol's rules.
pub(crate) const KINDS: &[AdversaryKind] = &[
    kind(
        "input-replayer",
        "the last forger spends what others have signed again, to itself (G1)",
        &[ATTEMPTS],
    ),
    kind(
        "identity-thief",
        "the last forger greets others with what their friends have signed (G3)",
        &[ATTEMPTS],
    ),
    kind("slot-thief", "the last forger makes blocks in slots of others (G4)", &[SHARE, ATTEMPTS]),
    kind(
        "back-dater",
        "the last forger changes the time of blocks that it passes on (G2)",
        &[ATTEMPTS],
    ),
    kind(
        "equivocator",
        "the last forger makes two blocks in each slot of its own (G8)",
        &[SHARE, ATTEMPTS],
    ),
    kind(
        "private-fork",
        "the last forger keeps a branch to itself until it is the longer one",
        &[SHARE, ATTEMPTS],
    ),
    kind(
        "beacon-grinder",
        "the last forger chooses the block that the next lottery is drawn from (G6)",
        &[SHARE, VARIANTS],
    ),
    kind(
        "sybil-voter",
        "the last forgers bid the least, vote for scams and against all others (G5)",
        &[SHARE],
    ),
    kind(
        "captor",
        "the last forger gives to an association of its own key, and to one of the last but one, which gives back (G7)",
        &[KICKBACK],
    ),
    kind(
        "false-executor",
        "the last forger states another state than its block comes to",
        &[SHARE, ATTEMPTS],
    ),
    kind(
        "fee-starver",
        "the last forger makes calls at a price that nobody runs them for",
        &[ATTEMPTS],
    ),
    kind(
        "cron-flooder",
        "the last forger schedules as many payments as it can, without money",
        &[ATTEMPTS],
    ),
    kind(
        "eclipse",
        "the last forgers tell light peers that their transactions are in blocks that nobody made",
        &[SHARE, ATTEMPTS],
    ),
];

impl Attack {
    /// The scenario's, if it has one of these.
    pub(crate) fn read(values: &Values) -> Option<Self> {
        let plan = match values.adversary()? {
            "input-replayer" => Plan::InputReplayer,
            "identity-thief" => Plan::IdentityThief,
            "slot-thief" => Plan::SlotThief,
            "back-dater" => Plan::BackDater,
            "equivocator" => Plan::Equivocator,
            "private-fork" => Plan::PrivateFork,
            "beacon-grinder" => Plan::BeaconGrinder,
            "sybil-voter" => Plan::SybilVoter,
            "captor" => Plan::Captor,
            "false-executor" => Plan::FalseExecutor,
            "fee-starver" => Plan::FeeStarver,
            "cron-flooder" => Plan::CronFlooder,
            _ => Plan::Eclipse,
        };
        let own = KINDS.iter().find(|kind| Some(kind.name) == values.adversary())?;
        let has = |name: &str| own.parameters.iter().any(|parameter| parameter.name == name);
        Some(Self {
            plan,
            share: if has("share") { values.share("adversary.share") } else { 0.0 },
            kickback: if has("kickback") { values.share("adversary.kickback") } else { 0.0 },
            attempts: if has("attempts") { values.count("adversary.attempts") } else { 0 },
        })
    }

    /// Forgers that it needs: its own, and an honest one.
    pub(crate) fn least_forgers(&self) -> u32 {
        match self.plan {
            Plan::Captor | Plan::IdentityThief => 3,
            _ => 2,
        }
    }

    /// Forgers that it holds.
    pub(crate) fn nodes(&self, forgers: u32) -> u32 {
        match self.plan {
            Plan::SybilVoter | Plan::Eclipse => {
                ((f64::from(forgers) * self.share).round() as u32).min(forgers.saturating_sub(1))
            }
            Plan::Captor => 2.min(forgers.saturating_sub(1)),
            _ => 1.min(forgers.saturating_sub(1)),
        }
    }

    /// What one of its nodes bids; `honest`: what all others do. `is_last`: it is the last one.
    pub(crate) fn first_bid(&self, honest: u64, least: u64, usual: u64, is_last: bool) -> u64 {
        match self.plan {
            Plan::SybilVoter => least,
            Plan::Captor if !is_last => 0,
            _ if self.share > 0.0 && self.plan != Plan::Eclipse => {
                let share = self.share.min(0.999);
                (honest as f64 * share / (1.0 - share)).round() as u64
            }
            _ => usual,
        }
    }

    pub(crate) fn attempts(&self) -> Option<u64> {
        (self.attempts > 0 && self.plan != Plan::BeaconGrinder).then_some(self.attempts)
    }

    /// What a node of it does.
    pub(crate) fn behaviour(&self) -> Box<dyn Behaviour<Goodwill>> {
        match self.plan {
            Plan::InputReplayer | Plan::CronFlooder | Plan::FeeStarver => {
                Box::new(transactions::Transactions::new(self.plan))
            }
            Plan::IdentityThief => Box::new(identity::Thief::default()),
            Plan::SlotThief | Plan::BackDater | Plan::Equivocator | Plan::FalseExecutor => {
                Box::new(blocks::Blocks::new(self.plan))
            }
            Plan::PrivateFork => Box::new(fork::Fork::default()),
            Plan::BeaconGrinder => Box::new(grinder::Grinder { variants: self.attempts as u32 }),
            Plan::SybilVoter => Box::new(votes::Sybil),
            Plan::Captor => Box::new(votes::Captor::new(self.kickback)),
            Plan::Eclipse => Box::new(eclipse::FalseHome),
        }
    }
}

/// The full node that an adversary's node is.
fn full(node: &mut Node) -> Option<&mut Full> {
    match node {
        Node::Full(full) => Some(full),
        Node::Light(_) => None,
    }
}

/// Sends a message to all neighbours.
fn shout(
    honest: &Goodwill,
    message: crate::message::GoodwillMessage,
    cx: &mut Tap<'_, '_, Goodwill>,
) {
    honest.tell_neighbours(None, message, cx);
}
