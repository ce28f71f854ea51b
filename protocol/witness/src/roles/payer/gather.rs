//! From the contract to the receipt: the payee agrees, the witnesses promise, the payee accepts.
//!
//! Signatures are not checked one by one as they come: those of a receipt are checked together by
//! whoever gets it. A payee that refuses a receipt makes the payer check them itself and ask again
//! for those that do not hold.

use crate::node::WitnessNode;
use crate::objects::contract::{Draft, Source};
use crate::objects::fund::{Fund, FundId};
use crate::objects::receipt::{Receipt, Signatures, Signed, Stage};
use crate::objects::refusal::Refusal;
use crate::objects::signed_list::of_source;
use crate::objects::statement::Statement;
use crate::roles::guilt::Claimant;
use crate::roles::payee::Payee;
use crate::roles::payer::{Gathering, Paying, Purpose, Step};
use crate::{Witness, WitnessBody, WitnessMessage};
use anthill_protocol::{Bodies, Context, NodeId, Shared, Signature};

impl Witness {
    /// Writes and signs the contract, and proposes it to the payee.
    pub(crate) fn draw_up(
        &self,
        node: &mut WitnessNode,
        place: usize,
        selection: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let paying = &mut node.paying[place];
        let draft = Draft {
            payer: cx.id(),
            payee: paying.payee,
            amount: paying.amount,
            time: paying.started,
            selection,
            sources: paying.sources.iter().map(|(fund, part)| Source::of(fund, *part)).collect(),
        };
        let bodies = cx.bodies();
        let new_witnesses = bodies.get(selection).selection().expect("just shared");
        let digest = draft.digest(new_witnesses, self.terms.rules, cx.scenario());
        let signature = cx.sign(&Statement::Pays.of(cx.scenario(), &digest));
        let withdrawn = paying.sources.iter().map(|(_, part)| *part).sum();
        let contract = cx.share(WitnessBody::Contract(draft.signed(digest, signature)));
        cx.retain(contract);
        paying.step = Step::Agreeing { contract };
        if paying.is_covered() {
            self.reserve(withdrawn, cx);
        }
        self.propose(paying.payee, contract, cx);
        self.wait(paying, 1, cx);
    }

    pub(crate) fn propose(&self, payee: NodeId, contract: Shared, cx: &mut impl Context<Self>) {
        cx.send(payee, WitnessMessage::Propose { contract });
    }

    /// The payee agreed.
    pub(crate) fn agreed(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        (contract, agreement): (Shared, Signature),
        cx: &mut impl Context<Self>,
    ) {
        let Some(place) = self.payment_of(node, contract) else { return };
        let paying = &mut node.paying[place];
        if from != paying.payee || !matches!(paying.step, Step::Agreeing { .. }) {
            return;
        }
        let signed =
            Signatures::with_capacity(self.terms.redundancy as usize * paying.sources.len());
        paying.step = Step::Gathering(Gathering::new(contract, agreement, signed));
        let paying = &node.paying[place];
        if let Step::Gathering(gathering) = &paying.step {
            self.ask(paying, gathering, cx);
        }
        self.wait(paying, 1, cx);
        self.attempt_agreed(node, cx);
    }

    /// Asks the witnesses of all sources who have not promised yet.
    pub(crate) fn ask(&self, paying: &Paying, gathering: &Gathering, cx: &mut impl Context<Self>) {
        let (bodies, contract) = (cx.bodies(), gathering.contract);
        for (source, (fund, _)) in (0..).zip(&paying.sources) {
            let selection = bodies.get(fund.selection).selection().expect("of a fund");
            let promised = gathering.signed.of(source);
            let done = promised | of_source(&gathering.distrusted, source);
            let missing = paying.asked(source) & !done;
            for (position, witness) in selection.witnesses.iter().enumerate() {
                if missing & (1 << position) != 0 {
                    cx.send(*witness, WitnessMessage::Ask { contract, source });
                }
            }
        }
    }

