//! A receipt handed over again (what R6 stops).
//!
//! The attacker is paid and spends the whole fund. When its witnesses have deducted that, it entrusts
//! them the receipt that made the fund a second time. A witness that remembers the fund changes
//! nothing; one that keeps no tombstone has the fund anew, unspent, and signs its second withdrawal.

use crate::WitnessMessage;
use crate::adversary::{AttemptRole, Context, Witness, WitnessNode, WitnessTimer};
use anthill_protocol::Bodies as _;

impl Witness {
    /// The next step: spend, hand over again, spend again.
    pub(super) fn replay(&self, node: &mut WitnessNode, cx: &mut impl Context<Self>) {
        let Some(adversary) = &self.adversary else { return };
        let Some(&[first, second]) = adversary.payees(cx.id()) else { return };
        let Some(attempt) = &mut node.attempt else { return };
        let (Some(fund), Some(receipt)) = (attempt.fund, attempt.receipt) else { return };
        attempt.stage += 1;
        match attempt.stage {
            1 => {
                cx.retain(fund.selection);
                self.spend(node, fund, first, (None, AttemptRole::Covered), cx);
            }
            2 => {
                let bodies = cx.bodies();
                let selection = bodies.get(fund.selection).selection().expect("of a fund");
                for witness in &selection.witnesses {
                    cx.send(*witness, WitnessMessage::Entrust { receipt });
                }
                cx.set_timer(self.terms.timeout, WitnessTimer::Attack);
            }
            _ => {
                (attempt.fund, attempt.receipt) = (None, None);
                cx.release(receipt);
                // What was retained for the wallet goes over to the payment.
                self.spend(node, fund, second, (None, AttemptRole::Phantom), cx);
            }
        }
    }
}
