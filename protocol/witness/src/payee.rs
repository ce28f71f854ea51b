//! The payee's side: agree, accept, have the old witnesses deduct, entrust the new ones.
//!
//! A payment is final when the payee accepts it. What follows makes its fund spendable: the
//! witnesses of the sources deduct it, and the new witnesses take it into their books.

use super::contract::Contract;
use super::fund::{Fund, FundId};
use super::metrics::WitnessMetric;
use super::node::WitnessNode;
use super::payer::MAX_TRIES;
use super::receipt::{Receipt, Signatures, Signed, Stage};
use super::refusal::Refusal;
use super::rollover::Locked;
use super::statement::Statement;
use super::timeline::Tip;
use super::{Witness, WitnessBody, WitnessMessage, WitnessTimer};
use anthill_protocol::{Bodies, Context, NodeId, Shared, Signature, Snapshot, Time};

/// A payment under way, at its payee.
#[derive(Debug, Snapshot)]
pub(super) struct Receiving {
    pub(super) fund: FundId,
    /// The payer's receipt, retained as long as this.
    pub(super) paid: Shared,
    pub(super) step: Step,
    /// Witnesses whose signature does not hold, which are not asked again. A source and a position.
    distrusted: Vec<(u8, u8)>,
}

/// How far it is.
#[derive(Debug, Snapshot)]
pub(super) enum Step {
    /// The witnesses of the sources deduct it.
    Settling { signed: Signatures },
    /// The new witnesses are told, by a receipt of its own; a bit per position that keeps it.
    Entrusting { receipt: Shared, kept: u128 },
}

impl Step {
    fn number(&self) -> u8 {
        match self {
            Self::Settling { .. } => 0,
            Self::Entrusting { .. } => 1,
        }
    }
}

impl Receiving {
    /// A payment that is final: the witnesses of its sources are to deduct it.
    pub(super) fn new(fund: FundId, paid: Shared) -> Self {
        let step = Step::Settling { signed: Signatures::default() };
        Self { fund, paid, step, distrusted: Vec::new() }
    }

    /// The receipt of its own, once enough have deducted.
    pub(super) fn confirmed(&self) -> Option<Shared> {
        match &self.step {
            Step::Settling { .. } => None,
            Step::Entrusting { receipt, .. } => Some(*receipt),
        }
    }

    /// The receipt that is out.
    fn receipt(&self) -> Shared {
        match &self.step {
            Step::Settling { .. } => self.paid,
            Step::Entrusting { receipt, .. } => *receipt,
        }
    }
}

impl Witness {
    /// A contract is proposed.
    pub(super) fn proposed(
        &self,
        node: &WitnessNode,
        from: NodeId,
        contract: Shared,
        cx: &mut impl Context<Self>,
    ) {
        match self.judge_contract(node.timeline, contract, cx) {
            Ok(terms) if terms.payer == from && terms.payee == cx.id() => {
                let signature = cx.sign(&Statement::Agrees.of(cx.scenario(), &terms.digest));
                cx.send(from, WitnessMessage::Agree { contract, signature });
            }
            Ok(_) => self.refuse(node, from, (contract, u8::MAX), Refusal::Unasked, cx),
            Err(why) => self.refuse(node, from, (contract, u8::MAX), why, cx),
        }
    }

    /// The checks of a contract that every honest node with a timeline makes. The result is a copy
    /// of the little that callers need, because the contract itself borrows.
    pub(super) fn judge_contract(
        &self,
        timeline: Tip,
        contract: Shared,
        cx: &mut impl Context<Self>,
    ) -> Result<Parties, Refusal> {
        let bodies = cx.bodies();
        let terms = bodies.get(contract).contract().ok_or(Refusal::Malformed)?;
        let (now, scenario) = (cx.local_clock(), cx.scenario());
        let leniency = self.terms.leniency;
        if now > terms.time + leniency || terms.time > now + leniency {
            return Err(Refusal::Time);
        }
        self.judge_histories(timeline, terms, cx)?;
        terms.check(&bodies, &self.genesis, &self.terms, &self.tests, scenario)?;
        if cx.verify_body(contract).failed() > 0 {
            return Err(Refusal::Signature);
        }
        Ok(Parties::of(terms))
    }