    /// A witness promised.
    pub(crate) fn promised(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        (contract, source, signature): (Shared, u8, Signature),
        cx: &mut impl Context<Self>,
    ) {
        let Some(place) = self.payment_of(node, contract) else { return };
        let paying = &mut node.paying[place];
        let Step::Gathering(gathering) = &mut paying.step else { return };
        let Some((fund, _)) = paying.sources.get(usize::from(source)) else { return };
        let bodies = cx.bodies();
        let selection = bodies.get(fund.selection).selection().expect("of a fund");
        let Some(position) = selection.position(from) else { return };
        if gathering.signed.of(source) & (1 << position) != 0 {
            return;
        }
        let position = position as u8;
        if gathering.distrusted.contains(&(source, position)) {
            return;
        }
        gathering.refused.retain(|who| *who != (source, position));
        gathering.signed.push(Signed { source, position, witness: from, signature });
        let enough = |source| gathering.signed.of(source).count_ones() >= self.terms.redundancy;
        if (0..paying.sources.len() as u8).all(enough) {
            self.write_receipt(node, place, cx);
        }
    }

    /// Enough have promised: the payee gets the receipt.
    fn write_receipt(&self, node: &mut WitnessNode, place: usize, cx: &mut impl Context<Self>) {
        let paying = &mut node.paying[place];
        let Step::Gathering(gathering) = &mut paying.step else { return };
        let bodies = cx.bodies();
        let contract = bodies.get(gathering.contract).contract().expect("the payer's own");
        // From here on they are in the receipt.
        let signed = core::mem::take(&mut gathering.signed).into_list();
        let (agreement, stage) = (gathering.agreement, Stage::Promised);
        let receipt = Receipt::new(gathering.contract, contract, agreement, stage, signed);
        let receipt = cx.share(WitnessBody::Receipt(receipt));
        cx.retain(receipt);
        let gathered = Gathering::new(gathering.contract, agreement, Signatures::default());
        let gathering = core::mem::replace(gathering, gathered);
        paying.step = Step::Paid { receipt, gathering };
        if paying.purpose == Purpose::Stake {
            return self.stake_promised(node, place, cx);
        }
        let (payee, role) = (paying.payee, paying.role);
        if role.is_none() {
            self.hand_over_receipt(payee, receipt, cx);
        } else if !self.attempt_has_receipt(node, cx) {
            return;
        }
        self.wait(&node.paying[place], 1, cx);
    }

    pub(crate) fn hand_over_receipt(
        &self,
        payee: NodeId,
        receipt: Shared,
        cx: &mut impl Context<Self>,
    ) {
        cx.send(payee, WitnessMessage::Pay { receipt });
    }

    /// The payee accepted: what is left of the funds comes back.
    pub(crate) fn accepted(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        receipt: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let is_it = |paying: &Paying| {
            paying.payee == from
                && matches!(&paying.step, Step::Paid { receipt: paid, .. } if *paid == receipt)
        };
        let Some(place) = node.paying.iter().position(is_it) else { return };
        let paying = node.paying.swap_remove(place);
        let Step::Paid { receipt, gathering } = &paying.step else { return };
        let bodies = cx.bodies();
        let made = bodies.get(gathering.contract).contract().expect("the payer's own").fund();
        self.note_payment(node, *receipt, &bodies);
        cx.release(*receipt);
        cx.release(gathering.contract);
        if let Some(role) = paying.role {
            return self.attempt_paid(node, &paying, role, cx);
        }
        self.keep_change(node, &paying.sources, made, cx);
        self.schedule_maintenance(node, cx);
        self.next_payment(node, cx);
    }

    /// Returns what is left of a payment's sources to the wallet.
    pub(crate) fn keep_change(
        &self,
        node: &mut WitnessNode,
        sources: &[(Fund, u64)],
        made: FundId,
        cx: &mut impl Context<Self>,
    ) {
        for (fund, part) in sources {
            let (amount, sequence) = (fund.amount - part, fund.sequence + 1);
            let left = Fund { amount, sequence, previous: made, ..*fund };
            if left.amount > 0 {
                node.wallet.funds.push(left);
            } else {
                cx.release(left.selection);
            }
        }
    }

