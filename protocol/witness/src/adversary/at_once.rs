//! Several withdrawals of one fund at the same time, each shown to some of its witnesses; or of several
//! funds together, each of which has to be spent as often.

use crate::adversary::masks::mask;
use crate::adversary::{
    Adversary, Attack, AttemptRole, Context, Fund, NodeId, Witness, WitnessBody, WitnessNode,
};
use crate::objects::fund::FundId;
use crate::objects::selection::Selection;
use crate::roles::payer::Step;
use anthill_protocol::draw::draw;
use anthill_protocol::{Bodies, Shared};

impl Witness {
    /// An attacker has a receipt, and hands it over with the others; unless it is to be kept back.
    pub(crate) fn attempt_has_receipt(
        &self,
        node: &mut WitnessNode,
        cx: &mut impl Context<Self>,
    ) -> bool {
        let hands_over = !self.keeps_back(node, cx);
        if hands_over {
            self.hand_over_together(node, cx);
        }
        hands_over
    }

    /// An attacker has a receipt. It waits until it has those of all payments under way: else the
    /// first payee would have all witnesses deduct, also those that are to sign for another. (A
    /// receipt that is held in vain goes out as if its payee had not answered in time.)
    pub(super) fn hand_over_together(&self, node: &mut WitnessNode, cx: &mut impl Context<Self>) {
        let are_all = node.paying.iter().all(|paying| matches!(paying.step, Step::Paid { .. }));
        if are_all && !self.claims_first(node, cx) {
            for paying in &node.paying {
                let is_kept_back = self.is_kept_back(cx.id(), paying.payee);
                if let Step::Paid { receipt, .. } = paying.step
                    && !is_kept_back
                {
                    self.hand_over_receipt(paying.payee, receipt, cx);
                }
            }
        }
    }

    /// Begins all payments of an attempt: from the fund of its opening, or from the attacker's first,
    /// and from what else it was paid for that.
    pub(super) fn spend_at_once(&self, node: &mut WitnessNode, cx: &mut impl Context<Self>) {
        let Some(adversary) = &self.adversary else { return };
        let Some(payees) = adversary.payees(cx.id()) else { return };
        let attempt = node.attempt.get_or_insert_default();
        attempt.stage += 1;
        let mut funds = core::mem::take(&mut attempt.others);
        let fund = attempt.fund.take().unwrap_or_else(|| self.take_first_fund(node, cx));
        funds.insert(0, fund);
        let bodies = cx.bodies();
        let masks = funds.iter().map(|fund| {
            let bits = u128::from(cx.random()) << 64 | u128::from(cx.random());
            let selection = bodies.get(fund.selection).selection().expect("of a fund");
            let online = self.online(fund.id, selection);
            adversary.masks(selection, &self.terms, &self.genesis, (online, bits))
        });
        let masks: Vec<Vec<u128>> = masks.collect();
        let is_fractional = adversary.attack == Attack::Fractional;
        for (number, payee) in payees.iter().enumerate() {
            let source = |fund: &Fund| {
                cx.retain(fund.selection);
                let share = if is_fractional { fund.amount / 5 * 2 } else { fund.amount };
                let sequence = if is_fractional { number as u32 } else { fund.sequence };
                (Fund { sequence, ..*fund }, share)
            };
            let sources: Vec<_> = funds.iter().map(source).collect();
            let amount: u64 = sources.iter().map(|(_, part)| *part).sum();
            let amount = amount.saturating_sub(self.terms.gas * sources.len() as u64);
            let is_covered = number < usize::from(adversary.covered());
            let role = if is_covered { AttemptRole::Covered } else { AttemptRole::Phantom };
            let asked = masks.iter().map(|of_fund| of_fund[number]).collect();
            self.begin(node, *payee, amount, sources, (Some(asked), Some(role)), cx);
        }
        funds.iter().for_each(|fund| cx.release(fund.selection));
    }

    /// All payments begin once the attacker has all that it is to spend.
    pub(super) fn spend_if_funded(
        &self,
        node: &mut WitnessNode,
        adversary: &Adversary,
        cx: &mut impl Context<Self>,
    ) {
        let is_ready = node.attempt.as_ref().is_some_and(|attempt| {
            attempt.stage == 0 && attempt.others.len() == adversary.openings()
        });
        if is_ready {
            self.spend_at_once(node, cx);
        }
    }

    /// Whether a witness that is asked to sign for a source of a contract is offline then.
    pub(super) fn is_silent(
        &self,
        me: NodeId,
        (contract, source): (Shared, u8),
        bodies: &impl Bodies<WitnessBody>,
    ) -> bool {
        if !self.adversary.as_ref().is_some_and(|a| matches!(a.attack, Attack::Colluding { .. })) {
            return false;
        }
        let sources = bodies.get(contract).contract().map(|contract| &contract.sources);
        let source = sources.and_then(|sources| sources.get(usize::from(source)));
        source.is_some_and(|source| self.is_offline(me, source.fund))
    }

    /// A coin of its own per witness and fund; corrupt ones are always there.
    fn is_offline(&self, witness: NodeId, fund: FundId) -> bool {
        match self.adversary {
            Some(Adversary { attack: Attack::Colluding { online, .. }, .. }) => {
                draw(fund.0, witness.0.into()) >= online && !self.is_held(witness)
            }
            _ => false,
        }
    }

    /// The witnesses of a fund that are online, which an attacker finds out before it asks.
    fn online(&self, fund: FundId, selection: &Selection) -> u128 {
        mask(selection.witnesses.iter().map(|witness| !self.is_offline(*witness, fund)))
    }
}
