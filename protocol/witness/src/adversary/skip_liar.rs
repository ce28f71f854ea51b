//! Lies about who did not answer.
//!
//! A payer draws more verifiers than it needs and declares some that answered as skipped, so that
//! others become witnesses. One kind lies so many times at random, to measure how the tests of
//! [`crate::evidence`] detect it. The other, adaptive, replaces honest verifiers by the corrupt
//! ones that come next in the draw, as far as test 1 believes it, and spends the fund that they watch
//! twice.

use crate::adversary::{Adversary, Attack, Context, Genesis, NodeId, Terms, Witness};
use crate::objects::selection::{DrawOrder, Drawn};
use crate::odds::Collusion;

impl Adversary {
    /// How the witnesses are expected to be spread.
    pub(crate) fn collusion(&self, genesis: &Genesis, terms: &Terms) -> Collusion {
        Collusion {
            verifiers: genesis.verifiers() + self.identities.len() as u32,
            corrupt: self.held_count + self.identities.len() as u32,
            witnesses: terms.witnesses,
            redundancy: terms.redundancy,
        }
    }
}

impl Witness {
    /// The number of answers that a payer will deny: none, unless it is a liar.
    pub(super) fn lies(&self, payer: NodeId, payee: NodeId) -> u32 {
        let Some(adversary) = &self.adversary else { return 0 };
        let lies = match adversary.attack {
            Attack::Liar { lies } => lies,
            Attack::AdaptiveLiar => self.tests.total_threshold() - 1,
            _ => return 0,
        };
        if adversary.part(payer).is_none_or(|(part, _)| part != 0) {
            return 0;
        }
        if adversary.attack == Attack::AdaptiveLiar {
            return self.lies_needed(adversary, payer, payee, lies);
        }
        lies
    }

    /// The least number of lies that brings enough corrupt verifiers in, if all answer; none if even
    /// the most do not.
    fn lies_needed(&self, adversary: &Adversary, payer: NodeId, payee: NodeId, most: u32) -> u32 {
        let needed = adversary.collusion(&self.genesis, &self.terms).needed(2);
        let seed = self.genesis.seed(self.genesis.checksum(), payer, payee);
        // Neither party is a verifier: all that are drawn are eligible.
        let order = DrawOrder::new(seed, self.genesis.verifiers());
        let mut held = 0;
        for (rank, drawn) in order.take((self.terms.witnesses + most) as usize).zip(1u32..) {
            held += u32::from(adversary.holds(rank));
            if held >= needed {
                return drawn.saturating_sub(self.terms.witnesses);
            }
        }
        0
    }

    /// Declares honest verifiers of a draw skipped that answered, but for the last, with whom a draw
    /// ends.
    pub(super) fn lie(&self, draws: &mut [Drawn], lies: u32, cx: &mut impl Context<Self>) {
        let Some(adversary) = &self.adversary else { return };
        let Some((_, before)) = draws.split_last_mut() else { return };
        let answered = before.iter_mut().filter(|drawn| drawn.answered);
        let mut honest: Vec<_> = answered.filter(|d| !self.is_held(d.verifier)).collect();
        let count = honest.len();
        for number in 0..(lies as usize).min(count) {
            let place = match adversary.attack {
                // Spread, so that no two are neighbours.
                Attack::AdaptiveLiar => number * count / lies as usize,
                _ => {
                    let left = (count - number) as u64;
                    honest.swap(number, number + cx.random_below(left) as usize);
                    number
                }
            };
            honest[place].answered = false;
        }
    }
}