    /// Somebody refused.
    pub(crate) fn refused(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        (contract, source, why): (Shared, u8, Refusal),
        cx: &mut impl Context<Self>,
    ) {
        let Some(place) = self.payment_of(node, contract) else {
            let verdict = Claimant::of(self, node).on_refuse(from, contract, cx);
            self.after_claimant(node, verdict, cx);
            return Payee::of(self, node).on_refuse(from, (contract, why), cx);
        };
        let paying = &mut node.paying[place];
        if let Purpose::Rollover { .. } = paying.purpose {
            return self.rollover_refused(node, place, (from, why), cx);
        }
        if from == paying.payee && source == u8::MAX {
            let suspects = matches!(why, Refusal::Quorum | Refusal::Signature);
            if suspects && self.drop_bad_promises(node, place, cx) {
                return;
            }
            // A payee that says no has not accepted, unless it is only too late to say so again.
            if let Step::Paid { receipt, gathering } = &mut node.paying[place].step
                && why != Refusal::Time
            {
                cx.release(*receipt);
                let unsigned =
                    Gathering::new(gathering.contract, gathering.agreement, Signatures::default());
                node.paying[place].step = Step::Gathering(unsigned);
            }
            return self.give_up(node, place, cx);
        }
        let Step::Gathering(gathering) = &mut paying.step else { return };
        let Some((fund, _)) = paying.sources.get(usize::from(source)) else { return };
        let bodies = cx.bodies();
        let selection = bodies.get(fund.selection).selection().expect("of a fund");
        let Some(position) = selection.position(from) else { return };
        // Each counts once, however often it says so.
        let who = (source, position as u8);
        let has_signed = gathering.signed.of(source) & (1 << position) != 0;
        if has_signed || gathering.refused.contains(&who) || gathering.distrusted.contains(&who) {
            return;
        }
        gathering.refused.push(who);
        self.give_up_if_hopeless(node, place, cx);
    }

    /// Gives up if too many witnesses of a source have refused.
    fn give_up_if_hopeless(
        &self,
        node: &mut WitnessNode,
        place: usize,
        cx: &mut impl Context<Self>,
    ) {
        let paying = &node.paying[place];
        let Step::Gathering(gathering) = &paying.step else { return };
        let spare = (self.terms.witnesses - self.terms.redundancy) as usize;
        let refused_by = |number| {
            let without = gathering.refused.iter().chain(&gathering.distrusted);
            without.filter(|who| who.0 == number).count()
        };
        if (0..paying.sources.len() as u8).any(|number| refused_by(number) > spare) {
            self.give_up(node, place, cx);
        }
    }

    /// Leaves promises out whose signatures do not hold, and gathers again; false if all hold.
    pub(crate) fn drop_bad_promises(
        &self,
        node: &mut WitnessNode,
        place: usize,
        cx: &mut impl Context<Self>,
    ) -> bool {
        let paying = &mut node.paying[place];
        let Step::Paid { receipt, gathering } = &mut paying.step else { return false };
        let verdicts = cx.verify_body(*receipt);
        if verdicts.failed() == 0 || !verdicts.holds(0) {
            return false;
        }
        let bodies = cx.bodies();
        let content = bodies.get(*receipt).receipt().expect("the payer's own");
        let signed = content.signed.iter().zip(1..);
        let (good, bad): (Vec<_>, Vec<_>) = signed.partition(|(_, index)| verdicts.holds(*index));
        let mut gathered = Gathering::new(
            gathering.contract,
            gathering.agreement,
            good.into_iter().map(|(signed, _)| signed).collect::<Vec<_>>().into(),
        );
        gathered.distrusted = core::mem::take(&mut gathering.distrusted);
        gathered.distrusted.extend(bad.iter().map(|(signed, _)| (signed.source, signed.position)));
        gathered.refused = core::mem::take(&mut gathering.refused);
        cx.release(*receipt);
        paying.step = Step::Gathering(gathered);
        let paying = &node.paying[place];
        if let Step::Gathering(gathering) = &paying.step {
            self.ask(paying, gathering, cx);
        }
        self.wait(paying, 1, cx);
        self.give_up_if_hopeless(node, place, cx);
        true
    }
}
