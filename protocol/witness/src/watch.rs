//! The witness's side: promise a fund, deduct from it, take a new one into the book.
//!
//! A witness signs only for a fund that it watches, in the state in which it has it. Of a fund of
//! genesis it knows everything without an entry; of others its book has the receipt.

use super::contract::{Contract, Source, withdrawal};
use super::fund::FundId;
use super::metrics::WitnessMetric;
use super::node::WitnessNode;
use super::receipt::Stage;
use super::refusal::Refusal;
use super::statement::Statement;
use super::timeline::checksum;
use super::{Witness, WitnessBody, WitnessMessage};
use anthill_protocol::draw::threshold;
use anthill_protocol::{Bodies, Context, NodeId, Shared, Time};

/// A fund as its witness has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Balance {
    pub(super) owner: NodeId,
    pub(super) left: u64,
    pub(super) sequence: u32,
    pub(super) previous: FundId,
    /// The witnesses; for a fund of genesis they follow from the owner.
    pub(super) selection: Option<Shared>,
    /// Whether it has rolled over since it was last withdrawn from.
    is_renewed: bool,
}

impl Witness {
    /// Somebody draws witnesses.
    pub(super) fn hello(
        &self,
        node: &WitnessNode,
        from: NodeId,
        (payment, time): (u32, Time),
        cx: &mut impl Context<Self>,
    ) {
        let answers = self.availability >= 1.0 || cx.random() < threshold(self.availability);
        let bodies = cx.bodies();
        let may_be_drawn = self.may_be_drawn(node.timeline, cx.id(), &bodies);
        if answers && (may_be_drawn || self.conduct(cx.id()).answers_while_away()) {
            let settled = self.settled_checksum(node.timeline, time, &bodies);
            let tip = checksum(node.timeline, &bodies, &self.genesis);
            cx.send(from, WitnessMessage::Here { payment, settled, tip });
        }
    }

    /// A payer asks for a promise.
    pub(super) fn asked(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        (contract, source): (Shared, u8),
        cx: &mut impl Context<Self>,
    ) {
        if !self.conduct(cx.id()).answers((contract, source), &cx.bodies()) {
            return;
        }
        match self.promise(node, from, contract, source, cx) {
            Ok(()) => {
                let bodies = cx.bodies();
                let content = bodies.get(contract).contract().expect("judged");
                let scenario = cx.scenario();
                let digest = content.of_source(Statement::Promises, scenario, source);
                let signature = cx.sign(&digest);
                cx.send(from, WitnessMessage::Promise { contract, source, signature });
            }
            Err(why) => self.refuse(node, from, (contract, source), why, cx),
        }
    }

    /// Whether the fund may be promised to a contract, and the note of it.
    fn promise(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        contract: Shared,
        source: u8,
        cx: &mut impl Context<Self>,
    ) -> Result<(), Refusal> {
        let bodies = cx.bodies();
        let content = bodies.get(contract).contract().ok_or(Refusal::Malformed)?;
        if self.conduct(cx.id()).judges_contracts() {
            self.judge_contract(node.timeline, contract, cx)?;
        }
        if content.payer != from {
            return Err(Refusal::Unasked);
        }
        let source = content.sources.get(usize::from(source)).ok_or(Refusal::Malformed)?;
        self.check_watched(source, &bodies, cx.id())?;
        self.check_alive(source, &bodies, cx)?;
        if !self.conduct(cx.id()).keeps_book() {
            return Ok(());
        }
        self.check_state(node, content, source, &bodies)?;
        if !self.terms.rules.signing_promises() {
            return Ok(());
        }
        if self.is_renewing(node, source.fund, &bodies) {
            return Err(Refusal::Promised);
        }
        let withdrawal = self.terms.rules.promised(source);
        match node.book.promise(withdrawal) {
            Some(promised) if promised == contract => Ok(()),
            Some(_) => Err(Refusal::Promised),
            None => {
                cx.retain(contract);
                node.book.set_promise(withdrawal, contract);
                Ok(())
            }
        }
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
        cx: &mut impl Context<Self>,
    ) -> Result<(), Refusal> {
        let watched = bodies.get(source.selection).selection().ok_or(Refusal::Malformed)?;
        let ends = watched.history.time + self.terms.rollover_period;
        if cx.local_clock() < ends { Ok(()) } else { Err(Refusal::Expired) }
    }

