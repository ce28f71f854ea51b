//! Adversaries that know the protocol's rules: whom they hold, and what an attempt is.
//!
//! An attempt has a cast of its own, users that are no verifiers and do nothing else: an attacker
//! with its untouched first fund, and the payees that it tries to pay with one withdrawal. Its draws
//! are honest and it never tries again after seeing one, so that attempts are independent and the
//! closed forms of [`super::odds`] are exact.

use super::fund::Fund;
use super::genesis::Genesis;
use super::metrics::WitnessMetric;
use super::node::WitnessNode;
use super::payer::{Paying, Twin};
use super::selection::{DrawOrder, Seed, Selection};
use super::{Witness, WitnessBody, WitnessTimer};
use crate::parameter::{AdversaryKind, Kind, Parameter, ParameterError, Value, Values};
use crate::{Bodies, Context, NodeId, Shared, Span};

const ATTEMPTS: Parameter = Parameter {
    name: "attempts",
    kind: Kind::Count { min: 1, max: 1_000_000 },
    default: Value::Count(1_000),
    about: "attempts, each by an attacker of its own; three or four users that are no verifiers",
};

const FRACTION: Parameter = Parameter {
    name: "fraction",
    kind: Kind::Share,
    default: Value::Share(0.2),
    about: "share of the verifiers that it holds, chosen uniformly; exactly so many, rounded",
};

pub(super) const KINDS: &[AdversaryKind] = &[
    AdversaryKind {
        name: "colluding-witnesses",
        about: "corrupt verifiers sign two contracts of one withdrawal, each shown to its own half of \
                the honest witnesses",
        parameters: &[FRACTION, ATTEMPTS],
    },
    AdversaryKind {
        name: "double-signer",
        about: "a payer asks all witnesses to sign two contracts of one withdrawal; no witness is \
                corrupt (what R4 stops)",
        parameters: &[ATTEMPTS],
    },
    AdversaryKind {
        name: "fractional-overspend",
        about: "a payer shows each witness two of three withdrawals of 40 % each; no witness is \
                corrupt (what R5 stops)",
        parameters: &[ATTEMPTS],
    },
    AdversaryKind {
        name: "coalition",
        about: "verifiers pool what they see of payments; they follow the protocol",
        parameters: &[FRACTION],
    },
];

/// When the attempts of a run begin: each at a moment of its own within this.
const SPREAD: Span = Span::from_secs(10);

/// What the adversary does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Attack {
    /// Corrupt witnesses sign both contracts.
    Colluding,
    /// All witnesses are asked for both.
    DoubleSigner,
    /// Three withdrawals of 40 %, two of them to each witness.
    Fractional,
    /// Only watches.
    Coalition,
}

/// An adversary of the protocol's own.
#[derive(Clone, Debug)]
pub(super) struct Adversary {
    pub(super) attack: Attack,
    pub(super) attempts: u32,
    fraction: f64,
    /// Verifiers it holds, a bit per rank.
    held: Box<[u64]>,
    pub(super) held_count: u32,
    /// The attacker and the payees of each attempt, one after the other.
    cast: Box<[NodeId]>,
}

impl Adversary {
    /// The adversary of a scenario, not fitted to its nodes yet.
    pub(super) fn configure(values: &Values) -> Option<Self> {
        let attack = match values.choice("adversary.kind") {
            "colluding-witnesses" => Attack::Colluding,
            "double-signer" => Attack::DoubleSigner,
            "fractional-overspend" => Attack::Fractional,
            "coalition" => Attack::Coalition,
            _ => return None,
        };
        let attempts = match attack {
            Attack::Coalition => 0,
            _ => values.count("adversary.attempts") as u32,
        };
        let fraction = match attack {
            Attack::Colluding | Attack::Coalition => values.share("adversary.fraction"),
            _ => 0.0,
        };
        let (held, cast) = (Box::default(), Box::default());
        Some(Self { attack, attempts, fraction, held, held_count: 0, cast })
    }

    /// How many users take part in an attempt.
    fn cast_size(&self) -> u32 {
        1 + self.payments()
    }

