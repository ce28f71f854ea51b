//! A receipt that is kept back.
//!
//! A payer gathers the signatures for a payment and does not hand the receipt over. It waits until
//! the promises in it are old enough to be voided, has the fund roll over, spends it elsewhere, and
//! then comes with the receipt, every signature of which holds. What stops it is the payee's clock: a
//! receipt counts until `leniency` after its date, and promises are voided only after
//! `time_to_consistency`. With a leniency that is longer it always succeeds.

use crate::adversary::{
    Adversary, Attack, AttemptRole, Context, NodeId, Span, Terms, Witness, WitnessMetric,
    WitnessNode, WitnessTimer,
};
use crate::roles::payer::Step;

/// In this time a fund has rolled over, and the next payment from it is final.
const MOMENTS: Span = Span::from_secs(600);

impl Adversary {
    /// Whether payees accept what is handed over so late; `None` if that is a matter of minutes.
    pub(crate) fn stale_counts(terms: &Terms) -> Option<bool> {
        let least = terms.time_to_consistency + terms.timeout * 2;
        let is_clear = terms.leniency < least || terms.leniency > least + MOMENTS * 2;
        let lives = terms.rollover_period > least + MOMENTS * 2;
        (is_clear && lives).then_some(terms.leniency > least)
    }
}

impl Witness {
    /// The first payment, whose receipt is to be kept back.
    pub(super) fn begin_stale(
        &self,
        node: &mut WitnessNode,
        to: NodeId,
        cx: &mut impl Context<Self>,
    ) {
        let fund = self.take_first_fund(node, cx);
        // Once more, for the rollover.
        cx.retain(fund.selection);
        node.attempt.get_or_insert_default().fund = Some(fund);
        self.spend(node, fund, to, (None, AttemptRole::Covered), cx);
    }

    /// Whether the receipt that an attacker has just got stays where it is for now.
    pub(super) fn keeps_back(&self, node: &mut WitnessNode, cx: &mut impl Context<Self>) -> bool {
        let is_stale = self.adversary.as_ref().is_some_and(|a| a.attack == Attack::StaleReceipt);
        let Some(attempt) = node.attempt.as_mut().filter(|attempt| is_stale && attempt.stage == 0)
        else {
            return false;
        };
        attempt.stage = 1;
        let wait = self.terms.time_to_consistency + self.terms.timeout * 2;
        cx.set_timer(wait, WitnessTimer::Attack);
        true
    }

    /// The next step: roll over what was promised in vain, then spend it.
    pub(super) fn go_on_stale(
        &self,
        node: &mut WitnessNode,
        cast: &[NodeId],
        cx: &mut impl Context<Self>,
    ) {
        let Some(attempt) = &mut node.attempt else { return };
        attempt.stage += 1;
        if let Some(fund) = attempt.fund.take() {
            let void = node.paying.iter().find_map(|paying| paying.contract());
            void.into_iter().for_each(|void| cx.retain(void));
            cx.set_timer(MOMENTS, WitnessTimer::Attack);
            return self.begin_rollover(node, (fund, fund.amount), void, cx);
        }
        match node.wallet.funds.pop() {
            // What was retained for the wallet goes over to the payment.
            Some(fund) => self.spend(node, fund, cast[2], (None, AttemptRole::Covered), cx),
            None => {
                attempt.ended += 1;
                self.hand_over_stale(node, cx);
            }
        }
    }

    /// Hands over the receipt that was kept back.
    pub(super) fn hand_over_stale(&self, node: &mut WitnessNode, cx: &mut impl Context<Self>) {
        match node.paying.first() {
            Some(paying) if let Step::Paid { receipt, .. } = paying.step => {
                self.hand_over_receipt(paying.payee, receipt, cx);
                self.wait(paying, 1, cx);
            }
            _ => cx.record(WitnessMetric::Decided, 1),
        }
    }

    /// Whether a receipt that an attacker has is not for its payee yet.
    pub(super) fn is_kept_back(&self, me: NodeId, payee: NodeId) -> bool {
        let Some(adversary) = &self.adversary else { return false };
        let is_first = |(_, cast): (usize, &[NodeId])| cast[1] == payee;
        adversary.attack == Attack::StaleReceipt && adversary.part(me).is_some_and(is_first)
    }
}
