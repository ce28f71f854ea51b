//! The witness protocol: payments validated without consensus (seed 0 of this project).
//!
//! There is no ledger and no vote on transactions. A payment is valid when enough independently
//! chosen *witnesses* signed it; the only thing the network agrees on, lazily, is who may be chosen.
//! Whoever wants to pay draws the witnesses that will watch over what the payee gets; the witnesses
//! that watch what the payer has promise it to the payment; the payee accepts, has it deducted, and
//! entrusts its new fund to the new witnesses.
//!
//! Begin with [`dialogues`], the table of all messages. Then the roles, by the messages that each
//! receives:
//!
//! | role | file | receives |
//! |---|---|---|
//! | payer | `payer` | here, agree, promise, accept, refuse |
//! | payee | `payee` | propose, pay, settled, kept |
//! | witness of a fund | `watch` | hello, ask, settle, entrust |
//! | owner of a fund that rolls over | `rollover/owner` | renewed, carried |
//! | its witnesses, old and new | `rollover/witness` | renew, carry |
//! | author of an event, and its witnesses | `timeline/author` | stamp, stamped |
//! | holder of a timeline | [`timeline`], `timeline/sync` | publish, probe, since, rest |
//! | claimant | `guilt/claimant` | upheld |
//! | juror | `guilt/juror` | claim |
//! | user that joins or leaves | `stake` | as payer, payee and author |
//!
//! What they send and sign: [`contract`], [`receipt`], [`selection`], [`rollover`], [`guilt::claim`].
//! What they judge by: [`genesis`] (the snapshot at the beginning), [`timeline`] (the verifiers that
//! may be drawn), [`evidence`] (believable draws), [`rules`] (the original's rules and the corrected
//! ones). `adversary` has the attacks, and in `conduct` every decision that they can change. [`odds`]
//! are the closed forms for figures under attack.
//!
//! Invariants: the cost of a payment depends neither on the number of nodes nor on that of verifiers;
//! what hundreds hold is one shared body; credit moves, it is neither made nor lost (the sums of
//! [`metrics`] say so); every message that does not fit is refused with a reason and changes nothing.

#![forbid(unsafe_code)]

use anthill_protocol::parameter::{AdversaryKind, Parameter, ParameterError, Values};
use anthill_protocol::{
    Cell, Check, Column, Configure, Context, Diagram, Dice, NodeId, Protocol, Questions, RunFacts,
    Snapshot, Span, Time,
};

mod adversary;
pub mod body;
mod checks;
pub mod contract;
mod diagrams;
pub mod dialogues;
pub mod evidence;
pub mod fund;
mod gas;
pub mod genesis;
pub mod guilt;
mod lines;
pub mod message;
pub mod metrics;
pub mod node;
pub mod odds;
mod once;
mod parameters;
mod payee;
mod payer;
mod places;
pub mod receipt;
pub mod refusal;
pub mod rollover;
pub mod rules;
pub mod selection;
mod signature_list;
mod signed_list;
mod sorted;
mod stake;
pub mod statement;
mod swarm;
mod table;
#[cfg(test)]
mod tests;
pub mod timeline;
mod watch;

pub use body::WitnessBody;
pub use dialogues::WitnessMessage;
pub use metrics::WitnessMetric;
pub use node::WitnessNode;

use adversary::Adversary;
use evidence::Tests;
use fund::FundId;
use genesis::Genesis;
use rules::Terms;
use timeline::{EventKind, Happenings};

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

impl Witness {
    /// Waits for the node's next payment of the workload.
    fn wait_for_payment(&self, cx: &mut impl Context<Self>) {
        if let Some(mean) = self.workload.interval
            && self.genesis.is_user(cx.id())
            && self.conduct(cx.id()).follows_workload()
        {
            let delay = anthill_protocol::draw::exponential(mean, cx.random());
            cx.set_timer(delay, WitnessTimer::Pay);
        }
    }

