//! The state of a participant: a wallet, a book of funds it watches, and its open dialogues; and how
//! what one of its roles returned reaches the others.
//!
//! Wallet and book are durable: they survive a crash, also one "without state", as a real node's
//! would on disk; the dialogues do not. Everything is small until it is used: a participant that
//! never paid has no wallet entry, because its first fund follows from its id.

use crate::adversary::Attempt;
use crate::book::{Book, Wallet};
use crate::metrics::WitnessMetric;
use crate::objects::refusal::Refusal;
use crate::roles::Answer;
use crate::roles::author::Authoring;
use crate::roles::guilt::{Claimant, Guilt, Verdict};
use crate::roles::holder::Holder;
use crate::roles::payee::{Outcome, Receiving};
use crate::roles::payer::Paying;
use crate::roles::stake::Standing;
use crate::roles::witness::Conflict;
use crate::timeline::Tip;
use crate::{Witness, WitnessBody, WitnessMessage};
use anthill_protocol::{Bodies, Context, NodeId, Shared, Snapshot, Time};

/// One participant.
#[derive(Debug, Snapshot)]
pub struct WitnessNode {
    /// Its funds.
    pub(crate) wallet: Wallet,
    /// The funds that it watches, as a verifier.
    pub(crate) book: Book,
    /// Gas that it was paid for watching over funds.
    pub(crate) earned: u64,
    /// Payments it has begun.
    pub(crate) payments: u32,
    /// Payments that wait for one to end.
    pub(crate) waiting: u32,
    /// When it looks after its funds next; `Time::MAX` if nothing is due.
    pub(crate) next_maintenance: Time,
    /// Payments under way.
    pub(crate) paying: Vec<Paying>,
    /// Payments that it receives.
    pub(crate) receiving: Vec<Receiving>,
    /// An attacker's attempt.
    pub(crate) attempt: Option<Box<Attempt>>,
    /// The timeline that it knows; durable.
    pub(crate) timeline: Tip,
    /// An event of its own that is being stamped.
    pub(crate) authoring: Option<Box<Authoring>>,
    /// Claims of its own, and a lost stake.
    pub(crate) guilt: Option<Box<Guilt>>,
    /// How it stands if it has begun to join or to leave; durable.
    pub(crate) stake: Option<Box<Standing>>,
}

impl WitnessNode {
    /// Whether it was a verifier and is convicted.
    pub(crate) fn is_convicted(&self) -> bool {
        self.guilt.as_ref().is_some_and(|guilt| guilt.lost.is_some())
    }

    /// The number of bodies that it retains, payments under way aside.
    #[cfg(test)]
    pub(crate) fn handles(&self) -> usize {
        let Wallet { funds, locked, .. } = &self.wallet;
        let voids = locked.iter().filter(|locked| locked.void.is_some()).count();
        let is_reserved = matches!(self.stake.as_deref(), Some(Standing::Reserved { .. }));
        let more = usize::from(self.timeline.is_some()) + usize::from(is_reserved);
        funds.len() + locked.len() + voids + self.book.handles() + more
    }
}

impl Default for WitnessNode {
    fn default() -> Self {
        Self {
            wallet: Wallet::default(),
            book: Book::default(),
            earned: 0,
            payments: 0,
            waiting: 0,
            next_maintenance: Time::MAX,
            paying: Vec::new(),
            receiving: Vec::new(),
            attempt: None,
            timeline: None,
            authoring: None,
            guilt: None,
            stake: None,
        }
    }
}

impl WitnessNode {
    /// What survives a crash, also one "without state", and enters the hash of the state: wallet, book and
    /// standing, and no dialogues.
    pub(crate) fn save_durable(&self, out: &mut Vec<u8>) {
        self.wallet.save(out);
        self.book.save_durable(out);
        self.earned.save(out);
        self.payments.save(out);
        self.timeline.save(out);
        self.guilt.is_some().save(out);
        self.guilt.iter().for_each(|guilt| guilt.lost.save(out));
        self.stake.save(out);
    }
}

/// What roles returned is handed on.
impl Witness {
    /// Says to the sender of a message what a role answers. A refusal is counted. Who lacks a
    /// timeline, or has another, asks for what is missing first.
    pub(crate) fn answer(
        &self,
        node: &WitnessNode,
        to: NodeId,
        answer: Answer,
        cx: &mut impl Context<Self>,
    ) {
        match answer {
            Answer::Silence => {}
            Answer::Say(message) => cx.send(to, message),
            Answer::Refuse { why: Refusal::Timeline, .. } => {
                cx.record(WitnessMetric::Outdated, 1);
                self.probe(node.timeline, to, cx);
            }
            Answer::Refuse { about: (contract, source), why } => {
                cx.record(WitnessMetric::Refused, 1);
                cx.record(WitnessMetric::of_refusal(why), 1);
                cx.send(to, WitnessMessage::Refuse { contract, source, why });
            }
        }
    }

    /// What came of a message to the witness of a fund: two receipts may exclude each other.
    pub(crate) fn after_settle(
        &self,
        node: &mut WitnessNode,
        conflict: Option<Conflict>,
        cx: &mut impl Context<Self>,
    ) {
        if let Some(conflict) = conflict {
            Claimant::of(self, node).begin(conflict, cx);
        }
    }

