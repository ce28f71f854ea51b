//! The witnesses' side: the old ones sign what is declared, the new ones take it into their books;
//! and what a book forgets.

use super::super::WitnessMessage;
use super::super::contract::withdrawal;
use super::super::fund::FundId;
use super::super::node::WitnessNode;
use super::super::refusal::Refusal;
use super::super::statement::Statement;
use super::super::timeline::Tip;
use super::super::watch::{Balance, contract_of, is_same_selection, note_holder};
use super::super::{Witness, WitnessBody};
use super::Rollover;
use anthill_protocol::{Bodies, Context, NodeId, Shared, Span, Time};

impl Witness {
    /// The checks of a rollover that every honest node makes, signed or not.
    pub(super) fn judge_rollover(
        &self,
        timeline: Tip,
        rollover: Shared,
        cx: &mut impl Context<Self>,
    ) -> Result<(), Refusal> {
        let bodies = cx.bodies();
        let content = bodies.get(rollover).rollover().ok_or(Refusal::Malformed)?;
        let (now, leniency) = (cx.local_clock(), self.terms.leniency);
        if now > content.time + leniency || content.time > now + leniency {
            return Err(Refusal::Time);
        }
        for selection in [content.from, content.to] {
            let selection = bodies.get(selection).selection().ok_or(Refusal::Malformed)?;
            self.judge_selection(timeline, selection, cx)?;
        }
        let (verdicts, scenario) = (cx.verify_body(rollover), cx.scenario());
        let setting = (&self.genesis, &self.terms, &self.tests);
        content.check(&verdicts, &bodies, setting, scenario)
    }

    /// An owner asks an old witness to sign.
    pub(in super::super) fn asked_to_renew(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        rollover: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        match self.renew(node, from, rollover, cx) {
            Ok(()) => {
                let content = bodies.get(rollover).rollover().expect("judged");
                let signature = cx.sign(&Statement::Succeeds.of(cx.scenario(), &content.digest));
                cx.send(from, WitnessMessage::Renewed { rollover, signature });
            }
            Err(why) => self.refuse(node, from, (rollover, u8::MAX), why, cx),
        }
    }

    /// Whether what is declared is all that this witness knows, and the note that it signed.
    fn renew(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        rollover: Shared,
        cx: &mut impl Context<Self>,
    ) -> Result<(), Refusal> {
        self.judge_rollover(node.timeline, rollover, cx)?;
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
        if cx.local_clock() >= watched.history.time + self.terms.rollover_period {
            return Err(Refusal::Expired);
        }
        let is_signed = node.book.promise(content.fund) == Some(rollover);
        if is_signed || !self.conduct(cx.id()).keeps_book() {
            return Ok(());
        }
        self.check_declared(node, content, cx)?;
        cx.retain(rollover);
        let before = node.book.set_promise(content.fund, rollover);
        before.into_iter().for_each(|before| cx.release(before));
        Ok(())
    }

    /// **R6**: the declared state is that which this witness knows, or the one after the withdrawal
    /// that it has promised; and what it has promised is old.
    fn check_declared(
        &self,
        node: &WitnessNode,
        content: &Rollover,
        cx: &mut impl Context<Self>,
    ) -> Result<(), Refusal> {
        let bodies = cx.bodies();
        let first = || self.genesis.fund(content.owner);
        let balance = self.balance(node, content.fund, (content.owner, first), &bodies)?;
        if balance.owner != content.owner {
            return Err(Refusal::NotOwner);
        }
        if !self.is_watched_so(&balance, content.from, &bodies) {
            return Err(Refusal::State);
        }
        let now = cx.local_clock();
        let mut promised = None;
        for handle in self.terms.rules.promises_of(content.fund, &node.book) {
            let Some(contract) = bodies.get(handle).contract() else {
                // To another rollover.
                return Err(Refusal::Promised);
            };
            let Ok(source) = withdrawal(contract, content.fund) else { continue };
            if contract.time + self.terms.time_to_consistency > now {
                return Err(Refusal::Promised);
            }
            promised = Some((contract.fund(), source));
        }
        let rules = &self.terms.rules;
        let is_declared = rules.is_declared(content, &balance, promised, &node.book, &bodies)?;
        if is_declared { Ok(()) } else { Err(Refusal::Undeclared) }
    }

