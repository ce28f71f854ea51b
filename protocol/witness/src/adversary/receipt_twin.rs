//! Two receipts out of one set of signatures (what R3 stops).
//!
//! Without R3 the signatures of a contract cover neither its new witnesses nor their evidence. So a
//! payee with a confirmed receipt writes a second contract that differs in its selection only: the
//! same draw, in which some witnesses count as skipped and the next of the draw take their places. All
//! signatures hold of it too. Both selections are believable, and each set of witnesses has the whole
//! fund in its books.
//!
//! Of w witnesses per set, s skips leave w − s in both. Two payments with r signatures each and no
//! common witness need 2 r <= w + s, so s = 2 r − w: 24 of 100 with r = 62, below the 30 that test 1
//! rejects, and spread so that no two are neighbours, below what test 2 does. No witness is corrupt,
//! none signs twice, and it always succeeds.

use crate::adversary::masks::disjoint;
use crate::adversary::{
    Attack, AttemptRole, Context, Shared, Terms, Witness, WitnessMetric, WitnessNode,
};
use crate::evidence::{Skips, Tests};
use crate::objects::contract::Draft;
use crate::objects::receipt::{Receipt, Stage};
use crate::objects::selection::{Drawn, Selection, is_eligible};
use crate::{WitnessBody, WitnessMessage};
use anthill_protocol::Bodies as _;

/// The number of denied answers, so that two sets of signatures need no witness twice.
pub(super) fn lies(terms: &Terms) -> u32 {
    (2 * terms.redundancy).saturating_sub(terms.witnesses)
}

/// The place of the `number`-th denied answer, spread over all.
fn place(number: u32, terms: &Terms) -> usize {
    (number * terms.witnesses / lies(terms)) as usize
}

/// Whether the second selection is believed if all verifiers answer.
pub(crate) fn is_twin_believable(terms: &Terms, tests: &Tests) -> bool {
    let mut answered = vec![true; (terms.witnesses + lies(terms)) as usize];
    (0..lies(terms)).for_each(|number| answered[place(number, terms)] = false);
    tests.judge(Skips::of(answered), []).is_ok()
}

impl Witness {
    /// A payment received is confirmed: the payee of an attempt makes its second receipt.
    pub(crate) fn confirmed(
        &self,
        node: &mut WitnessNode,
        receipt: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let Some(adversary) = &self.adversary else { return };
        if adversary.attack != Attack::ReceiptTwin || adversary.payees(cx.id()).is_none() {
            return;
        }
        let bodies = cx.bodies();
        let content = bodies.get(receipt).receipt().expect("retained");
        let contract = bodies.get(content.contract).contract().expect("a receipt's part");
        let first = bodies.get(contract.selection).selection().expect("checked");
        let second = self.twin_selection(first);
        let witnesses = second.witnesses.clone();
        let selection = cx.share(WitnessBody::Selection(second));
        let draft = Draft {
            payer: contract.payer,
            payee: contract.payee,
            amount: contract.amount,
            time: contract.time,
            selection,
            sources: contract.sources.clone(),
        };
        // The digest that the signatures are of: with R3 it is not this contract's.
        let twin = draft.signed(contract.digest, contract.signature);
        let (agreement, signed) = (content.agreement, content.signed.to_vec());
        let twin = cx.share(WitnessBody::Contract(twin));
        let written = bodies.get(twin).contract().expect("just shared");
        let twin = Receipt::new(twin, written, agreement, Stage::Confirmed, signed);
        let twin = cx.share(WitnessBody::Receipt(twin));
        cx.retain(twin);
        node.attempt.get_or_insert_default().receipt = Some(twin);
        for witness in &witnesses {
            cx.send(*witness, WitnessMessage::Entrust { receipt: twin });
        }
    }

    /// The draw with some answers denied, and as many more verifiers drawn.
    fn twin_selection(&self, first: &Selection) -> Selection {
        let lies = lies(&self.terms);
        let mut draws = first.draws.to_vec();
        for number in 0..lies {
            let liar_of = first.witnesses[place(number, &self.terms)];
            let drawn = draws.iter_mut().find(|drawn| drawn.verifier == liar_of);
            drawn.expect("a witness was drawn").answered = false;
        }
        let seed = self.genesis.seed(first.checksum, first.payer, first.payee);
        let eligible = |verifier: &_| is_eligible(*verifier, first.payer, first.payee);
        let next = self.genesis.draw(seed).filter(eligible).skip(draws.len());
        draws.extend(next.take(lies as usize).map(|verifier| Drawn { verifier, answered: true }));
        let twin = Selection::new(first.payer, first.payee, first.checksum, draws);
        twin.on(first.history.clone())
    }

    /// Both sets of witnesses had their time: the fund is spent with each.
    pub(super) fn spend_both_receipts(&self, node: &mut WitnessNode, cx: &mut impl Context<Self>) {
        let Some(adversary) = &self.adversary else { return };
        let Some(&[one, other]) = adversary.payees(cx.id()) else { return };
        let Some(attempt) = &mut node.attempt else { return };
        let (Some(fund), Some(twin)) = (attempt.fund.take(), attempt.receipt.take()) else {
            return cx.record(WitnessMetric::Decided, 1);
        };
        attempt.stage += 1;
        let bodies = cx.bodies();
        let twin_contract = bodies.get(twin).receipt().expect("retained").contract;
        let selection = bodies.get(twin_contract).contract().expect("a receipt's part").selection;
        let first = bodies.get(fund.selection).selection().expect("of a fund");
        let second = bodies.get(selection).selection().expect("a contract's part");
        let [asked, asked_too] = disjoint(first, second, self.terms.redundancy);
        cx.retain(selection);
        cx.release(twin);
        self.spend(node, fund, one, (Some(asked), AttemptRole::Covered), cx);
        let twin_fund = crate::adversary::Fund { selection, ..fund };
        self.spend(node, twin_fund, other, (Some(asked_too), AttemptRole::Phantom), cx);
    }
}