    /// What came of a message to the claimant. (An attacker keeps a conviction of its own witnesses to
    /// itself for a while.)
    pub(crate) fn after_claimant(
        &self,
        node: &mut WitnessNode,
        verdict: Verdict,
        cx: &mut impl Context<Self>,
    ) {
        match verdict {
            Verdict::Open => {}
            Verdict::Failed => {
                self.own_claim_ended(node, None, cx);
            }
            Verdict::Upheld { event } => {
                if !self.own_claim_ended(node, Some(event), cx) {
                    self.publish_conviction(node, event, cx);
                }
                cx.release(event);
            }
        }
    }

    /// What came of a message to the payee.
    pub(crate) fn after_payee(
        &self,
        node: &mut WitnessNode,
        outcome: Outcome,
        cx: &mut impl Context<Self>,
    ) {
        match outcome {
            Outcome::Unchanged => {}
            Outcome::Accepted { receipt } => {
                if self.note_payment(node, receipt, &cx.bodies()) {
                    cx.record(WitnessMetric::Seen, 1);
                }
            }
            Outcome::Confirmed { receipt } => self.confirmed(node, receipt, cx),
            Outcome::HandedOver { payer, receipt } => {
                self.schedule_maintenance(node, cx);
                self.funded(node, payer, receipt, cx);
            }
            Outcome::StakeReserved { receipt } => self.stake_reserved(node, receipt, cx),
            Outcome::StakeLost { receipt } => self.lose_reserved(node, receipt, cx),
        }
    }
}

/// What a participant learns reaches all who waited for it.
impl Witness {
    /// Takes events into the timeline, and acts on the convictions among them; whether one builds on
    /// something that is not known.
    pub(crate) fn learn(
        &self,
        node: &mut WitnessNode,
        events: &[Shared],
        cx: &mut impl Context<Self>,
    ) -> bool {
        let is_behind = Holder::of(self, node, cx.id()).learn(events, cx);
        self.apply_convictions(node, events, cx);
        is_behind
    }

    /// An event arrives from its author.
    pub(crate) fn published(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        event: Shared,
        cx: &mut impl Context<Self>,
    ) {
        if cx.bodies().get(event).event().is_some() && self.learn(node, &[event], cx) {
            self.probe(node.timeline, from, cx);
        }
        self.told_by_accomplice(node, from, cx);
    }

    /// The other node's events: what it lacks goes back to it, and draws that waited for them go on.
    pub(crate) fn caught_up(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        batch: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let Some(theirs) = bodies.get(batch).batch() else { return };
        let rest = Holder::of(self, node, cx.id()).lacking(theirs, &bodies);
        self.learn(node, &theirs.events, cx);
        let batch = cx.share(WitnessBody::Batch(rest));
        self.tell(from, WitnessMessage::Rest { batch }, cx);
        self.synchronised(node, from, cx);
    }

    /// The other side has all of this node's events, and sends what this node lacks: what waits for
    /// it can be asked again.
    pub(crate) fn completed(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        batch: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let Some(theirs) = bodies.get(batch).batch() else { return };
        self.learn(node, &theirs.events, cx);
        self.ask_again(node, from, cx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::book::Locked;
    use crate::objects::fund::{Fund, FundId};

    fn body(id: u64) -> Shared {
        Shared::new(id, 0, 100)
    }

    #[test]
    fn a_node_round_trips() {
        let mut node = WitnessNode { payments: 3, ..WitnessNode::default() };
        node.wallet.opened = true;
        node.wallet.receive(FundId(8));
        node.wallet.funds.push(Fund {
            id: FundId(1),
            amount: 2,
            sequence: 3,
            previous: FundId(4),
            selection: body(5),
        });
        let (fund, void) = (node.wallet.funds[0], Some(body(12)));
        node.wallet.locked.push(Locked { fund, reserved: 1, void, ready: Time(13) });
        node.book.set_state(FundId(6), body(7));
        node.book.set_promise(FundId(6), body(8));
        node.book.add_withdrawal(FundId(6), body(9));
        node.book.add_evidence(FundId(6), body(11), 8);
        node.book.add_due(FundId(6), 16);
        node.earned = 11;
        node.timeline = Some(body(10));
        node.stake = Some(Box::new(Standing::Leaving { until: Time(14), has_compared: true }));
        let mut bytes = Vec::new();
        node.save(&mut bytes);
        let mut rest = &bytes[..];
        let loaded = WitnessNode::load(&mut rest).expect("whole");
        assert!(rest.is_empty());
        assert_eq!(
            (&loaded.wallet, &loaded.book, loaded.timeline, loaded.earned, &loaded.stake),
            (&node.wallet, &node.book, node.timeline, node.earned, &node.stake)
        );
        let mut durable = Vec::new();
        node.save_durable(&mut durable);
        let mut again = Vec::new();
        loaded.save_durable(&mut again);
        assert!(durable == again && durable.len() < bytes.len());
        for length in 0..bytes.len() {
            assert!(WitnessNode::load(&mut &bytes[..length]).is_err());
        }
        let receipt = body(9);
        for standing in [
            Standing::Reserving,
            Standing::Reserved { receipt },
            Standing::Joined,
            Standing::Leaving { until: Time(8), has_compared: false },
            Standing::Released,
        ] {
            let mut bytes = Vec::new();
            standing.save(&mut bytes);
            assert_eq!(Standing::load(&mut &bytes[..]), Ok(standing));
        }
        assert!(Standing::load(&mut &[5u8][..]).is_err());
    }
}