    /// Payments of an attempt.
    pub(super) fn payments(&self) -> u32 {
        if self.attack == Attack::Fractional { 3 } else { 2 }
    }

    /// Chooses whom it holds and who takes part.
    pub(super) fn fit(&mut self, genesis: &Genesis, seed: u64) -> Result<(), ParameterError> {
        let verifiers = genesis.verifiers();
        self.held_count = (self.fraction * f64::from(verifiers)).round() as u32;
        self.held = vec![0; verifiers.div_ceil(64) as usize].into();
        let order = DrawOrder::new(Seed::new(seed, u32::MAX, u32::MAX), verifiers);
        for rank in order.take(self.held_count as usize) {
            self.held[rank as usize / 64] |= 1 << (rank % 64);
        }
        let needed = u64::from(self.attempts) * u64::from(self.cast_size());
        let others = (0..genesis.users())
            .map(|rank| genesis.user(rank))
            .filter(|user| genesis.rank(*user).is_none());
        self.cast = others.take(needed as usize).collect();
        if (self.cast.len() as u64) < needed {
            let problem = format!(
                "{} attempts take {needed} users that are no verifiers, and there are {}; lower it, \
                 or protocol.verifiers, or raise `nodes`",
                self.attempts,
                self.cast.len(),
            );
            return Err(ParameterError { name: "adversary.attempts", problem });
        }
        Ok(())
    }

    /// Whether it holds a verifier of a rank.
    pub(super) fn holds(&self, rank: u32) -> bool {
        self.held[rank as usize / 64] & 1 << (rank % 64) != 0
    }

    /// The payees of an attacker; `None` if the node is none.
    fn payees(&self, node: NodeId) -> Option<&[NodeId]> {
        // In the order of ids.
        let place = self.cast.binary_search(&node).ok()?;
        let size = self.cast_size() as usize;
        (place % size == 0).then(|| &self.cast[place + 1..place + size])
    }

    /// Whether a node begins an attempt.
    pub(super) fn is_attacker(&self, node: NodeId) -> bool {
        self.payees(node).is_some()
    }

    /// Which witnesses are asked for each of the payments, a bit per position.
    fn masks(&self, selection: &Selection, redundancy: u32, genesis: &Genesis) -> Vec<u128> {
        let all = u128::MAX >> (128 - selection.witnesses.len());
        match self.attack {
            Attack::Colluding => {
                let corrupt =
                    |witness: &NodeId| genesis.rank(*witness).is_some_and(|r| self.holds(r));
                let held = mask(selection.witnesses.iter().map(corrupt));
                let needed = redundancy.saturating_sub(held.count_ones());
                let first = lowest(all & !held, needed);
                [first, lowest(all & !held & !first, needed)].map(|honest| held | honest).into()
            }
            Attack::Fractional => {
                // Each witness sees two of the three.
                let not_third =
                    |third: usize| mask((0..selection.witnesses.len()).map(|i| i % 3 != third));
                (0..3).map(not_third).collect()
            }
            Attack::DoubleSigner | Attack::Coalition => vec![all; 2],
        }
    }
}

fn mask(bits: impl Iterator<Item = bool>) -> u128 {
    bits.zip(0..).fold(0, |mask, (bit, position)| mask | u128::from(bit) << position)
}

/// The lowest `count` bits that are set.
fn lowest(mut of: u128, count: u32) -> u128 {
    let mut lowest = 0;
    for _ in 0..count.min(of.count_ones()) {
        let bit = of & of.wrapping_neg();
        lowest |= bit;
        of ^= bit;
    }
    lowest
}

impl Witness {
    /// Whether the adversary holds a verifier.
    pub(super) fn is_held(&self, verifier: NodeId) -> bool {
        self.adversary.as_ref().is_some_and(|adversary| {
            self.genesis.rank(verifier).is_some_and(|rank| adversary.holds(rank))
        })
    }