    /// The fund as this witness has it. `first`: the name of the payer's first fund.
    pub(super) fn balance(
        &self,
        node: &WitnessNode,
        fund: FundId,
        (payer, first): (NodeId, impl FnOnce() -> FundId),
        bodies: &impl Bodies<WitnessBody>,
    ) -> Result<Balance, Refusal> {
        let Some(receipt) = node.book.state(fund) else {
            let is_first = fund == first();
            let left = self.endowment;
            let first = Balance {
                owner: payer,
                left,
                sequence: 0,
                previous: fund,
                selection: None,
                is_renewed: false,
            };
            return if is_first { Ok(first) } else { Err(Refusal::NotHeld) };
        };
        if let Some(rollover) = bodies.get(receipt).rollover() {
            return Ok(Balance {
                owner: rollover.owner,
                left: rollover.left,
                sequence: rollover.sequence,
                previous: rollover.previous,
                selection: Some(rollover.to),
                is_renewed: true,
            });
        }
        let contract = contract_of(receipt, bodies)?;
        let made = contract.fund();
        if made == fund {
            let (owner, left) = (contract.payee, contract.amount);
            let selection = Some(contract.selection);
            return Ok(Balance {
                owner,
                left,
                sequence: 0,
                previous: fund,
                selection,
                is_renewed: false,
            });
        }
        let Source { left, sequence, selection, .. } = *withdrawal(contract, fund)?;
        let (owner, sequence, selection) = (contract.payer, sequence + 1, Some(selection));
        Ok(Balance { owner, left, sequence, previous: made, selection, is_renewed: false })
    }

    /// Whether a withdrawal follows from the state in which the fund is.
    fn check_state(
        &self,
        node: &WitnessNode,
        contract: &Contract,
        source: &Source,
        bodies: &impl Bodies<WitnessBody>,
    ) -> Result<(), Refusal> {
        let first = || contract.first_fund(&self.genesis);
        let balance = self.balance(node, source.fund, (contract.payer, first), bodies)?;
        if balance.owner != contract.payer {
            return Err(Refusal::NotOwner);
        }
        // R3: the fund's witnesses are those that were signed for. Else its owner could lie about the
        // draw when it spends, and count witnesses that it prefers.
        // Nor does an earlier set of witnesses sign, however the rules are.
        let is_strict =
            self.terms.rules.all_is_signed() || balance.is_renewed || balance.selection.is_none();
        if is_strict && !self.is_watched_so(&balance, source.selection, bodies) {
            return Err(Refusal::State);
        }
        let rules = &self.terms.rules;
        let follows = rules.follows((contract, source), &balance, &node.book, bodies)?;
        if follows { Ok(()) } else { Err(Refusal::State) }
    }

    /// Whether this witness has deducted a contract already.
    fn has_deducted(
        &self,
        node: &WitnessNode,
        source: &Source,
        contract: &Contract,
        bodies: &impl Bodies<WitnessBody>,
    ) -> bool {
        let is_it = |receipt: Shared| {
            contract_of(receipt, bodies).is_ok_and(|other| other.fund() == contract.fund())
        };
        self.terms.rules.has_deducted(source.fund, &node.book, is_it)
    }

    /// A payee asks for the deduction.
    pub(super) fn asked_to_settle(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        (receipt, source): (Shared, u8),
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let Some(content) = bodies.get(receipt).receipt() else { return };
        match self.deduct(node, from, receipt, source, cx) {
            Ok(()) => {
                let scenario = cx.scenario();
                // Judged, the contract has the receipt's digest.
                let contract = bodies.get(content.contract).contract().expect("judged");
                let digest = contract.of_source(Statement::Confirms, scenario, source);
                let signature = cx.sign(&digest);
                cx.send(from, WitnessMessage::Settled { receipt, source, signature });
            }
            Err(why) => self.refuse(node, from, (content.contract, source), why, cx),
        }
    }

