//! The witness protocol: payments validated without consensus (seed 0 of this project).
//!
//! There is no ledger and no vote on transactions. A payment is valid when enough independently
//! chosen *witnesses* signed it; the only thing the network agrees on, lazily, is who may be chosen.
//! Whoever wants to pay draws the witnesses that will watch over what the payee gets; the witnesses
//! that watch what the payer has promise it to the payment; the payee accepts, has it deducted, and
//! entrusts its new fund to the new witnesses.
//!
//! Read in this order; an evening is enough for the first three.
//!
//! 1. [`dialogues`], the table of all messages: who says what to whom, and what it means. The messages
//!    themselves, their wire form and the tables of `docs/protocols/witness.md` are made from it.
//! 2. [`roles`], what a participant does with each message. Its page says which role gets which.
//! 3. [`rules`], the original's and the corrected ones: each question to which they answer differently.
//! 4. `judging`, the checks that everybody makes of what is shown; [`objects`], what is sent and
//!    signed; [`book`], what is kept; [`timeline`] and [`genesis`], who may be drawn; [`evidence`],
//!    which draws are believed.
//! 5. `adversary`, the attacks, and in its `conduct` every decision that they can change; [`odds`], the
//!    closed forms for figures under attack, which `checks` puts beside the figures of a run.
//!
//! Invariants: the cost of a payment depends neither on the number of nodes nor on that of verifiers;
//! what hundreds hold is one shared body; credit moves, it is neither made nor lost (the sums of
//! [`metrics`] say so); every message that does not fit is refused with a reason and changes nothing.

#![forbid(unsafe_code)]

use anthill_protocol::parameter::{AdversaryKind, Parameter, ParameterError, Values};
use anthill_protocol::{
    Cell, Check, Column, Configure, Diagram, Dice, NodeId, Questions, RunFacts, Snapshot, Span,
};

mod adversary;
pub mod book;
mod checks;
mod diagrams;
pub mod dialogues;
pub mod evidence;
pub mod genesis;
mod judging;
pub mod message;
pub mod metrics;
pub mod node;
pub mod objects;
pub mod odds;
mod parameters;
mod protocol;
pub mod roles;
pub mod rules;
mod swarm;
mod table;
#[cfg(test)]
mod tests;
pub mod timeline;

pub use dialogues::WitnessMessage;
pub use metrics::WitnessMetric;
pub use node::WitnessNode;
pub use objects::body::WitnessBody;

use adversary::Adversary;
use evidence::Tests;
use genesis::Genesis;
use objects::fund::FundId;
use roles::author::Happenings;
use rules::Terms;
use timeline::EventKind;

/// The parameters of a witness run.
#[derive(Clone, Debug)]
pub struct Witness {
    terms: Terms,
    tests: Tests,
    genesis: Genesis,
    /// Share of users that are verifiers.
    verifiers: f64,
    /// The amount of everybody's first fund.
    endowment: u64,
    /// The probability with which a verifier answers a greeting.
    availability: f64,
    /// The probability that a fund is rolled over; else it expires.
    rollovers: f64,
    workload: Workload,
    happenings: Happenings,
    adversary: Option<Adversary>,
}

/// The payments that users begin by themselves.
#[derive(Clone, Copy, Debug)]
struct Workload {
    /// Mean time between the payments of a user; `None`: they do not pay.
    interval: Option<Span>,
    /// Amounts are uniform between these, both included.
    least: u64,
    most: u64,
}

/// The timers of a participant.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub enum WitnessTimer {
    /// The next payment of the workload is due.
    Pay,
    /// An attacker's moment has come.
    Attack,
    /// Something is due among the node's funds.
    Maintain,
    /// Something is due with its stake: it joins, or has left long enough ago.
    Stake,
    /// Something happens to a verifier.
    Announce {
        /// The kind of event.
        kind: EventKind,
    },
    /// The time of the verifiers asked to stamp an event is over.
    Stamps {
        /// The event, by its handle's name.
        event: u64,
        /// How often they were asked.
        tries: u8,
    },
    /// The time of the verifiers greeted together is over.
    Greeting {
        /// The payer's count of payments.
        payment: u32,
        /// The number of the greetings.
        group: u16,
    },
    /// The time of the witnesses that a payer asked is over.
    Payer {
        /// The payer's count of payments.
        payment: u32,
        /// In which step.
        step: u8,
        /// How often they were asked.
        tries: u8,
    },
    /// The time of the witnesses that a payee asked is over.
    Payee {
        /// The fund that the payment makes.
        fund: FundId,
        /// In which step.
        step: u8,
        /// How often they were asked.
        tries: u8,
    },
    /// It is time to claim, or those who were asked to judge a claim have had their time.
    Claim {
        /// The fund that was withdrawn from twice.
        fund: FundId,
        /// The number of the withdrawal.
        sequence: u32,
        /// How often they were asked.
        tries: u8,
    },
}

impl Configure for Witness {
    const NAME: &'static str = "witness";
    const ABOUT: &'static str =
        "payments validated by drawn witnesses, without consensus (seed 0; mattb1197's emulator)";
    const PARAMETERS: &'static [Parameter] = parameters::PARAMETERS;
    const WORKLOAD: &'static [Parameter] = parameters::WORKLOAD;
    const ADVERSARIES: &'static [AdversaryKind] = adversary::KINDS;
    const DIAGRAMS: &'static [Diagram] = diagrams::DIAGRAMS;
    const SITUATIONS: &'static [&'static str] = swarm::SITUATIONS;

    const COLUMNS: &'static [Column] = table::COLUMNS;

    fn row(&self, id: NodeId, node: &WitnessNode) -> Vec<Cell> {
        self.row_of(id, node)
    }

    fn configure(values: &Values) -> Result<Self, ParameterError> {
        parameters::configure(values)
    }

    fn swarm(dice: &mut Dice, _nodes: u32) -> Vec<(&'static str, String)> {
        swarm::draws(dice)
    }

    fn fit(&mut self, nodes: u32, seed: u64) -> Result<(), ParameterError> {
        parameters::fit(self, nodes, seed)
    }

    fn asks(&self, facts: &RunFacts) -> Questions {
        Questions { round_trips: !facts.disturbed, ..Questions::default() }
    }

    fn checks(&self, facts: &RunFacts) -> Vec<Check> {
        checks::checks(self, facts)
    }

    fn pending_per_node(&self, _degree: f64) -> f64 {
        // The timers of the next payment and of the fund that rolls over next, and the requests of those under way: each payment is at
        // any moment in one dialogue with all witnesses, for a second or two.
        let rate = self.workload.interval.map_or(0.0, |mean| 1.0 / mean.as_secs_f64());
        2.0 + 2.0 * rate * f64::from(self.terms.witnesses)
    }
}
