//! R3 to R6: what a witness signs for, and what its book says of a fund.

use super::Rules;
use crate::contract::{Contract, Source, withdrawal};
use crate::fund::FundId;
use crate::node::{Book, WitnessNode};
use crate::refusal::Refusal;
use crate::rollover::Rollover;
use crate::watch::{Balance, contract_of};
use crate::{Witness, WitnessBody};
use anthill_protocol::draw::mix;
use anthill_protocol::{Bodies, Context, NodeId, Shared};

impl Rules {
    /// **R3**: signatures cover the whole contract. Without, only who pays whom how much from what.
    pub(crate) fn all_is_signed(&self) -> bool {
        self.all_is_signed
    }

    /// **R4**: a witness that signs a contract signs no other for this withdrawal. Without, it notes
    /// nothing.
    pub(crate) fn signing_promises(&self) -> bool {
        self.signing_promises
    }

    /// The subject of a promise. **R5**: the next withdrawal of a fund; without, any number of
    /// them.
    pub(crate) fn promised(&self, source: &Source) -> FundId {
        match self.chained {
            true => source.fund,
            false => FundId(mix(source.fund.0, u64::from(source.sequence))),
        }
    }

    /// The promises that may concern a fund: its only one, and without R5 all others.
    pub(crate) fn promises_of<'a>(
        &self,
        fund: FundId,
        book: &'a Book,
    ) -> impl Iterator<Item = Shared> + 'a {
        let others = (!self.chained).then(|| book.promises()).into_iter().flatten();
        book.promise(fund).into_iter().chain(others)
    }

    /// Whether a withdrawal follows from the state of its fund. **R5**: it names the one before and
    /// says what it leaves. Without, enough is left by the witness's own count.
    ///
    /// # Errors
    /// When the book has something else than withdrawals of the fund.
    pub(crate) fn follows(
        &self,
        (contract, source): (&Contract, &Source),
        balance: &Balance,
        book: &Book,
        bodies: &impl Bodies<WitnessBody>,
    ) -> Result<bool, Refusal> {
        if self.chained {
            return Ok(source.sequence == balance.sequence
                && source.previous == balance.previous
                && balance.left.checked_sub(source.amount) == Some(source.left));
        }
        let deducted = withdrawn(source.fund, book, bodies)?;
        let promised = book.promises().filter_map(|promised| bodies.get(promised).contract());
        let others = promised.filter(|other| other.fund() != contract.fund());
        let amounts = others.map(|other| withdrawal(other, source.fund).map_or(0, |s| s.amount));
        let spent = amounts.fold(source.amount.saturating_add(deducted), u64::saturating_add);
        Ok(spent <= balance.left)
    }

    /// Whether the book has a deduction of a fund that `is_it`.
    pub(crate) fn has_deducted(
        &self,
        fund: FundId,
        book: &Book,
        is_it: impl Fn(Shared) -> bool,
    ) -> bool {
        match self.chained {
            true => book.state(fund).is_some_and(is_it),
            false => book.withdrawals(fund).any(is_it),
        }
    }

    /// Notes a deduction; returns the receipt whose place it takes.
    pub(crate) fn note_deduction(
        &self,
        fund: FundId,
        receipt: Shared,
        book: &mut Book,
    ) -> Option<Shared> {
        if self.chained {
            return book.set_state(fund, receipt);
        }
        book.add_withdrawal(fund, receipt);
        None
    }

    /// Whether a rollover declares what a witness knows. **R6**: the state in its book, or the one
    /// after the withdrawal that it has promised. Without, whatever is declared is believed.
    ///
    /// # Errors
    /// When the book has something else than withdrawals of the fund.
    pub(crate) fn is_declared(
        &self,
        content: &Rollover,
        balance: &Balance,
        promised: Option<(FundId, &Source)>,
        book: &Book,
        bodies: &impl Bodies<WitnessBody>,
    ) -> Result<bool, Refusal> {
        if !self.tombstones {
            return Ok(true);
        }
        if !self.chained {
            let spent = withdrawn(content.fund, book, bodies)?;
            return Ok(content.left <= balance.left.saturating_sub(spent));
        }
        let declared = (content.sequence, content.previous, content.left);
        let known = (balance.sequence, balance.previous, balance.left);
        let Some((name, source)) = promised else { return Ok(declared == known) };
        let void = content.void.and_then(|void| bodies.get(void).contract());
        Ok(declared == (source.sequence + 1, name, source.left)
            || declared == known && void.is_some_and(|void| void.fund() == name))
    }

    /// Whether a witness takes a rollover into its book. **R6**: only one that is later than what it
    /// knows. Without, any.
    pub(crate) fn gives_way(&self, is_later: bool) -> bool {
        is_later || !self.tombstones
    }
}

/// The amount that a witness has deducted from a fund, by its own count.
fn withdrawn(fund: FundId, book: &Book, bodies: &impl Bodies<WitnessBody>) -> Result<u64, Refusal> {
    book.withdrawals(fund).try_fold(0u64, |sum, receipt| {
        Ok(sum.saturating_add(withdrawal(contract_of(receipt, bodies)?, fund)?.amount))
    })
}

impl Witness {
    /// Without R6 a fund of which nothing is left is forgotten, and so could be entrusted again. (Not
    /// a fund of genesis, which is known without an entry.)
    pub(crate) fn forget_if_spent(
        &self,
        node: &mut WitnessNode,
        fund: FundId,
        payer: NodeId,
        cx: &mut impl Context<Self>,
    ) {
        if self.terms.rules.tombstones {
            return;
        }
        let bodies = cx.bodies();
        let spent = withdrawn(fund, &node.book, &bodies);
        let first = || self.genesis.fund(payer);
        let left = self.balance(node, fund, (payer, first), &bodies).map(|balance| balance.left);
        if fund != self.genesis.fund(payer) && spent == left {
            node.book.forget(fund).into_iter().for_each(|body| cx.release(body));
        }
    }

    /// **R6**: a fund that is known, in whatever state, stays as it is when it is entrusted again.
    /// Without, what was known of it is forgotten.
    pub(crate) fn forget_if_replaced(
        &self,
        node: &mut WitnessNode,
        fund: FundId,
        cx: &mut impl Context<Self>,
    ) {
        if !self.terms.rules.tombstones {
            node.book.forget(fund).into_iter().for_each(|body| cx.release(body));
        }
    }
}
