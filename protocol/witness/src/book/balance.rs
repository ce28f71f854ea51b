//! What a book says of a fund: whose it is, what is left of it, and who watches it.

use super::Book;
use crate::WitnessBody;
use crate::objects::contract::{Source, withdrawal};
use crate::objects::fund::FundId;
use crate::objects::receipt::contract_of;
use crate::objects::refusal::Refusal;
use crate::objects::selection::is_same_selection;
use anthill_protocol::{Bodies, NodeId, Shared, Time};

/// A fund as its witness has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Balance {
    pub(crate) owner: NodeId,
    pub(crate) left: u64,
    pub(crate) sequence: u32,
    pub(crate) previous: FundId,
    /// The witnesses; for a fund of genesis they follow from the owner.
    pub(crate) selection: Option<Shared>,
    /// Whether it has rolled over since it was last withdrawn from.
    pub(crate) is_renewed: bool,
}

impl Balance {
    /// Whether the fund is watched by a selection, as far as a witness knows.
    pub(crate) fn is_watched_by(
        &self,
        selection: Shared,
        bodies: &impl Bodies<WitnessBody>,
    ) -> bool {
        match self.selection {
            Some(known) => is_same_selection(known, selection, bodies),
            // A fund of genesis that was never touched: only those drawn then know it unseen.
            None => bodies.get(selection).selection().is_some_and(|s| s.history.time == Time::ZERO),
        }
    }
}

impl Book {
    /// A fund of an owner's. One without a line is known if it is the owner's `first`, with which it
    /// began: then it holds the `endowment`.
    ///
    /// # Errors
    /// When nothing is known of the fund.
    pub(crate) fn balance(
        &self,
        fund: FundId,
        (owner, first): (NodeId, impl FnOnce() -> FundId),
        endowment: u64,
        bodies: &impl Bodies<WitnessBody>,
    ) -> Result<Balance, Refusal> {
        let Some(receipt) = self.state(fund) else {
            let is_first = fund == first();
            let first = Balance {
                owner,
                left: endowment,
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

    /// Whether a witness has signed a rollover of a fund, and so nothing else of it any more.
    pub(crate) fn is_renewing(&self, fund: FundId, bodies: &impl Bodies<WitnessBody>) -> bool {
        self.promise(fund).is_some_and(|promised| bodies.get(promised).rollover().is_some())
    }
}
