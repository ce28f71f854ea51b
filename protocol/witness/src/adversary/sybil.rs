//! Many identities of one owner, each of which stakes and joins as any user does.
//!
//! They are drawn as all others are, once their joining is settled, and sign what their owner wants:
//! collusion, at the price of a stake each.

use crate::adversary::{Adversary, KNOWN, NodeId, Span, Witness};

impl Witness {
    /// When an identity joins: one after the other within a minute.
    pub(super) fn joining_begins(&self, adversary: &Adversary, node: NodeId) -> Option<Span> {
        let turn = adversary.identities.binary_search(&node).ok()? as u64;
        Some(Span(KNOWN.0 / adversary.identities.len() as u64 * turn + 1))
    }
}