    /// The checks of a receipt that every honest node makes.
    pub(super) fn judge_receipt(
        &self,
        timeline: Tip,
        receipt: Shared,
        stage: Stage,
        cx: &mut impl Context<Self>,
    ) -> Result<Parties, Refusal> {
        let bodies = cx.bodies();
        let content = bodies.get(receipt).receipt().ok_or(Refusal::Malformed)?;
        if content.stage != stage {
            return Err(Refusal::Malformed);
        }
        let parties = self.judge_contract(timeline, content.contract, cx)?;
        let verdicts = cx.verify_body(receipt);
        content.check(&verdicts, &bodies, &self.terms)?;
        Ok(parties)
    }

    /// The receipt arrives: if it is good, the payment is final.
    pub(super) fn paid(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        receipt: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let Some(content) = bodies.get(receipt).receipt() else { return };
        let whole = (content.contract, u8::MAX);
        let parties = match self.judge_receipt(node.timeline, receipt, Stage::Promised, cx) {
            // Nobody is paid by a stake.
            Ok(parties) if parties.payee == cx.id() && parties.payer != cx.id() => parties,
            Ok(_) => return self.refuse(node, from, whole, Refusal::Unasked, cx),
            Err(why) => return self.refuse(node, from, whole, why, cx),
        };
        let is_new = node.wallet.receive(content.fund());
        if is_new {
            self.accept(node, receipt, &parties, cx);
        }
        // Again if it was asked again: the first answer may be lost.
        cx.send(from, WitnessMessage::Accept { receipt });
    }

    fn accept(
        &self,
        node: &mut WitnessNode,
        receipt: Shared,
        parties: &Parties,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let content = bodies.get(receipt).receipt().expect("judged");
        let gas = self.terms.gas * u64::from(parties.sources);
        cx.record(WitnessMetric::Final, 1);
        cx.record(WitnessMetric::Payment, cx.local_clock().since(parties.time).0);
        cx.record(WitnessMetric::Reserved, (parties.amount + gas).wrapping_neg());
        cx.record(WitnessMetric::Held, parties.amount);
        cx.record(WitnessMetric::Gas, gas);
        if self.note_payment(node, receipt, &bodies) {
            cx.record(WitnessMetric::Seen, 1);
        }
        cx.retain(receipt);
        let signed = Signatures::with_capacity(content.signed.len());
        let (fund, step) = (content.fund(), Step::Settling { signed });
        node.receiving.push(Receiving { fund, paid: receipt, step, distrusted: Vec::new() });
        self.request(node.receiving.last().expect("just pushed"), 1, cx);
    }

    /// Asks all who have not answered yet, and waits.
    pub(super) fn request(&self, receiving: &Receiving, tries: u8, cx: &mut impl Context<Self>) {
        let bodies = cx.bodies();
        let (_, contract) = opened(receiving.receipt(), &bodies);
        match &receiving.step {
            Step::Settling { signed } => {
                for (source, from) in (0..).zip(&contract.sources) {
                    let watched = bodies.get(from.selection).selection().expect("checked");
                    let done = signed.of(source) | of_source(&receiving.distrusted, source);
                    for (position, witness) in watched.witnesses.iter().enumerate() {
                        if done & (1 << position) == 0 {
                            let settle = WitnessMessage::Settle { receipt: receiving.paid, source };
                            cx.send(*witness, settle);
                        }
                    }
                }
            }
            Step::Entrusting { receipt, kept } => {
                let new = bodies.get(contract.selection).selection().expect("checked");
                for (position, witness) in new.witnesses.iter().enumerate() {
                    if kept & (1 << position) == 0 {
                        cx.send(*witness, WitnessMessage::Entrust { receipt: *receipt });
                    }
                }
            }
        }
        let (fund, step) = (receiving.fund, receiving.step.number());
        cx.set_timer(self.terms.timeout, WitnessTimer::Payee { fund, step, tries });
    }

