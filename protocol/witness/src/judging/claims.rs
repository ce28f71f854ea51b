//! Claims and convictions: what they prove.

use crate::objects::claim::{Case, Claim, Law};
use crate::objects::refusal::Refusal;
use crate::timeline::{Event, EventError, Tip, checksum};
use crate::{Witness, WitnessBody};
use anthill_protocol::{Bodies, Context, Shared, Verdicts};

impl Witness {
    /// The law of the run.
    pub(crate) fn law(&self, scenario: u64) -> Law<'_> {
        let Self { genesis, terms, tests, .. } = self;
        Law { genesis, terms, tests, scenario }
    }

    /// The case that a claim proves, all its signatures checked.
    pub(crate) fn prove<'a>(
        &self,
        claim: &'a Claim,
        cx: &mut impl Context<Self>,
    ) -> Result<&'a Case, Refusal> {
        let verdicts = self.verify_receipts(claim.receipts, cx)?;
        claim.check(&verdicts, &cx.bodies(), self.law(cx.scenario()))
    }

    /// Checks the signatures of two receipts and their contracts.
    pub(crate) fn verify_receipts(
        &self,
        receipts: [Shared; 2],
        cx: &mut impl Context<Self>,
    ) -> Result<[Verdicts; 2], Refusal> {
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
    pub(crate) fn judge_conviction(
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

impl Event {
    /// The claim of the conviction that it publishes.
    pub(crate) fn claim<'a>(&self, bodies: &'a impl Bodies<WitnessBody>) -> Option<&'a Claim> {
        let conviction = bodies.get(self.kind.conviction()?).conviction()?;
        bodies.get(conviction.claim).claim()
    }
}
