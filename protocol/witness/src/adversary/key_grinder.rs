//! Grinding keys: the payee's residue is part of a draw's seed, and keys cost nothing.
//!
//! A payer that is also its payee tries residues of new keys offline until the draw has enough corrupt
//! witnesses. Nothing of it is seen by anybody: the attempt is a computation.

use crate::adversary::{Adversary, Context, Witness, WitnessMetric};
use crate::genesis::RESIDUES;
use crate::objects::selection::{DrawOrder, Seed};

impl Witness {
    /// Tries so many residues, from a random one on.
    pub(super) fn grind(&self, adversary: &Adversary, tries: u32, cx: &mut impl Context<Self>) {
        let needed = adversary.collusion(&self.genesis, &self.terms).needed(2) as usize;
        let (checksum, payer) = (self.genesis.checksum(), self.genesis.residue(cx.id()));
        let first = cx.random_below(RESIDUES);
        let found = (0..u64::from(tries)).any(|number| {
            let payee = ((first + number) % RESIDUES) as u32;
            let order = DrawOrder::new(Seed::new(checksum, payer, payee), self.genesis.verifiers());
            let drawn = order.take(self.terms.witnesses as usize);
            drawn.filter(|rank| adversary.holds(*rank)).count() >= needed
        });
        cx.record(WitnessMetric::Favourable, u64::from(found));
        cx.record(WitnessMetric::Decided, 1);
    }
}