    /// A witness of a source deducted it.
    pub(super) fn settled(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        (receipt, source, signature): (Shared, u8, Signature),
        cx: &mut impl Context<Self>,
    ) {
        let Some(place) = receiving(node, receipt) else { return };
        let bodies = cx.bodies();
        let Receiving { step: Step::Settling { signed }, distrusted, .. } =
            &mut node.receiving[place]
        else {
            return;
        };
        let (content, contract) = opened(receipt, &bodies);
        let Some(of) = contract.sources.get(usize::from(source)) else { return };
        let watched = bodies.get(of.selection).selection().expect("checked");
        let Some(position) = watched.position(from) else { return };
        if (signed.of(source) | of_source(distrusted, source)) & (1 << position) != 0 {
            return;
        }
        let position = position as u8;
        signed.push(Signed { source, position, witness: from, signature });
        let enough = |source| signed.of(source).count_ones() >= self.terms.redundancy;
        if (0..contract.sources.len() as u8).all(enough) {
            let signed = core::mem::take(signed).into_list();
            let (agreement, stage) = (content.agreement, Stage::Confirmed);
            let confirmed = Receipt::new(content.contract, contract, agreement, stage, signed);
            let confirmed = cx.share(WitnessBody::Receipt(confirmed));
            cx.retain(confirmed);
            node.receiving[place].step = Step::Entrusting { receipt: confirmed, kept: 0 };
            if contract.is_stake() {
                return self.stake_confirmed(node, place, cx);
            }
            self.request(&node.receiving[place], 1, cx);
            self.confirmed(node, confirmed, cx);
        }
    }

    /// A new witness keeps the fund.
    pub(super) fn kept(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        receipt: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let Some(place) = receiving(node, receipt) else { return };
        let bodies = cx.bodies();
        let Step::Entrusting { kept, .. } = &mut node.receiving[place].step else { return };
        let (_, contract) = opened(receipt, &bodies);
        let new = bodies.get(contract.selection).selection().expect("checked");
        let Some(position) = new.position(from) else { return };
        let before = kept.count_ones();
        *kept |= 1 << position;
        let now = kept.count_ones();
        if before < self.terms.redundancy && now >= self.terms.redundancy {
            cx.record(WitnessMetric::HandedOver, 1);
            cx.record(WitnessMetric::HandOver, cx.local_clock().since(contract.time).0);
            cx.retain(contract.selection);
            node.wallet.funds.push(Fund::made_by(contract));
            self.schedule_maintenance(node, cx);
            self.funded(node, contract.payer, receipt, cx);
        }
        if now == self.terms.witnesses {
            self.end_receiving(node, place, cx);
        }
    }

    /// The answers to what was asked are overdue.
    pub(super) fn payee_timeout(
        &self,
        node: &mut WitnessNode,
        fund: FundId,
        (step, tries): (u8, u8),
        cx: &mut impl Context<Self>,
    ) {
        let Some(place) = node.receiving.iter().position(|r| r.fund == fund) else { return };
        if node.receiving[place].step.number() != step {
            return;
        }
        if tries < MAX_TRIES {
            self.request(&node.receiving[place], tries + 1, cx);
        } else {
            // Those who keep it will do, or the fund is lost to its owner until it rolls over.
            self.end_receiving(node, place, cx);
        }
    }

    fn end_receiving(&self, node: &mut WitnessNode, place: usize, cx: &mut impl Context<Self>) {
        let receiving = node.receiving.swap_remove(place);
        self.forget_receiving(node, &receiving, cx);
    }

    /// Releases what a payment that is received has retained. If too few watch over its fund, that
    /// cannot be spent, and expires.
    pub(super) fn forget_receiving(
        &self,
        node: &mut WitnessNode,
        receiving: &Receiving,
        cx: &mut impl Context<Self>,
    ) {
        let kept = match receiving.step {
            Step::Settling { .. } => 0,
            Step::Entrusting { kept, .. } => kept.count_ones(),
        };
        let bodies = cx.bodies();
        let (_, contract) = opened(receiving.paid, &bodies);
        if contract.is_stake() {
            self.lose_reserved(node, receiving.paid, cx);
        } else if kept < self.terms.redundancy {
            cx.retain(contract.selection);
            let (fund, ready) = (Fund::made_by(contract), Time::MAX);
            node.wallet.locked.push(Locked { fund, reserved: 0, void: None, ready });
        }
        cx.release(receiving.paid);
        if let Step::Entrusting { receipt, .. } = receiving.step {
            cx.release(receipt);
        }
    }

