//! Many identities of one owner, each of which stakes and joins.
//!
//! They are drawn as all others are, once their joining is settled, and sign what their owner wants:
//! collusion, at the price of a stake each.

use super::super::timeline::EventKind;
use super::{Adversary, Context, KNOWN, NodeId, Span};
use super::{Witness, WitnessMetric, WitnessNode, WitnessTimer};

impl Witness {
    /// When an identity joins: one after the other within a minute.
    pub(super) fn joining_begins(&self, adversary: &Adversary, node: NodeId) -> Option<Span> {
        let turn = adversary.identities.binary_search(&node).ok()? as u64;
        Some(Span(KNOWN.0 / adversary.identities.len() as u64 * turn + 1))
    }

    /// An identity joins, and later asks for what it missed before it was known.
    pub(super) fn join_as_sybil(&self, node: &mut WitnessNode, cx: &mut impl Context<Self>) {
        if node.attempt.is_some() {
            return self.probe(node.timeline, self.genesis.verifier(0), cx);
        }
        node.attempt = Some(Box::default());
        // Out of its first fund, of which nothing is spent otherwise.
        let stake = self.terms.stake;
        node.wallet.opened = true;
        cx.record(WitnessMetric::Held, stake.wrapping_neg());
        cx.record(WitnessMetric::Staked, stake);
        cx.record(WitnessMetric::SybilStake, stake);
        self.announce(node, EventKind::Join { stake }, cx);
        cx.set_timer(KNOWN * 2, WitnessTimer::Attack);
    }
}
