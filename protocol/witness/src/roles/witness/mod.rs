//! The witness of a fund: it promises the fund to a contract, deducts from it, and takes a new one in.
//!
//! | message | it looks at | it answers | its book afterwards |
//! |---|---|---|---|
//! | hello | the timeline: may it be drawn? | here | |
//! | ask | contract, book | promise | the fund is promised to this contract |
//! | settle | receipt, book | settled | the receipt is the fund's state, and no longer promised |
//! | entrust | receipt | kept | the receipt is the state of the fund that it makes |
//! | renew | rollover, book | renewed | the fund is promised to this rollover (`renewal`) |
//! | carry | rollover, book | carried | the rollover is the fund's state (`renewal`) |
//!
//! What does not fit is refused with a reason, and changes nothing. A witness signs only for a fund
//! that it watches, in the state in which it has it. Of a fund of genesis it knows everything without
//! an entry; of others its book has the receipt. `keep` says which receipts it keeps beside that, and
//! when two of them are a [`Conflict`]; `gas` what it earns.

mod gas;
mod keep;
mod renewal;

pub(crate) use keep::Conflict;

use super::Answer;
use crate::book::{Balance, Book};
use crate::metrics::WitnessMetric;
use crate::node::WitnessNode;
use crate::objects::contract::{Contract, Source, withdrawal};
use crate::objects::fund::FundId;
use crate::objects::receipt::{Stage, contract_of};
use crate::objects::refusal::Refusal;
use crate::objects::statement::Statement;
use crate::timeline::{Tip, checksum};
use crate::{Witness, WitnessBody, WitnessMessage};
use anthill_protocol::draw::threshold;
use anthill_protocol::{Bodies, Context, NodeId, Shared, Time};

/// A participant as the witness of funds: what it knows, and the book that it keeps.
pub(crate) struct FundWitness<'a> {
    /// The terms by which all judge.
    run: &'a Witness,
    /// The timeline that it knows.
    timeline: Tip,
    book: &'a mut Book,
    /// Gas that it has been paid.
    earned: &'a mut u64,
}

impl<'a> FundWitness<'a> {
    /// The part of a participant that this role reads and changes.
    pub(crate) fn of(run: &'a Witness, node: &'a mut WitnessNode) -> Self {
        let WitnessNode { timeline, book, earned, .. } = node;
        Self { run, timeline: *timeline, book, earned }
    }

    /// Somebody draws witnesses.
    pub(crate) fn on_hello(
        &self,
        (payment, time): (u32, Time),
        cx: &mut impl Context<Witness>,
    ) -> Answer {
        let Self { run, timeline, .. } = *self;
        let answers = run.availability >= 1.0 || cx.random() < threshold(run.availability);
        let bodies = cx.bodies();
        let may_be_drawn = run.may_be_drawn(timeline, cx.id(), &bodies);
        if !answers || !(may_be_drawn || run.conduct(cx.id()).answers_while_away()) {
            return Answer::Silence;
        }
        let settled = run.settled_checksum(timeline, time, &bodies);
        let tip = checksum(timeline, &bodies, &run.genesis);
        Answer::Say(WitnessMessage::Here { payment, settled, tip })
    }

    /// A payer asks for a promise.
    pub(crate) fn on_ask(
        &mut self,
        from: NodeId,
        (contract, source): (Shared, u8),
        cx: &mut impl Context<Witness>,
    ) -> Answer {
        if !self.run.conduct(cx.id()).answers((contract, source), &cx.bodies()) {
            return Answer::Silence;
        }
        if let Err(why) = self.promise(from, contract, source, cx) {
            return Answer::Refuse { about: (contract, source), why };
        }
        let bodies = cx.bodies();
        let content = bodies.get(contract).contract().expect("judged");
        let signature = cx.sign(&content.of_source(Statement::Promises, cx.scenario(), source));
        Answer::Say(WitnessMessage::Promise { contract, source, signature })
    }

    /// Whether the fund may be promised to a contract, and the note of it.
    fn promise(
        &mut self,
        from: NodeId,
        contract: Shared,
        source: u8,
        cx: &mut impl Context<Witness>,
    ) -> Result<(), Refusal> {
        let bodies = cx.bodies();
        let content = bodies.get(contract).contract().ok_or(Refusal::Malformed)?;
        if self.run.conduct(cx.id()).judges_contracts() {
            self.run.judge_contract(self.timeline, contract, cx)?;
        }
        if content.payer != from {
            return Err(Refusal::Unasked);
        }
        let source = content.sources.get(usize::from(source)).ok_or(Refusal::Malformed)?;
        self.check_watched(source, &bodies, cx.id())?;
        self.check_alive(source, &bodies, cx)?;
        if !self.run.conduct(cx.id()).keeps_book() {
            return Ok(());
        }
        self.check_state(content, source, &bodies)?;
        let is_new = self.run.terms.rules.promise(self.book, source, contract, &bodies)?;
        if is_new {
            cx.retain(contract);
        }
        Ok(())
    }

