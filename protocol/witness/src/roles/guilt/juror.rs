//! The juror: it checks a claim, says when it saw it, and signs.

use crate::metrics::WitnessMetric;
use crate::node::WitnessNode;
use crate::objects::conviction::upheld_digest;
use crate::objects::refusal::Refusal;
use crate::roles::Answer;
use crate::timeline::{Tip, checksum};
use crate::{Witness, WitnessMessage};
use anthill_protocol::{Bodies, Context, Digest, NodeId, Shared};

/// A participant as a juror: it keeps nothing.
pub(crate) struct Juror<'a> {
    /// The terms by which all judge.
    run: &'a Witness,
    /// The timeline that it knows.
    timeline: Tip,
}

impl<'a> Juror<'a> {
    /// The part of a participant that this role reads.
    pub(crate) fn of(run: &'a Witness, node: &WitnessNode) -> Self {
        Self { run, timeline: node.timeline }
    }

    /// Somebody shows a claim.
    pub(crate) fn on_claim(
        &self,
        from: NodeId,
        claim: Shared,
        cx: &mut impl Context<Witness>,
    ) -> Answer {
        match self.judge_claim(from, claim, cx) {
            Ok(digest) => {
                // A repeated request would get a later date, which is useless as evidence.
                let time = cx.local_clock();
                let signature = cx.sign(&upheld_digest(cx.scenario(), &digest, from, time));
                Answer::Say(WitnessMessage::Upheld { claim, time, signature })
            }
            Err(why) => {
                cx.record(WitnessMetric::ClaimsRefused, 1);
                Answer::Refuse { about: (claim, u8::MAX), why }
            }
        }
    }

    /// Whether this node is of a claim's jury, and the claim proves what it says.
    fn judge_claim(
        &self,
        claimant: NodeId,
        claim: Shared,
        cx: &mut impl Context<Witness>,
    ) -> Result<Digest, Refusal> {
        let Self { run, timeline } = *self;
        let bodies = cx.bodies();
        let claim = bodies.get(claim).claim().ok_or(Refusal::Malformed)?;
        if claim.time > cx.local_clock() + run.terms.leniency {
            return Err(Refusal::Time);
        }
        let own = run.settled_checksum(timeline, claim.time, &bodies);
        if own != checksum(claim.settled, &bodies, &run.genesis) {
            return Err(Refusal::Timeline);
        }
        let case = run.prove(claim, cx)?;
        let jurors = claim.jurors(claimant, case, &bodies, run.law(cx.scenario()));
        if !jurors.contains(&cx.id()) {
            return Err(Refusal::Unasked);
        }
        if !run.conduct(cx.id()).upholds(claimant) {
            return Err(Refusal::Unwilling);
        }
        Ok(claim.digest)
    }
}
