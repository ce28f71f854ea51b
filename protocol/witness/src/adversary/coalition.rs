//! Verifiers that follow the rules and pool what they see of payments.

use crate::WitnessBody;
use crate::adversary::{Attack, Bodies, Shared, Witness, WitnessNode};

impl Witness {
    /// Notes a payment in the history of one of its parties; whether the coalition saw it: one of its
    /// verifiers is among the witnesses of the sources or of the new fund.
    pub(crate) fn note_payment(
        &self,
        node: &mut WitnessNode,
        receipt: Shared,
        bodies: &impl Bodies<WitnessBody>,
    ) -> bool {
        if self.adversary.as_ref().is_none_or(|adversary| adversary.attack != Attack::Coalition) {
            return false;
        }
        let is_seen = self.is_seen(receipt, bodies);
        let [all, seen] = &mut node.attempt.get_or_insert_default().history;
        *all += 1;
        *seen += u32::from(is_seen);
        is_seen
    }

    fn is_seen(&self, receipt: Shared, bodies: &impl Bodies<WitnessBody>) -> bool {
        let contract = bodies.get(receipt).receipt().map(|receipt| receipt.contract);
        let Some(contract) = contract.and_then(|c| bodies.get(c).contract()) else { return false };
        let selections = contract.sources.iter().map(|source| source.selection);
        selections.chain([contract.selection]).any(|selection| {
            let selection = bodies.get(selection).selection();
            selection.is_some_and(|s| s.witnesses.iter().any(|witness| self.is_held(*witness)))
        })
    }
}
