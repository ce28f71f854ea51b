//! Several withdrawals of one fund at the same time, each shown to some of its witnesses.

use super::super::payer::Step;
use super::{Attack, Context, Fund, Twin, Witness, WitnessNode};
use crate::Bodies as _;

impl Witness {
    /// An attacker has a receipt. It waits until it has those of all payments under way: else the
    /// first payee would have all witnesses deduct, also those that are to sign for another. (A
    /// receipt that is held in vain goes out as if its payee had not answered in time.)
    pub(in super::super) fn hand_over_together(
        &self,
        node: &mut WitnessNode,
        cx: &mut impl Context<Self>,
    ) {
        let are_all = node.paying.iter().all(|paying| matches!(paying.step, Step::Paid { .. }));
        if are_all && !self.claims_first(node, cx) {
            for paying in &node.paying {
                if let Step::Paid { receipt, .. } = paying.step {
                    self.hand_over_receipt(paying.payee, receipt, cx);
                }
            }
        }
    }

    /// Begins all payments of an attempt: from the fund of its opening, or from the attacker's first.
    pub(super) fn spend_at_once(&self, node: &mut WitnessNode, cx: &mut impl Context<Self>) {
        let Some(adversary) = &self.adversary else { return };
        let Some(payees) = adversary.payees(cx.id()) else { return };
        let attempt = node.attempt.get_or_insert_default();
        attempt.stage += 1;
        let fund = match attempt.fund.take() {
            Some(fund) => fund,
            None => {
                node.wallet.opened = true;
                let first = self.first_fund(cx);
                cx.retain(first.selection);
                first
            }
        };
        let bits = u128::from(cx.random()) << 64 | u128::from(cx.random());
        let bodies = cx.bodies();
        let selection = bodies.get(fund.selection).selection().expect("of a fund");
        let masks = adversary.masks(selection, self.terms.redundancy, &self.genesis, bits);
        let is_fractional = adversary.attack == Attack::Fractional;
        let share = if is_fractional { fund.amount / 5 * 2 } else { fund.amount };
        let last = payees.len() - 1;
        for (number, (payee, asked)) in payees.iter().zip(masks).enumerate() {
            cx.retain(fund.selection);
            let sequence = if is_fractional { number as u32 } else { fund.sequence };
            // The last payment is the one too many.
            let twin = if number == last { Twin::Phantom } else { Twin::Covered };
            let sources = vec![(Fund { sequence, ..fund }, share)];
            let amount = share.saturating_sub(self.terms.gas);
            self.begin(node, *payee, amount, sources, (asked, Some(twin)), cx);
        }
        cx.release(fund.selection);
    }
}