    /// A new witness does not believe the confirmed receipt: confirmations that do not hold are left
    /// out, and others asked for.
    pub(super) fn entrusting_refused(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        (contract, why): (Shared, Refusal),
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let new = bodies.get(contract).contract().map(|contract| contract.selection);
        let new = new.and_then(|selection| bodies.get(selection).selection());
        let is_witness = new.is_some_and(|new| new.position(from).is_some());
        if !is_witness || !matches!(why, Refusal::Quorum | Refusal::Signature) {
            return;
        }
        let is_of = |receipt: Shared| {
            bodies.get(receipt).receipt().is_some_and(|receipt| receipt.contract == contract)
        };
        for receiving in &mut node.receiving {
            if receiving.confirmed().is_some_and(is_of) {
                self.drop_bad_confirmations(receiving, cx);
            }
        }
    }

    /// Leaves confirmations out whose signatures do not hold, and asks others; false if all hold.
    pub(super) fn drop_bad_confirmations(
        &self,
        receiving: &mut Receiving,
        cx: &mut impl Context<Self>,
    ) -> bool {
        let Some(receipt) = receiving.confirmed() else { return false };
        let verdicts = cx.verify_body(receipt);
        if verdicts.failed() == 0 {
            return false;
        }
        let (bodies, mut good) = (cx.bodies(), Vec::new());
        let content = bodies.get(receipt).receipt().expect("retained");
        for (signed, index) in content.signed.iter().zip(1..) {
            if verdicts.holds(index) {
                good.push(signed);
            } else {
                receiving.distrusted.push((signed.source, signed.position));
            }
        }
        cx.release(receipt);
        receiving.step = Step::Settling { signed: good.into() };
        self.request(receiving, 1, cx);
        true
    }

    /// Says no, and counts it. Who lacks a timeline, or has another, asks for what is missing first.
    pub(super) fn refuse(
        &self,
        node: &WitnessNode,
        to: NodeId,
        (contract, source): (Shared, u8),
        why: Refusal,
        cx: &mut impl Context<Self>,
    ) {
        if why == Refusal::Timeline {
            return self.defer(node.timeline, to, cx);
        }
        cx.record(WitnessMetric::Refused, 1);
        cx.record(WitnessMetric::of_refusal(why), 1);
        cx.send(to, WitnessMessage::Refuse { contract, source, why });
    }
}

/// A receipt that this node retains, and its contract.
pub(super) fn opened(receipt: Shared, bodies: &impl Bodies<WitnessBody>) -> (&Receipt, &Contract) {
    let content = bodies.get(receipt).receipt().expect("retained");
    (content, bodies.get(content.contract).contract().expect("a receipt's part"))
}

/// The place of a payment that is received, by the receipt that is out.
fn receiving(node: &WitnessNode, receipt: Shared) -> Option<usize> {
    node.receiving.iter().position(|receiving| receiving.receipt() == receipt)
}

/// The positions of one source, a bit each.
pub(super) fn of_source(who: &[(u8, u8)], source: u8) -> u128 {
    let positions = who.iter().filter(|who| who.0 == source).map(|who| who.1);
    positions.fold(0, |set, position| set | 1 << position)
}

/// The part of a judged contract that callers need.
#[derive(Clone, Copy, Debug)]
pub(super) struct Parties {
    pub(super) payer: NodeId,
    pub(super) payee: NodeId,
    pub(super) amount: u64,
    pub(super) time: anthill_protocol::Time,
    pub(super) sources: u32,
    pub(super) digest: anthill_protocol::Digest,
}

impl Parties {
    fn of(contract: &Contract) -> Self {
        Self {
            payer: contract.payer,
            payee: contract.payee,
            amount: contract.amount,
            time: contract.time,
            sources: contract.sources.len() as u32,
            digest: contract.digest,
        }
    }
}
