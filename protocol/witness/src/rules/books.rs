//! R3 to R6: what a witness signs for, and what its book says of a fund.

use crate::WitnessBody;
use crate::book::{Balance, Book};
use crate::objects::contract::{Contract, Source, withdrawal};
use crate::objects::fund::FundId;
use crate::objects::receipt::contract_of;
use crate::objects::refusal::Refusal;
use crate::objects::rollover::Rollover;
use crate::rules::Rules;
use anthill_protocol::draw::mix;
use anthill_protocol::{Bodies, NodeId, Shared};

impl Rules {
    /// The parts of a contract beside who pays whom how much from what that its signatures cover.
    /// **R3**: the rest of it. Without, nothing.
    pub(crate) fn cover(&self, bytes: &mut Vec<u8>, rest: impl FnOnce(&mut Vec<u8>)) {
        if self.all_is_signed {
            rest(bytes);
        }
    }

    /// Whether a fund may be spent with the signatures of a selection. **R3**: only of that which was
    /// signed for when the fund was made. Else its owner could lie about the draw when it spends, and
    /// count witnesses that it prefers. Nor does an earlier set of witnesses sign, however the rules
    /// are.
    pub(crate) fn may_be_watched_by(
        &self,
        selection: Shared,
        balance: &Balance,
        bodies: &impl Bodies<WitnessBody>,
    ) -> bool {
        let is_strict = self.all_is_signed || balance.is_renewed || balance.selection.is_none();
        !is_strict || balance.is_watched_by(selection, bodies)
    }

    /// Promises a withdrawal to a contract; whether that was new. **R4**: to this one alone. Without,
    /// nothing is noted.
    ///
    /// # Errors
    /// When it is promised to another contract, or the fund to a rollover.
    pub(crate) fn promise(
        &self,
        book: &mut Book,
        source: &Source,
        contract: Shared,
        bodies: &impl Bodies<WitnessBody>,
    ) -> Result<bool, Refusal> {
        if !self.signing_promises {
            return Ok(false);
        }
        if book.is_renewing(source.fund, bodies) {
            return Err(Refusal::Promised);
        }
        let withdrawal = self.promised(source);
        match book.promise(withdrawal) {
            Some(promised) if promised == contract => Ok(false),
            Some(_) => Err(Refusal::Promised),
            None => {
                book.set_promise(withdrawal, contract);
                Ok(true)
            }
        }
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

    /// What a book lets go of after a deduction. **R6**: nothing. Without, a fund of which nothing is
    /// left is forgotten, and so could be entrusted again. (Not one of genesis, which is known without
    /// an entry.)
    pub(crate) fn forget_spent(
        &self,
        fund: FundId,
        (owner, first): (NodeId, impl Fn() -> FundId),
        endowment: u64,
        book: &mut Book,
        bodies: &impl Bodies<WitnessBody>,
    ) -> Vec<Shared> {
        if self.tombstones {
            return Vec::new();
        }
        let spent = withdrawn(fund, book, bodies);
        let left = book.balance(fund, (owner, &first), endowment, bodies).map(|fund| fund.left);
        if fund != first() && spent == left { book.forget(fund) } else { Vec::new() }
    }

    /// What a book lets go of when a fund is entrusted. **R6**: nothing; one that is known, in
    /// whatever state, stays as it is. Without, what was known of it.
    pub(crate) fn forget_replaced(&self, fund: FundId, book: &mut Book) -> Vec<Shared> {
        if self.tombstones { Vec::new() } else { book.forget(fund) }
    }
}

/// The amount that a witness has deducted from a fund, by its own count.
fn withdrawn(fund: FundId, book: &Book, bodies: &impl Bodies<WitnessBody>) -> Result<u64, Refusal> {
    book.withdrawals(fund).try_fold(0u64, |sum, receipt| {
        Ok(sum.saturating_add(withdrawal(contract_of(receipt, bodies)?, fund)?.amount))
    })
}