    /// The next payment of the workload: payee and amount.
    fn draw_payment(&self, cx: &mut impl Context<Self>) -> (NodeId, u64) {
        let other = cx.random_below(u64::from(self.genesis.users()) - 1) as u32;
        let payee = self.genesis.user(other);
        let payee = if payee < cx.id() { payee } else { NodeId(payee.0 + 1) };
        let spread = self.workload.most - self.workload.least + 1;
        (payee, self.workload.least + cx.random_below(spread))
    }
}

impl Protocol for Witness {
    type Node = WitnessNode;
    type Message = WitnessMessage;
    type Body = WitnessBody;
    type Timer = WitnessTimer;
    type Metric = WitnessMetric;
    type Output = anthill_protocol::NoOutput;

    const HINTS: bool = true;

    /// A witness meets its book, which is a line or two in a list of many; payer and payee the payments
    /// that they have under way.
    fn hint(
        &self,
        node: &WitnessNode,
        message: &WitnessMessage,
        bodies: &impl anthill_protocol::Bodies<WitnessBody>,
        mut fetch: impl FnMut(*const u8),
    ) {
        use WitnessMessage as M;
        let contract_of = |receipt| bodies.get(receipt).receipt().map(|receipt| receipt.contract);
        let source_of = |contract, source: u8| {
            let contract = bodies.get(contract).contract()?;
            contract.sources.get(usize::from(source)).map(|source| source.fund)
        };
        let fund = match *message {
            M::Ask { contract, source } => source_of(contract, source),
            M::Settle { receipt, source } => {
                contract_of(receipt).and_then(|contract| source_of(contract, source))
            }
            M::Entrust { receipt } => bodies.get(receipt).receipt().map(receipt::Receipt::fund),
            M::Here { .. } | M::Promise { .. } => return fetch(node.paying.as_ptr().cast()),
            M::Settled { .. } | M::Kept { .. } => return fetch(node.receiving.as_ptr().cast()),
            _ => None,
        };
        if let Some(fund) = fund {
            node.book.hint(fund, fetch);
        }
    }

    fn start(&self, cx: &mut impl Context<Self>) -> WitnessNode {
        if self.genesis.is_user(cx.id()) {
            cx.record(WitnessMetric::Issued, self.endowment);
            cx.record(WitnessMetric::Held, self.endowment);
        }
        if self.genesis.rank(cx.id()).is_some() {
            cx.record(WitnessMetric::Issued, self.terms.stake);
            cx.record(WitnessMetric::Staked, self.terms.stake);
        }
        self.wait_for_payment(cx);
        self.wait_for_attack(cx);
        let mut node = WitnessNode::default();
        self.wait_for_events(&node, cx);
        self.wait_to_join(&node, cx);
        self.schedule_maintenance(&mut node, cx);
        node
    }