    /// Whether a verifier signs whatever an attacker asks of it.
    pub(super) fn is_corrupt(&self, verifier: NodeId) -> bool {
        let colluding = |adversary: &Adversary| adversary.attack == Attack::Colluding;
        self.adversary.as_ref().is_some_and(colluding) && self.is_held(verifier)
    }

    /// Whether a coalition sees a payment: one of its verifiers is among the witnesses of the sources
    /// or of the new fund.
    pub(super) fn is_seen(&self, receipt: Shared, bodies: &impl Bodies<WitnessBody>) -> bool {
        let watches = |adversary: &Adversary| adversary.attack == Attack::Coalition;
        if !self.adversary.as_ref().is_some_and(watches) {
            return false;
        }
        let contract = bodies.get(receipt).receipt().map(|receipt| receipt.contract);
        let Some(contract) = contract.and_then(|c| bodies.get(c).contract()) else { return false };
        let selections = contract.sources.iter().map(|source| source.selection);
        selections.chain([contract.selection]).any(|selection| {
            let selection = bodies.get(selection).selection();
            selection.is_some_and(|s| s.witnesses.iter().any(|witness| self.is_held(*witness)))
        })
    }

    /// Whether a node is an attacker, and so does nothing else.
    pub(super) fn is_attacker(&self, node: NodeId) -> bool {
        self.adversary.as_ref().is_some_and(|adversary| adversary.is_attacker(node))
    }

    /// An attacker waits for its moment.
    pub(super) fn wait_for_attack(&self, cx: &mut impl Context<Self>) {
        let delay = cx.random_below(SPREAD.0);
        cx.set_timer(Span(delay), WitnessTimer::Attack);
    }

    /// The attempt begins: one fund, several payees.
    pub(super) fn attack(&self, node: &mut WitnessNode, cx: &mut impl Context<Self>) {
        let Some(adversary) = &self.adversary else { return };
        let Some(payees) = adversary.payees(cx.id()) else { return };
        cx.record(WitnessMetric::Attempts, 1);
        node.wallet.opened = true;
        let fund = self.first_fund(cx);
        let bodies = cx.bodies();
        let selection = bodies.get(fund.selection).selection().expect("just shared");
        let masks = adversary.masks(selection, self.terms.redundancy, &self.genesis);
        let share = match adversary.attack {
            Attack::Fractional => fund.amount / 5 * 2,
            _ => fund.amount,
        };
        let last = payees.len() - 1;
        for (number, (payee, asked)) in payees.iter().zip(masks).enumerate() {
            cx.retain(fund.selection);
            let sequence = match adversary.attack {
                Attack::Fractional => number as u32,
                _ => 0,
            };
            // The last payment is the one too many.
            let twin = Some(Twin { is_phantom: number == last });
            let sources = vec![(Fund { sequence, ..fund }, share)];
            self.begin(node, *payee, share - self.terms.gas, sources, (asked, twin), cx);
        }
    }

    /// A payment of an attempt has ended.
    pub(super) fn attempt_ended(
        &self,
        node: &mut WitnessNode,
        paying: &Paying,
        was_accepted: bool,
        cx: &mut impl Context<Self>,
    ) {
        let Some(adversary) = &self.adversary else { return };
        node.attempt.ended += 1;
        node.attempt.accepted += u8::from(was_accepted);
        let all = adversary.payments() as u8;
        if node.attempt.ended == all {
            cx.record(WitnessMetric::Decided, 1);
        }
        if node.attempt.accepted == all {
            // All were accepted: one more than there was credit for.
            let withdrawn = paying.sources.iter().map(|(_, part)| *part).sum();
            cx.record(WitnessMetric::DoubleSpends, 1);
            cx.record(WitnessMetric::Counterfeit, withdrawn);
            cx.record(WitnessMetric::Reserved, withdrawn);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lowest_bits_are_taken_until_there_are_no_more() {
        assert_eq!(lowest(0b1011_0100, 2), 0b0001_0100);
        assert_eq!(lowest(0b11, 5), 0b11);
        assert_eq!(lowest(1 << 127, 1), 1 << 127);
        assert_eq!(mask([true, false, true].into_iter()), 0b101);
    }
}
