//! An eclipsed payee: it hears nobody but its payer and the adversary's verifiers.
//!
//! So its timeline is old: it lacks what is settled for all others. The payer draws on the old one
//! for it, which it believes, and spends the same fund honestly elsewhere. But the witnesses of the
//! fund are drawn, known to the payee, and not eclipsed: honest ones refuse a contract whose draw is
//! not that of the settled timeline, and the payee still wants signatures of as many as ever. All of
//! them would have to be corrupt.

use crate::adversary::{Adversary, Attack, NodeId, Witness};

impl Witness {
    fn eclipses(&self) -> Option<&Adversary> {
        self.adversary.as_ref().filter(|adversary| adversary.attack == Attack::Eclipse)
    }

    /// Whether the adversary lets no message through between two nodes.
    pub(super) fn is_cut(&self, one: NodeId, other: NodeId) -> bool {
        let Some(adversary) = self.eclipses() else { return false };
        let is_out = |victim, peer| {
            adversary.part(victim).is_some_and(|(part, cast)| {
                part == 2 && peer != cast[0] && !adversary.holds_node(&self.genesis, peer)
            })
        };
        is_out(one, other) || is_out(other, one)
    }

    /// Whether a witness signs without asking whether the contract is sound.
    pub(super) fn signs_blindly(&self, witness: NodeId) -> bool {
        self.eclipses().is_some_and(|adversary| adversary.holds_node(&self.genesis, witness))
    }
}
