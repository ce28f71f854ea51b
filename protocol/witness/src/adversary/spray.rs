//! Spraying: witnesses sign unchecked, and the payer does not know which.
//!
//! The order in which a witness meets the two contracts is a coin's: those for whom the first comes
//! up are asked for it at once and for the other a moment later, the rest the other way round. An
//! honest one promises to the first that it sees, so that k of the honest sign the one and all others
//! the other, k being binomial with 1/2.

use crate::adversary::{Attack, Context, Span, Witness, WitnessNode, WitnessTimer};
use crate::roles::payer::Step;

/// Longer than any message takes.
const MOMENT: Span = Span::from_secs(2);

impl Witness {
    /// A payee agreed: once both have and their halves are asked, the rest follows.
    pub(crate) fn attempt_agreed(&self, node: &WitnessNode, cx: &mut impl Context<Self>) {
        let sprays = self.adversary.as_ref().is_some_and(|a| a.attack == Attack::Lazy);
        let has_asked = |step: &Step| matches!(step, Step::Gathering(_) | Step::Paid { .. });
        let are_all = node.paying.iter().all(|paying| has_asked(&paying.step));
        if sprays && are_all && self.is_assigned(cx.id()) {
            cx.set_timer(MOMENT, WitnessTimer::Attack);
        }
    }

    /// All are asked for both.
    pub(super) fn spray_the_rest(&self, node: &mut WitnessNode, cx: &mut impl Context<Self>) {
        for paying in &mut node.paying {
            paying.asked = None;
            if let Step::Gathering(gathering) = &paying.step {
                self.ask(paying, gathering, cx);
            }
        }
    }
}