    /// Whether this node is a witness of a source.
    fn check_watched(
        &self,
        source: &Source,
        bodies: &impl Bodies<WitnessBody>,
        me: NodeId,
    ) -> Result<(), Refusal> {
        let watched = bodies.get(source.selection).selection().ok_or(Refusal::Malformed)?;
        watched.position(me).map(|_| ()).ok_or(Refusal::NotHeld)
    }

    /// Whether a source has not expired yet, by this node's clock.
    fn check_alive(
        &self,
        source: &Source,
        bodies: &impl Bodies<WitnessBody>,
        cx: &mut impl Context<Witness>,
    ) -> Result<(), Refusal> {
        let watched = bodies.get(source.selection).selection().ok_or(Refusal::Malformed)?;
        let ends = watched.history.time + self.run.terms.rollover_period;
        if cx.local_clock() < ends { Ok(()) } else { Err(Refusal::Expired) }
    }

    /// The fund as this witness has it. `first`: the name of the owner's first fund.
    fn balance(
        &self,
        fund: FundId,
        of: (NodeId, impl FnOnce() -> FundId),
        bodies: &impl Bodies<WitnessBody>,
    ) -> Result<Balance, Refusal> {
        self.book.balance(fund, of, self.run.endowment, bodies)
    }

    /// Whether a withdrawal follows from the state in which the fund is.
    fn check_state(
        &self,
        contract: &Contract,
        source: &Source,
        bodies: &impl Bodies<WitnessBody>,
    ) -> Result<(), Refusal> {
        let first = || contract.first_fund(&self.run.genesis);
        let balance = self.balance(source.fund, (contract.payer, first), bodies)?;
        if balance.owner != contract.payer {
            return Err(Refusal::NotOwner);
        }
        let rules = &self.run.terms.rules;
        if !rules.may_be_watched_by(source.selection, &balance, bodies) {
            return Err(Refusal::State);
        }
        let follows = rules.follows((contract, source), &balance, self.book, bodies)?;
        if follows { Ok(()) } else { Err(Refusal::State) }
    }

    /// Whether this witness has deducted a contract already.
    fn has_deducted(
        &self,
        source: &Source,
        contract: &Contract,
        bodies: &impl Bodies<WitnessBody>,
    ) -> bool {
        let is_it = |receipt: Shared| {
            contract_of(receipt, bodies).is_ok_and(|other| other.fund() == contract.fund())
        };
        self.run.terms.rules.has_deducted(source.fund, self.book, is_it)
    }

    /// A payee asks for the deduction.
    pub(crate) fn on_settle(
        &mut self,
        from: NodeId,
        (receipt, source): (Shared, u8),
        cx: &mut impl Context<Witness>,
    ) -> (Answer, Option<Conflict>) {
        let bodies = cx.bodies();
        let Some(content) = bodies.get(receipt).receipt() else { return (Answer::Silence, None) };
        let mut conflict = None;
        if let Err(why) = self.deduct(from, (receipt, source), &mut conflict, cx) {
            return (Answer::Refuse { about: (content.contract, source), why }, conflict);
        }
        // Judged, the contract has the receipt's digest.
        let contract = bodies.get(content.contract).contract().expect("judged");
        let signature = cx.sign(&contract.of_source(Statement::Confirms, cx.scenario(), source));
        (Answer::Say(WitnessMessage::Settled { receipt, source, signature }), conflict)
    }

    /// Deducts, if that may be; finds the receipt that excludes this one, if there is one.
    fn deduct(
        &mut self,
        from: NodeId,
        (receipt, number): (Shared, u8),
        conflict: &mut Option<Conflict>,
        cx: &mut impl Context<Witness>,
    ) -> Result<(), Refusal> {
        let parties = self.run.judge_receipt(self.timeline, receipt, Stage::Promised, cx)?;
        if parties.payee != from {
            return Err(Refusal::Unasked);
        }
        let bodies = cx.bodies();
        let content = bodies.get(receipt).receipt().expect("judged");
        let contract = bodies.get(content.contract).contract().expect("judged");
        let source = contract.sources.get(usize::from(number)).ok_or(Refusal::Malformed)?;
        self.check_watched(source, &bodies, cx.id())?;
        if !self.run.conduct(cx.id()).keeps_book() {
            return Ok(());
        }
        if self.has_deducted(source, contract, &bodies) {
            // The answer was lost.
            return Ok(());
        }
        let deducted = self.deduct_from((contract, source), (receipt, content.contract), cx);
        *conflict = self.keep((source, deducted.is_err()), receipt, cx);
        if deducted.is_ok() {
            self.earn(receipt, number, cx);
        }
        deducted
    }