    /// An owner hands over what its old witnesses signed: the new ones watch the fund from now on,
    /// the old ones no longer.
    pub(in super::super) fn carried_over(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        rollover: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        match self.succeed(node, from, rollover, cx) {
            Ok(()) => {
                let content = bodies.get(rollover).rollover().expect("judged");
                let to = bodies.get(content.to).selection().expect("judged");
                if to.position(cx.id()).is_some() {
                    cx.send(from, WitnessMessage::Carried { rollover });
                }
            }
            Err(why) => self.refuse(node, from, (rollover, u8::MAX), why, cx),
        }
    }

    fn succeed(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        rollover: Shared,
        cx: &mut impl Context<Self>,
    ) -> Result<(), Refusal> {
        self.judge_rollover(node.timeline, rollover, cx)?;
        self.sweep(node, cx);
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
        let first = || self.genesis.fund(content.owner);
        let is_earlier = match self.balance(node, fund, (content.owner, first), &bodies) {
            Ok(Balance { selection: Some(known), .. }) => {
                let known = bodies.get(known).selection();
                known.is_none_or(|known| known.history.time < content.time)
            }
            _ => true,
        };
        if !self.terms.rules.gives_way(is_earlier) {
            return Ok(());
        }
        self.pay_out(node, fund, cx);
        node.book.forget(fund).into_iter().for_each(|body| cx.release(body));
        cx.retain(rollover);
        note_holder(fund, rollover, cx);
        node.book.set_state(fund, rollover);
        // A young promise that was not declared stays: it was made, and others than this witness
        // signed.
        let (now, wait) = (cx.local_clock(), self.terms.time_to_consistency);
        let is_settled = |promised: Shared| match bodies.get(promised).contract() {
            Some(contract) => contract.time + wait <= now,
            None => true,
        };
        if node.book.promise(fund).is_some_and(is_settled) {
            node.book.end_promise(fund).into_iter().for_each(|body| cx.release(body));
        }
        Ok(())
    }

    /// From time to time a witness forgets what expired long ago: nobody can ask for it any more.
    pub(in super::super) fn sweep(&self, node: &mut WitnessNode, cx: &mut impl Context<Self>) {
        let (now, terms) = (cx.local_clock(), &self.terms);
        if now < node.book.next_sweep {
            return;
        }
        node.book.next_sweep = now + Span(terms.rollover_period.0 / 4);
        let kept = terms.rollover_period + terms.time_to_consistency.max(terms.leniency);
        let bodies = cx.bodies();
        let is_over = |fund: FundId, body: Shared| {
            made(fund, body, &bodies).is_some_and(|made| made + kept < now)
        };
        node.book.drop_where(is_over).into_iter().for_each(|body| cx.release(body));
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

impl Witness {
    /// Whether a witness has signed a rollover of a fund, and so nothing else of it any more.
    pub(in super::super) fn is_renewing(
        &self,
        node: &WitnessNode,
        fund: FundId,
        bodies: &impl Bodies<WitnessBody>,
    ) -> bool {
        node.book.promise(fund).is_some_and(|promised| bodies.get(promised).rollover().is_some())
    }

    /// Whether a fund is watched by a selection, as far as a witness knows.
    pub(in super::super) fn is_watched_so(
        &self,
        balance: &Balance,
        selection: Shared,
        bodies: &impl Bodies<WitnessBody>,
    ) -> bool {
        match balance.selection {
            Some(known) => is_same_selection(known, selection, bodies),
            // A fund of genesis that was never touched: only those drawn then know it unseen.
            None => bodies.get(selection).selection().is_some_and(|s| s.history.time == Time::ZERO),
        }
    }
}
