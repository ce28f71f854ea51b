//! Buying a favourable draw: a fund is passed on from one identity of its owner to the next, at the
//! price of the gas, until its witnesses happen to suit; then it is spent twice.

use crate::adversary::{AttemptRole, Bodies, Context, NodeId, Witness, WitnessMetric, WitnessNode};

impl Witness {
    /// The first owner begins; each later one looks at the witnesses of what it got.
    pub(super) fn pass_on(
        &self,
        node: &mut WitnessNode,
        (part, hops): (usize, u32),
        cast: &[NodeId],
        cx: &mut impl Context<Self>,
    ) {
        let Some(adversary) = &self.adversary else { return };
        let Some(attempt) = &mut node.attempt else { return };
        let Some(fund) = attempt.fund else { return };
        let bodies = cx.bodies();
        let selection = bodies.get(fund.selection).selection().expect("of a fund");
        let corrupt = adversary.held_of(selection, &self.genesis).count_ones();
        let is_found = corrupt >= adversary.collusion(&self.genesis, &self.terms).needed(2);
        if !is_found && part < hops as usize {
            attempt.fund = None;
            attempt.stage += 1;
            // What was retained for the wallet goes over to the payment.
            return self.spend(node, fund, cast[part + 1], (None, AttemptRole::Opening), cx);
        }
        cx.record(WitnessMetric::DrawGas, self.terms.gas * part as u64);
        if is_found {
            cx.record(WitnessMetric::Favourable, 1);
            return self.spend_at_once(node, cx);
        }
        attempt.fund = None;
        cx.release(fund.selection);
        cx.record(WitnessMetric::Decided, 1);
    }
}
