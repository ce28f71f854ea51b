//! The table of participants at the end of a run: who is what, and what is in their wallets.

use crate::genesis::{CREDIT_ORIGIN, NODE_ZERO};
use crate::{Witness, WitnessNode};
use anthill_protocol::{Cell, Column, Holds, NodeId};

const fn column(name: &'static str, about: &'static str, holds: Holds) -> Column {
    Column { name, about, holds }
}

/// The columns.
pub(crate) const COLUMNS: &[Column] = &[
    column("role", "verifier, user, node-zero or credit-origin", Holds::Word),
    column("credit", "credit in the funds that it may spend", Holds::Sum),
    column("tied", "credit in funds that its payments under way draw on", Holds::Sum),
    column("funds", "funds that it may spend", Holds::Sum),
    column("paid", "payments it has begun", Holds::Sum),
    column("received", "payments it has received", Holds::Sum),
    column("open", "payments under way that it pays or receives", Holds::Sum),
    column("watched", "funds it watches, untouched ones of genesis aside", Holds::Sum),
    column("promises", "funds it has promised to a contract that is under way", Holds::Sum),
    column("history", "beside a coalition: payments that it made or received", Holds::Sum),
    column("seen", "of these, those that the coalition has seen", Holds::Sum),
];

impl Witness {
    /// One participant's row.
    pub(crate) fn row_of(&self, id: NodeId, node: &WitnessNode) -> Vec<Cell> {
        let role = match id {
            NODE_ZERO => "node-zero",
            CREDIT_ORIGIN => "credit-origin",
            _ if self.has_stake(node, id) && !self.has_left(node) => "verifier",
            _ => "user",
        };
        let wallet = &node.wallet;
        // A first fund that was never touched follows from the id and takes no entry.
        let untouched = u64::from(!wallet.opened && self.genesis.is_user(id));
        let credit = wallet.funds.iter().map(|fund| fund.amount).sum::<u64>();
        // Payments of an attempt share their funds, so these are not counted one by one.
        let honest = node.paying.iter().filter(|paying| paying.role.is_none());
        let sources = honest.flat_map(|paying| &paying.sources);
        let [history, seen] = node.attempt.as_ref().map_or([0; 2], |attempt| attempt.history);
        let counts = [
            credit + untouched * self.endowment,
            sources.map(|(fund, _)| fund.amount).sum(),
            wallet.funds.len() as u64 + untouched,
            node.payments.into(),
            wallet.received.len() as u64,
            (node.paying.len() + node.receiving.len()) as u64,
            node.book.len() as u64,
            node.book.promises().count() as u64,
            history.into(),
            seen.into(),
        ];
        [Cell::Word(role)].into_iter().chain(counts.map(Cell::Count)).collect()
    }
}
