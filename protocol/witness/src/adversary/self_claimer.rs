//! Claiming one's own stake (what R8 stops).
//!
//! Who spends twice has both receipts before anybody else. So the attacker shows them to a jury first,
//! and hands them over to its payees when its claim is upheld: no claim can be earlier. Under the
//! original's rules the claimant gets the stakes of its own accomplices, and the attack costs gas.
//! With R8 they are cancelled whoever claims, and a tenth comes back. Corrupt jurors uphold it.

use crate::adversary::{Attack, Context, Shared, Span, Step, Witness, WitnessNode};
use crate::roles::guilt::Claimant;
use crate::roles::witness::Conflict;
use anthill_protocol::Bodies as _;

impl Witness {
    /// An attacker has the receipts of all its payments: claims its own witnesses' stakes, if that is
    /// the attack and it has not done so; whether the receipts have to wait for it.
    pub(super) fn claims_first(&self, node: &mut WitnessNode, cx: &mut impl Context<Self>) -> bool {
        let is_it =
            |adversary: &crate::adversary::Adversary| adversary.attack == Attack::SelfClaimer;
        let attempt = node.attempt.get_or_insert_default();
        if !self.adversary.as_ref().is_some_and(is_it) || attempt.has_claimed {
            return false;
        }
        attempt.has_claimed = true;
        let receipt = |step: &Step| match step {
            Step::Paid { receipt, .. } => Some(*receipt),
            _ => None,
        };
        let receipts: Vec<Shared> = node.paying.iter().filter_map(|p| receipt(&p.step)).collect();
        let Some((fund, _)) = node.paying.first().and_then(|paying| paying.sources.first()) else {
            return false;
        };
        let withdrawal = (fund.id, fund.sequence);
        match receipts[..] {
            [one, other] => {
                let receipts = [one, other];
                let conflict = Conflict { of: withdrawal, receipts, turn: Span::ZERO };
                Claimant::of(self, node).begin(conflict, cx);
                true
            }
            _ => false,
        }
    }

    /// A claim of this node's has ended, upheld or not; whether it is an attacker's, who keeps the
    /// conviction to itself until it has been paid for.
    pub(crate) fn own_claim_ended(
        &self,
        node: &mut WitnessNode,
        conviction: Option<Shared>,
        cx: &mut impl Context<Self>,
    ) -> bool {
        let Some(attempt) = node.attempt.as_mut().filter(|attempt| attempt.has_claimed) else {
            return false;
        };
        conviction.iter().for_each(|event| cx.retain(*event));
        attempt.conviction = conviction;
        self.hand_over_together(node, cx);
        true
    }

    /// All payees have accepted: the attacker publishes that its witnesses are convicted.
    pub(super) fn convict_oneself(&self, node: &mut WitnessNode, cx: &mut impl Context<Self>) {
        let kept = node.attempt.as_mut().and_then(|attempt| attempt.conviction.take());
        let Some(event) = kept else { return };
        debug_assert!(cx.bodies().get(event).event().is_some());
        self.publish_conviction(node, event, cx);
        cx.release(event);
    }
}