    fn on_message(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        message: &WitnessMessage,
        cx: &mut impl Context<Self>,
    ) {
        use WitnessMessage as M;
        if !self.conduct(cx.id()).hears(from) {
            return cx.record(WitnessMetric::Cut, 1);
        }
        match *message {
            // Payer.
            M::Here { payment, settled, tip } => {
                self.here(node, from, (payment, settled, tip), cx);
            }
            M::Agree { contract, signature } => {
                self.agreed(node, from, (contract, signature), cx);
            }
            M::Promise { contract, source, signature } => {
                self.promised(node, from, (contract, source, signature), cx);
            }
            M::Accept { receipt } => self.accepted(node, from, receipt, cx),
            M::Refuse { contract, source, why } => {
                self.refused(node, from, (contract, source, why), cx);
            }
            // Payee.
            M::Propose { contract } => self.proposed(node, from, contract, cx),
            M::Pay { receipt } => self.paid(node, from, receipt, cx),
            M::Settled { receipt, source, signature } => {
                self.settled(node, from, (receipt, source, signature), cx);
            }
            M::Kept { receipt } => self.kept(node, from, receipt, cx),
            // Witness of a fund.
            M::Hello { payment, time, .. } => self.hello(node, from, (payment, time), cx),
            M::Ask { contract, source } => self.asked(node, from, (contract, source), cx),
            M::Settle { receipt, source } => {
                self.asked_to_settle(node, from, (receipt, source), cx)
            }
            M::Entrust { receipt } => self.entrusted(node, from, receipt, cx),
            // A rollover: owner, then witnesses.
            M::Renewed { rollover, signature } => {
                self.renewed(node, from, (rollover, signature), cx);
            }
            M::Carried { rollover } => self.carried(node, from, rollover, cx),
            M::Renew { rollover } => self.asked_to_renew(node, from, rollover, cx),
            M::Carry { rollover } => self.carried_over(node, from, rollover, cx),
            // The timeline: author, its witnesses, all others.
            M::Stamped { event, time, signature } => {
                self.stamped(node, from, (event, time, signature), cx);
            }
            M::Stamp { event } => self.asked_for_stamp(node, from, event, cx),
            M::Publish { event } => self.published(node, from, event, cx),
            M::Probe { probes } => self.probed(node, from, probes, cx),
            M::Since { batch } => self.caught_up(node, from, batch, cx),
            M::Rest { batch } => self.completed(node, from, batch, cx),
            // A claim: claimant, then jury.
            M::Upheld { claim, time, signature } => {
                self.upheld(node, from, (claim, time, signature), cx);
            }
            M::Claim { claim } => self.claimed(node, from, claim, cx),
        }
    }

    fn on_timer(&self, node: &mut WitnessNode, timer: WitnessTimer, cx: &mut impl Context<Self>) {
        match timer {
            WitnessTimer::Pay => {
                let (payee, amount) = self.draw_payment(cx);
                self.pay(node, payee, amount, cx);
                self.wait_for_payment(cx);
            }
            WitnessTimer::Attack => self.attack(node, cx),
            WitnessTimer::Maintain => self.maintain(node, cx),
            WitnessTimer::Stake => self.stake_due(node, cx),
            WitnessTimer::Announce { kind } => self.happens(node, kind, cx),
            WitnessTimer::Stamps { event, tries } => self.stamps_timeout(node, (event, tries), cx),
            WitnessTimer::Greeting { payment, group } => self.skip(node, payment, group, cx),
            WitnessTimer::Payer { payment, step, tries } => {
                self.payer_timeout(node, payment, (step, tries), cx);
            }
            WitnessTimer::Payee { fund, step, tries } => {
                self.payee_timeout(node, fund, (step, tries), cx);
            }
            WitnessTimer::Claim { fund, sequence, tries } => {
                self.claim_timeout(node, ((fund, sequence), tries), cx);
            }
        }
    }

    /// Wallet and book are durable; what was under way is taken up again with the state, and given
    /// up without.
    fn restart(&self, node: &mut WitnessNode, keep_state: bool, cx: &mut impl Context<Self>) {
        self.resume_stake(node, cx);
        self.resume(node, keep_state, cx);
        self.resume_claims(node, keep_state, cx);
        // An event that was being stamped is given up: its time would be off.
        if let Some(authoring) = node.authoring.take() {
            cx.release(authoring.event());
        }
        self.wait_for_events(node, cx);
        self.wait_for_payment(cx);
        node.next_maintenance = Time::MAX;
        self.schedule_maintenance(node, cx);
    }

    fn state_hash(&self, node: &WitnessNode) -> u64 {
        let mut bytes = Vec::new();
        node.save_durable(&mut bytes);
        anthill_protocol::fold_bytes(&bytes)
    }

    fn events_per_node_second(&self) -> f64 {
        let messages = 8.0 * f64::from(self.terms.witnesses);
        self.workload.interval.map_or(1.0, |mean| messages / mean.as_secs_f64())
    }
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
