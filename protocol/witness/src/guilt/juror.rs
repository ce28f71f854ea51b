//! The juror's side: check a claim, say when it was seen, sign.

use super::super::node::WitnessNode;
use super::super::refusal::Refusal;
use super::super::timeline::{Event, EventError, Tip, checksum};
use super::super::{Witness, WitnessMessage, WitnessMetric};
use super::claim::{Case, Claim, Law};
use super::conviction::upheld_digest;
use anthill_protocol::{Bodies, Context, Digest, NodeId, Shared};

impl Witness {
    /// The law of the run.
    pub(in super::super) fn law(&self, scenario: u64) -> Law<'_> {
        let Self { genesis, terms, tests, .. } = self;
        Law { genesis, terms, tests, scenario }
    }

    /// Somebody shows a claim.
    pub(in super::super) fn claimed(
        &self,
        node: &WitnessNode,
        from: NodeId,
        claim: Shared,
        cx: &mut impl Context<Self>,
    ) {
        match self.judge_claim(node.timeline, from, claim, cx) {
            Ok(digest) => {
                // A repeated request would get a later date, which is useless as evidence.
                let time = cx.local_clock();
                let signature = cx.sign(&upheld_digest(cx.scenario(), &digest, from, time));
                cx.send(from, WitnessMessage::Upheld { claim, time, signature });
            }
            Err(why) => {
                cx.record(WitnessMetric::ClaimsRefused, 1);
                self.refuse(node, from, (claim, u8::MAX), why, cx);
            }
        }
    }

    /// Whether this node is of a claim's jury, and the claim proves what it says.
    fn judge_claim(
        &self,
        timeline: Tip,
        claimant: NodeId,
        claim: Shared,
        cx: &mut impl Context<Self>,
    ) -> Result<Digest, Refusal> {
        let bodies = cx.bodies();
        let claim = bodies.get(claim).claim().ok_or(Refusal::Malformed)?;
        if claim.time > cx.local_clock() + self.terms.leniency {
            return Err(Refusal::Time);
        }
        let own = self.settled_checksum(timeline, claim.time, &bodies);
        if own != checksum(claim.settled, &bodies, &self.genesis) {
            return Err(Refusal::Timeline);
        }
        let case = self.prove(claim, cx)?;
        let jurors = claim.jurors(claimant, case, &bodies, self.law(cx.scenario()));
        if !jurors.contains(&cx.id()) {
            return Err(Refusal::Unasked);
        }
        if !self.conduct(cx.id()).upholds(claimant) {
            return Err(Refusal::Unwilling);
        }
        Ok(claim.digest)
    }

    /// The case that a claim proves, all its signatures checked.
    pub(super) fn prove<'a>(
        &self,
        claim: &'a Claim,
        cx: &mut impl Context<Self>,
    ) -> Result<&'a Case, Refusal> {
        let verdicts = self.verify_receipts(claim.receipts, cx)?;
        claim.check(&verdicts, &cx.bodies(), self.law(cx.scenario()))
    }

    /// Checks the signatures of two receipts and their contracts.
    pub(super) fn verify_receipts(
        &self,
        receipts: [Shared; 2],
        cx: &mut impl Context<Self>,
    ) -> Result<[anthill_protocol::Verdicts; 2], Refusal> {
        let bodies = cx.bodies();
        for receipt in receipts {
            let content = bodies.get(receipt).receipt().ok_or(Refusal::Malformed)?;
            bodies.get(content.contract).contract().ok_or(Refusal::Malformed)?;
            if cx.verify_body(content.contract).failed() > 0 {
                return Err(Refusal::Signature);
            }
        }
        Ok(receipts.map(|receipt| cx.verify_body(receipt)))
    }

    /// Whether the conviction that an event publishes holds, for a node with a timeline.
    ///
    /// # Errors
    /// The first thing that is wrong.
    pub(in super::super) fn judge_conviction(
        &self,
        timeline: Tip,
        (event, conviction): (&Event, Shared),
        cx: &mut impl Context<Self>,
    ) -> Result<(), EventError> {
        let bodies = cx.bodies();
        let content = bodies.get(conviction).conviction().ok_or(EventError::Malformed)?;
        let claim = bodies.get(content.claim).claim().ok_or(EventError::Malformed)?;
        if (content.claimant, content.time) != (event.author, event.time) {
            return Err(EventError::Author);
        }
        let own = self.settled_checksum(timeline, claim.time, &bodies);
        if own != checksum(claim.settled, &bodies, &self.genesis) {
            return Err(EventError::Timeline);
        }
        let wrong = |_| EventError::Conviction;
        let case = self.prove(claim, cx).map_err(wrong)?;
        let verdicts = cx.verify_body(conviction);
        let law = self.law(cx.scenario());
        content.check(&verdicts, (claim, case), &bodies, law).map_err(wrong)
    }
}
