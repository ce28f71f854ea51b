//! The payee: it agrees, accepts, has the old witnesses deduct, and entrusts the new ones.
//!
//! | message | it goes on when | it then |
//! |---|---|---|
//! | propose | the contract is good | signs it: agree |
//! | pay | the receipt is good | accepts, and asks the witnesses of the sources to settle |
//! | settled | enough of each source have | writes a receipt of its own, and entrusts the new witnesses |
//! | kept | enough of them do | has the fund in its wallet |
//!
//! A payment is final when the payee accepts it. What follows makes its fund spendable. Who does not
//! answer within `timeout` is asked again, [`MAX_TRIES`] times in all. What another role has to hear of
//! is an [`Outcome`].

use super::Answer;
use crate::book::{Locked, Wallet};
use crate::metrics::WitnessMetric;
use crate::node::WitnessNode;
use crate::objects::contract::Contract;
use crate::objects::fund::{Fund, FundId};
use crate::objects::receipt::{Receipt, Signatures, Signed, Stage, opened};
use crate::objects::refusal::Refusal;
use crate::objects::signed_list::of_source;
use crate::objects::statement::Statement;
use crate::rules::MAX_TRIES;
use crate::timeline::Tip;
use crate::{Witness, WitnessBody, WitnessMessage, WitnessTimer};
use anthill_protocol::{Bodies, Context, NodeId, Shared, Signature, Snapshot, Span, Time};

/// A payment under way, at its payee.
#[derive(Debug, Snapshot)]
pub(crate) struct Receiving {
    pub(crate) fund: FundId,
    /// The payer's receipt, retained as long as this.
    pub(crate) paid: Shared,
    pub(crate) step: Step,
    /// Witnesses whose signature does not hold, which are not asked again. A source and a position.
    distrusted: Vec<(u8, u8)>,
}

/// How far it is.
#[derive(Debug, Snapshot)]
pub(crate) enum Step {
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
    pub(crate) fn new(fund: FundId, paid: Shared) -> Self {
        let step = Step::Settling { signed: Signatures::default() };
        Self { fund, paid, step, distrusted: Vec::new() }
    }

