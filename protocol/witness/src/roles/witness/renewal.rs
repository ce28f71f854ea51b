//! A fund rolls over: its old witnesses sign what is declared, the new ones take it into their books;
//! and what a book forgets.

use super::{FundWitness, note_holder};
use crate::book::Balance;
use crate::objects::contract::withdrawal;
use crate::objects::fund::FundId;
use crate::objects::receipt::contract_of;
use crate::objects::refusal::Refusal;
use crate::objects::rollover::Rollover;
use crate::objects::statement::Statement;
use crate::roles::Answer;
use crate::{Witness, WitnessBody, WitnessMessage};
use anthill_protocol::{Bodies, Context, NodeId, Shared, Span, Time};

impl FundWitness<'_> {
    /// An owner asks an old witness to sign.
    pub(crate) fn on_renew(
        &mut self,
        from: NodeId,
        rollover: Shared,
        cx: &mut impl Context<Witness>,
    ) -> Answer {
        if let Err(why) = self.renew(from, rollover, cx) {
            return Answer::Refuse { about: (rollover, u8::MAX), why };
        }
        let bodies = cx.bodies();
        let content = bodies.get(rollover).rollover().expect("judged");
        let signature = cx.sign(&Statement::Succeeds.of(cx.scenario(), &content.digest));
        Answer::Say(WitnessMessage::Renewed { rollover, signature })
    }

    /// Whether what is declared is all that this witness knows, and the note that it signed.
    fn renew(
        &mut self,
        from: NodeId,
        rollover: Shared,
        cx: &mut impl Context<Witness>,
    ) -> Result<(), Refusal> {
        self.run.judge_rollover(self.timeline, rollover, cx)?;
        let bodies = cx.bodies();
        let content = bodies.get(rollover).rollover().expect("judged");
        if !content.signed.is_empty() {
            return Err(Refusal::Malformed);
        }
        if content.owner != from {
            return Err(Refusal::Unasked);
        }
        let watched = bodies.get(content.from).selection().expect("judged");
        if watched.position(cx.id()).is_none() {
            return Err(Refusal::NotHeld);
        }
        if cx.local_clock() >= watched.history.time + self.run.terms.rollover_period {
            return Err(Refusal::Expired);
        }
        let is_signed = self.book.promise(content.fund) == Some(rollover);
        if is_signed || !self.run.conduct(cx.id()).keeps_book() {
            return Ok(());
        }
        self.check_declared(content, cx)?;
        cx.retain(rollover);
        let before = self.book.set_promise(content.fund, rollover);
        before.into_iter().for_each(|before| cx.release(before));
        Ok(())
    }

    /// **R6**: the declared state is that which this witness knows, or the one after the withdrawal
    /// that it has promised; and what it has promised is old.
    fn check_declared(
        &self,
        content: &Rollover,
        cx: &mut impl Context<Witness>,
    ) -> Result<(), Refusal> {
        let bodies = cx.bodies();
        let first = || self.run.genesis.fund(content.owner);
        let balance = self.balance(content.fund, (content.owner, first), &bodies)?;
        if balance.owner != content.owner {
            return Err(Refusal::NotOwner);
        }
        if !balance.is_watched_by(content.from, &bodies) {
            return Err(Refusal::State);
        }
        let (now, terms) = (cx.local_clock(), &self.run.terms);
        let mut promised = None;
        for handle in terms.rules.promises_of(content.fund, self.book) {
            let Some(contract) = bodies.get(handle).contract() else {
                // To another rollover.
                return Err(Refusal::Promised);
            };
            let Ok(source) = withdrawal(contract, content.fund) else { continue };
            if contract.time + terms.time_to_consistency > now {
                return Err(Refusal::Promised);
            }
            promised = Some((contract.fund(), source));
        }
        let is_declared =
            terms.rules.is_declared(content, &balance, promised, self.book, &bodies)?;
        if is_declared { Ok(()) } else { Err(Refusal::Undeclared) }
    }

    /// An owner hands over what its old witnesses signed: the new ones watch the fund from now on,
    /// the old ones no longer.
    pub(crate) fn on_carry(
        &mut self,
        from: NodeId,
        rollover: Shared,
        cx: &mut impl Context<Witness>,
    ) -> Answer {
        if let Err(why) = self.succeed(from, rollover, cx) {
            return Answer::Refuse { about: (rollover, u8::MAX), why };
        }
        let bodies = cx.bodies();
        let content = bodies.get(rollover).rollover().expect("judged");
        let to = bodies.get(content.to).selection().expect("judged");
        match to.position(cx.id()) {
            Some(_) => Answer::Say(WitnessMessage::Carried { rollover }),
            None => Answer::Silence,
        }
    }

    fn succeed(
        &mut self,
        from: NodeId,
        rollover: Shared,
        cx: &mut impl Context<Witness>,
    ) -> Result<(), Refusal> {
        self.run.judge_rollover(self.timeline, rollover, cx)?;
        self.sweep(cx);
        let bodies = cx.bodies();
        let content = bodies.get(rollover).rollover().expect("judged");
        if content.signed.is_empty() {
            return Err(Refusal::Quorum);
        }
        if content.owner != from {
            return Err(Refusal::Unasked);
        }
        let is_of = |selection| {
            let selection = bodies.get(selection).selection().expect("judged");
            selection.position(cx.id()).is_some()
        };
        if !is_of(content.from) && !is_of(content.to) {
            return Err(Refusal::NotHeld);
        }
        let fund = content.fund;
        // R6: only what is known from before this rollover gives way to it; perhaps from long before,
        // if this witness missed another in between.
        let first = || self.run.genesis.fund(content.owner);
        let is_earlier = match self.balance(fund, (content.owner, first), &bodies) {
            Ok(Balance { selection: Some(known), .. }) => {
                let known = bodies.get(known).selection();
                known.is_none_or(|known| known.history.time < content.time)
            }
            _ => true,
        };
        if !self.run.terms.rules.gives_way(is_earlier) {
            return Ok(());
        }
        self.pay_out(fund, cx);
        self.book.forget(fund).into_iter().for_each(|body| cx.release(body));
        cx.retain(rollover);
        note_holder(fund, rollover, cx);
        self.book.set_state(fund, rollover);
        // A young promise that was not declared stays: it was made, and others than this witness
        // signed.
        let (now, wait) = (cx.local_clock(), self.run.terms.time_to_consistency);
        let is_settled = |promised: Shared| match bodies.get(promised).contract() {
            Some(contract) => contract.time + wait <= now,
            None => true,
        };
        if self.book.promise(fund).is_some_and(is_settled) {
            self.book.end_promise(fund).into_iter().for_each(|body| cx.release(body));
        }
        Ok(())
    }

    /// From time to time a witness forgets what expired long ago: nobody can ask for it any more.
    pub(crate) fn sweep(&mut self, cx: &mut impl Context<Witness>) {
        let (now, terms) = (cx.local_clock(), &self.run.terms);
        if now < self.book.next_sweep {
            return;
        }
        self.book.next_sweep = now + Span(terms.rollover_period.0 / 4);
        let kept = terms.rollover_period + terms.time_to_consistency.max(terms.leniency);
        let bodies = cx.bodies();
        let is_over = |fund: FundId, body: Shared| {
            made(fund, body, &bodies).is_some_and(|made| made + kept < now)
        };
        self.book.drop_where(is_over).into_iter().for_each(|body| cx.release(body));
    }
}

/// When a fund's present witnesses were drawn, by a body that a book has of it.
fn made(fund: FundId, body: Shared, bodies: &impl Bodies<WitnessBody>) -> Option<Time> {
    if let Some(rollover) = bodies.get(body).rollover() {
        return Some(rollover.time);
    }
    let contract = match bodies.get(body).contract() {
        Some(contract) => contract,
        None => contract_of(body, bodies).ok()?,
    };
    if contract.fund() == fund {
        return Some(contract.time);
    }
    // Without R5 promises go by withdrawals, of whichever source.
    let named = contract.sources.iter().find(|source| source.fund == fund);
    let source = named.or(contract.sources.first())?;
    bodies.get(source.selection).selection().map(|selection| selection.history.time)
}
