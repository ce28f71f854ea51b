//! What a conviction does: the guilty lose their stakes, each once, and the parties hear of it.
//!
//! A verifier moves its own stake when it learns that it is convicted (an emulated account book: what
//! it thinks of it does not matter). Of several convictions that name it the earliest decides where
//! the stake goes, in whatever order they come.

use super::Claimant;
use crate::metrics::WitnessMetric;
use crate::node::WitnessNode;
use crate::objects::claim::{Case, Claim};
use crate::objects::conviction::Award;
use crate::timeline::{self, Event, joined};
use crate::{Witness, WitnessMessage};
use anthill_protocol::{Bodies, Context, Shared, Snapshot, Time};

/// The conviction by which a verifier lost its stake.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Snapshot)]
pub(crate) struct Lost {
    /// Its place in the timeline.
    key: (Time, u64),
    award: Award,
}

impl Lost {
    /// The conviction's place in the timeline.
    #[cfg(test)]
    pub(crate) fn key(&self) -> (Time, u64) {
        self.key
    }
}

impl Witness {
    /// Events were merged into the node's timeline: acts on the convictions among them that count.
    pub(crate) fn apply_convictions(
        &self,
        node: &mut WitnessNode,
        events: &[Shared],
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        for handle in events {
            let Some(event) = bodies.get(*handle).event() else { continue };
            let Some(claim) = event.claim(&bodies) else { continue };
            if timeline::contains(node.timeline, event, &bodies)
                && let Ok(case) = self.prove(claim, cx)
            {
                self.convicted(node, event, (claim, case), cx);
            }
        }
    }

    fn convicted(
        &self,
        node: &mut WitnessNode,
        event: &Event,
        (claim, case): (&Claim, &Case),
        cx: &mut impl Context<Self>,
    ) {
        Claimant::of(self, node).drop_claim_of((claim.fund, claim.sequence), cx);
        if let Ok(number) = case.guilty.binary_search(&cx.id()) {
            let award = self.terms.award(number, case.guilty.len(), case.lost);
            self.lose_stake(node, Lost { key: (event.time, event.id()), award }, cx);
        }
        if case.payer == cx.id() {
            self.attempt_convicted(node, event, case, cx);
        }
    }

    /// Moves the node's stake, or moves it elsewhere if an earlier conviction turns up.
    fn lose_stake(&self, node: &mut WitnessNode, lost: Lost, cx: &mut impl Context<Self>) {
        if !self.has_stake(node, cx.id()) {
            return;
        }
        match node.guilt.as_ref().and_then(|guilt| guilt.lost) {
            Some(before) if before.key <= lost.key => return,
            Some(before) => count(before.award, u64::wrapping_neg, cx),
            None => {
                let stake = self.terms.stake;
                cx.record(WitnessMetric::Staked, stake.wrapping_neg());
                cx.record(WitnessMetric::StakeLost, stake);
                self.count_no_more(node, cx);
                if !self.is_held(cx.id()) {
                    cx.record(WitnessMetric::HonestStakeLost, stake);
                }
            }
        }
        node.guilt.get_or_insert_default().lost = Some(lost);
        count(lost.award, |credit| credit, cx);
    }

    /// Publishes a conviction: to all who were verifiers when all last agreed on that, for the
    /// convicted have to hear of it too, and to the parties.
    pub(crate) fn publish_conviction(
        &self,
        node: &mut WitnessNode,
        event: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let content = bodies.get(event).event().expect("retained");
        let verifiers = joined(content.settled, &bodies);
        cx.record(WitnessMetric::Published, 1);
        self.learn(node, &[event], cx);
        self.send_event(event, &verifiers, cx);
        let Some(claim) = content.claim(&bodies) else { return };
        let Ok(case) = self.prove(claim, cx) else { return };
        // Those of the guilty who have left are sent no events otherwise.
        let parties = [case.payer].into_iter().chain(case.payees);
        for party in parties.chain(case.guilty.iter().copied()) {
            if !verifiers.contains(&self.genesis, party) && party != cx.id() {
                self.tell(party, WitnessMessage::Publish { event }, cx);
            }
        }
    }

    /// The part of a case's stakes that its claimant gets.
    pub(crate) fn reward(&self, case: &Case) -> u64 {
        let of = |number| self.terms.award(number, case.guilty.len(), case.lost).claimant;
        (0..case.guilty.len()).map(of).sum()
    }
}

/// Adds an award to the pots, or takes it back.
fn count(award: Award, sign: impl Fn(u64) -> u64, cx: &mut impl Context<Witness>) {
    let Award { claimant, cheated, burnt } = award;
    cx.record(WitnessMetric::Rewarded, sign(claimant));
    cx.record(WitnessMetric::Compensated, sign(cheated));
    cx.record(WitnessMetric::Cancelled, sign(claimant + cheated));
    cx.record(WitnessMetric::Burnt, sign(burnt));
}