    /// The receipt of its own, once enough have deducted.
    pub(crate) fn confirmed(&self) -> Option<Shared> {
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

    /// Asks all who have not answered yet, and waits.
    pub(crate) fn request(&self, tries: u8, timeout: Span, cx: &mut impl Context<Witness>) {
        let bodies = cx.bodies();
        let (_, contract) = opened(self.receipt(), &bodies);
        match &self.step {
            Step::Settling { signed } => {
                for (source, from) in (0..).zip(&contract.sources) {
                    let watched = bodies.get(from.selection).selection().expect("checked");
                    let done = signed.of(source) | of_source(&self.distrusted, source);
                    for (position, witness) in watched.witnesses.iter().enumerate() {
                        if done & (1 << position) == 0 {
                            let settle = WitnessMessage::Settle { receipt: self.paid, source };
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
        let (fund, step) = (self.fund, self.step.number());
        cx.set_timer(timeout, WitnessTimer::Payee { fund, step, tries });
    }

    /// Leaves confirmations out whose signatures do not hold, and asks others; false if all hold.
    fn drop_bad_confirmations(&mut self, timeout: Span, cx: &mut impl Context<Witness>) -> bool {
        let Some(receipt) = self.confirmed() else { return false };
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
                self.distrusted.push((signed.source, signed.position));
            }
        }
        cx.release(receipt);
        self.step = Step::Settling { signed: good.into() };
        self.request(1, timeout, cx);
        true
    }

    /// Whether one asks again after the time of those asked in a step.
    fn waits_in(&self, step: u8) -> bool {
        self.step.number() == step
    }
}

/// What another role hears of a payee.
#[must_use]
#[derive(Clone, Copy, Debug)]
pub(crate) enum Outcome {
    /// Nothing.
    Unchanged,
    /// A payment is final.
    Accepted { receipt: Shared },
    /// Enough have deducted it, and its new witnesses are asked.
    Confirmed { receipt: Shared },
    /// Enough of them watch over the fund, which is in the wallet.
    HandedOver { payer: NodeId, receipt: Shared },
    /// The node's own stake was deducted, as a receipt says that is retained.
    StakeReserved { receipt: Shared },
    /// It was perhaps deducted, but too few say so: what there is, is the payer's receipt.
    StakeLost { receipt: Shared },
}

/// A participant as a payee: what it knows, its wallet, and the payments that it receives.
pub(crate) struct Payee<'a> {
    /// The terms by which all judge.
    run: &'a Witness,
    /// The timeline that it knows.
    timeline: Tip,
    wallet: &'a mut Wallet,
    receiving: &'a mut Vec<Receiving>,
}

impl<'a> Payee<'a> {
    /// The part of a participant that this role reads and changes.
    pub(crate) fn of(run: &'a Witness, node: &'a mut WitnessNode) -> Self {
        let WitnessNode { timeline, wallet, receiving, .. } = node;
        Self { run, timeline: *timeline, wallet, receiving }
    }

    /// A contract is proposed.
    pub(crate) fn on_propose(
        &self,
        from: NodeId,
        contract: Shared,
        cx: &mut impl Context<Witness>,
    ) -> Answer {
        let refuse = |why| Answer::Refuse { about: (contract, u8::MAX), why };
        match self.run.judge_contract(self.timeline, contract, cx) {
            Ok(terms) if terms.payer == from && terms.payee == cx.id() => {
                let signature = cx.sign(&Statement::Agrees.of(cx.scenario(), &terms.digest));
                Answer::Say(WitnessMessage::Agree { contract, signature })
            }
            Ok(_) => refuse(Refusal::Unasked),
            Err(why) => refuse(why),
        }
    }

    /// The receipt arrives: if it is good, the payment is final.
    pub(crate) fn on_pay(
        &mut self,
        receipt: Shared,
        cx: &mut impl Context<Witness>,
    ) -> (Answer, Outcome) {
        let bodies = cx.bodies();
        let Some(content) = bodies.get(receipt).receipt() else {
            return (Answer::Silence, Outcome::Unchanged);
        };
        let refuse = |why| Answer::Refuse { about: (content.contract, u8::MAX), why };
        let judged = self.run.judge_receipt(self.timeline, receipt, Stage::Promised, cx);
        let parties = match judged {
            // Nobody is paid by a stake.
            Ok(parties) if parties.payee == cx.id() && parties.payer != cx.id() => parties,
            Ok(_) => return (refuse(Refusal::Unasked), Outcome::Unchanged),
            Err(why) => return (refuse(why), Outcome::Unchanged),
        };
        let mut outcome = Outcome::Unchanged;
        if self.wallet.receive(content.fund()) {
            let gas = self.run.terms.gas * u64::from(parties.sources);
            cx.record(WitnessMetric::Final, 1);
            cx.record(WitnessMetric::Payment, cx.local_clock().since(parties.time).0);
            cx.record(WitnessMetric::Reserved, (parties.amount + gas).wrapping_neg());
            cx.record(WitnessMetric::Held, parties.amount);
            cx.record(WitnessMetric::Gas, gas);
            self.accept((receipt, content), cx);
            outcome = Outcome::Accepted { receipt };
        }
        // Again if it was asked again: the first answer may be lost.
        (Answer::Say(WitnessMessage::Accept { receipt }), outcome)
    }

    /// Has the witnesses of the sources deduct a payment that is final.
    fn accept(&mut self, (handle, receipt): (Shared, &Receipt), cx: &mut impl Context<Witness>) {
        cx.retain(handle);
        let signed = Signatures::with_capacity(receipt.signed.len());
        let (fund, step) = (receipt.fund(), Step::Settling { signed });
        let receiving = Receiving { fund, paid: handle, step, distrusted: Vec::new() };
        receiving.request(1, self.run.terms.timeout, cx);
        self.receiving.push(receiving);
    }

    /// A witness of a source deducted it.
    pub(crate) fn on_settled(
        &mut self,
        from: NodeId,
        (receipt, source, signature): (Shared, u8, Signature),
        cx: &mut impl Context<Witness>,
    ) -> Outcome {
        let Some(place) = self.place_of(receipt) else { return Outcome::Unchanged };
        let bodies = cx.bodies();
        let receiving = &mut self.receiving[place];
        let Receiving { step: Step::Settling { signed }, distrusted, .. } = receiving else {
            return Outcome::Unchanged;
        };
        let (content, contract) = opened(receipt, &bodies);
        let Some(of) = contract.sources.get(usize::from(source)) else {
            return Outcome::Unchanged;
        };
        let watched = bodies.get(of.selection).selection().expect("checked");
        let Some(position) = watched.position(from) else { return Outcome::Unchanged };
        if (signed.of(source) | of_source(distrusted, source)) & (1 << position) != 0 {
            return Outcome::Unchanged;
        }
        let position = position as u8;
        signed.push(Signed { source, position, witness: from, signature });
        let enough = |source| signed.of(source).count_ones() >= self.run.terms.redundancy;
        if !(0..contract.sources.len() as u8).all(enough) {
            return Outcome::Unchanged;
        }
        let signed = core::mem::take(signed).into_list();
        let (agreement, stage) = (content.agreement, Stage::Confirmed);
        let confirmed = Receipt::new(content.contract, contract, agreement, stage, signed);
        let confirmed = cx.share(WitnessBody::Receipt(confirmed));
        cx.retain(confirmed);
        receiving.step = Step::Entrusting { receipt: confirmed, kept: 0 };
        self.confirm(place, (contract, confirmed), cx)
    }

    /// Enough have deducted: the new witnesses are asked, if there are any.
    fn confirm(
        &mut self,
        place: usize,
        (contract, receipt): (&Contract, Shared),
        cx: &mut impl Context<Witness>,
    ) -> Outcome {
        let (receiving, timeout) = (&mut self.receiving[place], self.run.terms.timeout);
        if !contract.is_stake() {
            receiving.request(1, timeout, cx);
            return Outcome::Confirmed { receipt };
        }
        // Nobody watches a stake, so nobody would find what does not hold.
        if receiving.drop_bad_confirmations(timeout, cx) {
            return Outcome::Unchanged;
        }
        cx.release(receiving.paid);
        self.receiving.swap_remove(place);
        Outcome::StakeReserved { receipt }
    }

    /// A new witness keeps the fund.
    pub(crate) fn on_kept(
        &mut self,
        from: NodeId,
        receipt: Shared,
        cx: &mut impl Context<Witness>,
    ) -> Outcome {
        let Some(place) = self.place_of(receipt) else { return Outcome::Unchanged };
        let bodies = cx.bodies();
        let Step::Entrusting { kept, .. } = &mut self.receiving[place].step else {
            return Outcome::Unchanged;
        };
        let (_, contract) = opened(receipt, &bodies);
        let new = bodies.get(contract.selection).selection().expect("checked");
        let Some(position) = new.position(from) else { return Outcome::Unchanged };
        let before = kept.count_ones();
        *kept |= 1 << position;
        let now = kept.count_ones();
        let redundancy = self.run.terms.redundancy;
        let mut outcome = Outcome::Unchanged;
        if before < redundancy && now >= redundancy {
            cx.record(WitnessMetric::HandedOver, 1);
            cx.record(WitnessMetric::HandOver, cx.local_clock().since(contract.time).0);
            cx.retain(contract.selection);
            self.wallet.funds.push(Fund::made_by(contract));
            outcome = Outcome::HandedOver { payer: contract.payer, receipt };
        }
        if now == self.run.terms.witnesses {
            let receiving = self.receiving.swap_remove(place);
            cx.release(receiving.paid);
            cx.release(receipt);
        }
        outcome
    }

    /// The answers to what was asked are overdue.
    pub(crate) fn on_timeout(
        &mut self,
        fund: FundId,
        (step, tries): (u8, u8),
        cx: &mut impl Context<Witness>,
    ) -> Outcome {
        let place = self.receiving.iter().position(|receiving| receiving.fund == fund);
        let Some(place) = place.filter(|place| self.receiving[*place].waits_in(step)) else {
            return Outcome::Unchanged;
        };
        if tries < MAX_TRIES {
            self.receiving[place].request(tries + 1, self.run.terms.timeout, cx);
            return Outcome::Unchanged;
        }
        // Those who keep it will do, or the fund is lost to its owner until it rolls over.
        let receiving = self.receiving.swap_remove(place);
        self.forget(&receiving, cx)
    }

    /// A node comes up again with its state: whoever has not answered is asked again.
    pub(crate) fn resume(&self, cx: &mut impl Context<Witness>) {
        for receiving in self.receiving.iter() {
            receiving.request(1, self.run.terms.timeout, cx);
        }
    }

    /// Gives one of the payments up that it receives; `None` if there is none.
    pub(crate) fn give_up_one(&mut self, cx: &mut impl Context<Witness>) -> Option<Outcome> {
        let receiving = self.receiving.pop()?;
        Some(self.forget(&receiving, cx))
    }

    /// Releases what a payment that is received has retained. If too few watch over its fund, that
    /// cannot be spent, and expires.
    fn forget(&mut self, receiving: &Receiving, cx: &mut impl Context<Witness>) -> Outcome {
        let kept = match receiving.step {
            Step::Settling { .. } => 0,
            Step::Entrusting { kept, .. } => kept.count_ones(),
        };
        let bodies = cx.bodies();
        let (_, contract) = opened(receiving.paid, &bodies);
        let mut outcome = Outcome::Unchanged;
        if contract.is_stake() {
            outcome = Outcome::StakeLost { receipt: receiving.paid };
        } else if kept < self.run.terms.redundancy {
            cx.retain(contract.selection);
            let (fund, ready) = (Fund::made_by(contract), Time::MAX);
            self.wallet.locked.push(Locked { fund, reserved: 0, void: None, ready });
        }
        cx.release(receiving.paid);
        if let Step::Entrusting { receipt, .. } = receiving.step {
            cx.release(receipt);
        }
        outcome
    }

    /// A new witness does not believe the confirmed receipt: confirmations that do not hold are left
    /// out, and others asked for.
    pub(crate) fn on_refuse(
        &mut self,
        from: NodeId,
        (contract, why): (Shared, Refusal),
        cx: &mut impl Context<Witness>,
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
        for receiving in self.receiving.iter_mut() {
            if receiving.confirmed().is_some_and(is_of) {
                receiving.drop_bad_confirmations(self.run.terms.timeout, cx);
            }
        }
    }

    /// The place of a payment that is received, by the receipt that is out.
    fn place_of(&self, receipt: Shared) -> Option<usize> {
        self.receiving.iter().position(|receiving| receiving.receipt() == receipt)
    }
}