    /// Deducts from a fund if the withdrawal follows from its state.
    fn deduct_from(
        &mut self,
        (contract, source): (&Contract, &Source),
        (receipt, handle): (Shared, Shared),
        cx: &mut impl Context<Witness>,
    ) -> Result<(), Refusal> {
        let (rules, bodies) = (&self.run.terms.rules, cx.bodies());
        self.check_state(contract, source, &bodies)?;
        let withdrawal = rules.promised(source);
        let promised = self.book.promise(withdrawal);
        if promised.is_some_and(|promised| promised != handle)
            || self.book.is_renewing(source.fund, &bodies)
        {
            return Err(Refusal::Promised);
        }
        if let Some(promised) = self.book.end_promise(withdrawal) {
            cx.release(promised);
        }
        cx.retain(receipt);
        note_holder(source.fund, receipt, cx);
        let before = rules.note_deduction(source.fund, receipt, self.book);
        if let Some(before) = before {
            self.supersede(source.fund, before, cx);
        }
        let owner = (contract.payer, || self.run.genesis.fund(contract.payer));
        let forgotten =
            rules.forget_spent(source.fund, owner, self.run.endowment, self.book, &bodies);
        forgotten.into_iter().for_each(|body| cx.release(body));
        Ok(())
    }

    /// A payee entrusts its new fund to this witness.
    pub(crate) fn on_entrust(
        &mut self,
        from: NodeId,
        receipt: Shared,
        cx: &mut impl Context<Witness>,
    ) -> Answer {
        let bodies = cx.bodies();
        let Some(content) = bodies.get(receipt).receipt() else { return Answer::Silence };
        if let Err(why) = self.judge_entrusted(from, receipt, cx) {
            return Answer::Refuse { about: (content.contract, u8::MAX), why };
        }
        let forgotten = self.run.terms.rules.forget_replaced(content.fund(), self.book);
        forgotten.into_iter().for_each(|body| cx.release(body));
        self.sweep(cx);
        if self.book.state(content.fund()).is_none() {
            cx.retain(receipt);
            note_holder(content.fund(), receipt, cx);
            self.book.set_state(content.fund(), receipt);
        }
        Answer::Say(WitnessMessage::Kept { receipt })
    }

    /// Whether a receipt makes a fund that this node was drawn to watch, and its payee shows it.
    fn judge_entrusted(
        &self,
        from: NodeId,
        receipt: Shared,
        cx: &mut impl Context<Witness>,
    ) -> Result<(), Refusal> {
        let parties = self.run.judge_receipt(self.timeline, receipt, Stage::Confirmed, cx)?;
        let bodies = cx.bodies();
        let content = bodies.get(receipt).receipt().expect("judged");
        let contract = bodies.get(content.contract).contract().expect("judged");
        let new = bodies.get(contract.selection).selection().expect("judged");
        // A stake makes no fund that could be watched.
        if parties.payee != from || parties.payer == from {
            return Err(Refusal::Unasked);
        }
        new.position(cx.id()).map(|_| ()).ok_or(Refusal::NotHeld)
    }
}

/// Records a receipt or rollover in the book of a node that does not watch the fund. This is an
/// independent check of what was decided elsewhere.
pub(crate) fn note_holder(fund: FundId, taken: Shared, cx: &mut impl Context<Witness>) {
    let bodies = cx.bodies();
    let watches = |handle: Shared| {
        let selection = bodies.get(handle).selection();
        selection.is_some_and(|selection| selection.position(cx.id()).is_some())
    };
    let is_witness = match bodies.get(taken).rollover() {
        Some(rollover) => watches(rollover.from) || watches(rollover.to),
        None => {
            contract_of(taken, &bodies).is_ok_and(|contract| match withdrawal(contract, fund) {
                Ok(source) => watches(source.selection),
                Err(_) => contract.fund() == fund && watches(contract.selection),
            })
        }
    };
    if !is_witness {
        cx.record(WitnessMetric::Misheld, 1);
    }
}