    fn deduct(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        receipt: Shared,
        source: u8,
        cx: &mut impl Context<Self>,
    ) -> Result<(), Refusal> {
        let parties = self.judge_receipt(node.timeline, receipt, Stage::Promised, cx)?;
        if parties.payee != from {
            return Err(Refusal::Unasked);
        }
        let bodies = cx.bodies();
        let content = bodies.get(receipt).receipt().expect("judged");
        let contract = bodies.get(content.contract).contract().expect("judged");
        let number = source;
        let source = contract.sources.get(usize::from(number)).ok_or(Refusal::Malformed)?;
        self.check_watched(source, &bodies, cx.id())?;
        if !self.conduct(cx.id()).keeps_book() {
            return Ok(());
        }
        if self.has_deducted(node, source, contract, &bodies) {
            // The answer was lost.
            return Ok(());
        }
        let deducted = self.deduct_from(node, (contract, source), (receipt, content.contract), cx);
        self.keep(node, (source, deducted.is_err()), receipt, cx);
        if deducted.is_ok() {
            self.earn(node, receipt, number, cx);
        }
        deducted
    }

    /// Deducts from a fund if the withdrawal follows from its state.
    fn deduct_from(
        &self,
        node: &mut WitnessNode,
        (contract, source): (&Contract, &Source),
        (receipt, handle): (Shared, Shared),
        cx: &mut impl Context<Self>,
    ) -> Result<(), Refusal> {
        self.check_state(node, contract, source, &cx.bodies())?;
        let withdrawal = self.terms.rules.promised(source);
        let promised = node.book.promise(withdrawal);
        if promised.is_some_and(|promised| promised != handle)
            || self.is_renewing(node, source.fund, &cx.bodies())
        {
            return Err(Refusal::Promised);
        }
        if let Some(promised) = node.book.end_promise(withdrawal) {
            cx.release(promised);
        }
        cx.retain(receipt);
        note_holder(source.fund, receipt, cx);
        let before = self.terms.rules.note_deduction(source.fund, receipt, &mut node.book);
        if let Some(before) = before {
            self.supersede(node, source.fund, before, cx);
        }
        self.forget_if_spent(node, source.fund, contract.payer, cx);
        Ok(())
    }

    /// A payee entrusts its new fund to this witness.
    pub(super) fn entrusted(
        &self,
        node: &mut WitnessNode,
        from: NodeId,
        receipt: Shared,
        cx: &mut impl Context<Self>,
    ) {
        let bodies = cx.bodies();
        let Some(content) = bodies.get(receipt).receipt() else { return };
        let judged =
            self.judge_receipt(node.timeline, receipt, Stage::Confirmed, cx).and_then(|parties| {
                let contract = bodies.get(content.contract).contract().expect("judged");
                let new = bodies.get(contract.selection).selection().expect("judged");
                // A stake makes no fund that could be watched.
                if parties.payee != from || parties.payer == from {
                    return Err(Refusal::Unasked);
                }
                new.position(cx.id()).map(|_| ()).ok_or(Refusal::NotHeld)
            });
        if let Err(why) = judged {
            return self.refuse(node, from, (content.contract, u8::MAX), why, cx);
        }
        self.forget_if_replaced(node, content.fund(), cx);
        self.sweep(node, cx);
        if node.book.state(content.fund()).is_none() {
            cx.retain(receipt);
            note_holder(content.fund(), receipt, cx);
            node.book.set_state(content.fund(), receipt);
        }
        cx.send(from, WitnessMessage::Kept { receipt });
    }
}

/// Records a receipt or rollover in the book of a node that does not watch the fund. This is an
/// independent check of what was decided elsewhere.
pub(super) fn note_holder(fund: FundId, taken: Shared, cx: &mut impl Context<Witness>) {
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

/// The contract of a receipt in the book.
pub(super) fn contract_of(
    receipt: Shared,
    bodies: &impl Bodies<WitnessBody>,
) -> Result<&Contract, Refusal> {
    let receipt = bodies.get(receipt).receipt().ok_or(Refusal::NotHeld)?;
    bodies.get(receipt.contract).contract().ok_or(Refusal::NotHeld)
}

/// Whether two handles are of the same selection.
pub(super) fn is_same_selection(
    one: Shared,
    other: Shared,
    bodies: &impl Bodies<WitnessBody>,
) -> bool {
    one == other || bodies.get(one) == bodies.get(other)
}
