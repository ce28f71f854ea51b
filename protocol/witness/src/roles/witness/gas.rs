//! Gas: who gets what a withdrawal cost.
//!
//! It is split evenly among the witnesses whose promises are in the payer's receipt. Each finds its
//! own share in that receipt, notes it beside the fund, and has it when the fund is used up or rolls
//! over. Nothing is sent for it. A signatory that never hears of it goes without: its share stays in
//! the pot, as does that of a fund that expires.

use super::FundWitness;
use crate::Witness;
use crate::metrics::WitnessMetric;
use crate::objects::fund::FundId;
use crate::objects::receipt::{Receipt, opened};
use anthill_protocol::{Bodies, Context, Shared, draw};

/// The share of the signatory of a rank among `all`: an even part of `gas`, and one unit more for as
/// many as it leaves a remainder, in a row that begins where the seed says.
fn share(gas: u64, rank: u32, all: u32, seed: u64) -> u64 {
    let count = u64::from(all);
    let first = draw::below(draw::draw(seed, 0), count);
    let place = (u64::from(rank) + count - first) % count;
    gas / count + u64::from(place < gas % count)
}

/// The gas that a receipt owes the witness at a position of one of its sources.
fn owed(gas: u64, receipt: &Receipt, source: u8, position: usize) -> u64 {
    let signed = receipt.positions(source);
    if signed & 1 << position == 0 {
        return 0;
    }
    let rank = (signed & ((1 << position) - 1)).count_ones();
    let seed = draw::mix(FundId::of(&receipt.digest).0, source.into());
    share(gas, rank, signed.count_ones(), seed)
}

impl FundWitness<'_> {
    /// One source of a receipt is deducted: this witness's share is noted, and paid out if that used
    /// the fund up.
    pub(crate) fn earn(&mut self, receipt: Shared, number: u8, cx: &mut impl Context<Witness>) {
        let bodies = cx.bodies();
        let (receipt, contract) = opened(receipt, &bodies);
        let source = &contract.sources[usize::from(number)];
        let watched = bodies.get(source.selection).selection().expect("checked");
        let position = watched.position(cx.id()).expect("one of its witnesses");
        self.book.add_due(source.fund, owed(self.run.terms.gas, receipt, number, position));
        if source.left == 0 {
            self.pay_out(source.fund, cx);
        }
    }

    /// A fund is used up or has rolled over: its witness has what it earned with it.
    pub(crate) fn pay_out(&mut self, fund: FundId, cx: &mut impl Context<Witness>) {
        let paid = self.book.end_due(fund);
        if paid > 0 {
            *self.earned += paid;
            cx.record(WitnessMetric::Gas, paid.wrapping_neg());
            cx.record(WitnessMetric::Held, paid);
            cx.record(WitnessMetric::Earned, paid);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_even_and_add_up() {
        for (gas, all) in [(1_000, 62), (1_000, 100), (5, 7), (0, 3), (1_000, 1), (62, 62)] {
            for seed in 0..50 {
                let shares: Vec<u64> = (0..all).map(|rank| share(gas, rank, all, seed)).collect();
                assert_eq!(shares.iter().sum::<u64>(), gas);
                let (least, most) = (shares.iter().min(), shares.iter().max());
                assert!(most.expect("some") - least.expect("some") <= 1);
            }
        }
    }

    /// The unit that is left over goes to each as often.
    #[test]
    fn remainders_favour_nobody() {
        let mut counts = [0u32; 7];
        for seed in 0..7_000 {
            for (rank, count) in (0..).zip(&mut counts) {
                *count += share(8, rank, 7, seed) as u32 - 1;
            }
        }
        assert_eq!(counts.iter().sum::<u32>(), 7_000);
        assert!(counts.iter().all(|count| (880..1_120).contains(count)), "{counts:?}");
    }

    /// Whoever has not signed is owed nothing, whatever is between the positions of those who have.
    #[test]
    fn those_who_signed_are_owed_all_of_it() {
        use crate::objects::receipt::{Signed, Stage};
        use anthill_protocol::{Digest, NodeId, Shared, Signature, Time};
        let handle = Shared::new(1, 0, 50);
        let (payer, payee, amount) = (NodeId(5), NodeId(7), 9);
        let draft = crate::objects::contract::Draft {
            payer,
            payee,
            amount,
            time: Time::ZERO,
            selection: handle,
            sources: Box::default(),
        };
        for seed in 0..20 {
            let (digest, none) = (Digest([seed; 32]), Signature([0; 64]));
            let contract = draft.clone().signed(digest, none);
            let positions = [(0, 0), (0, 2), (0, 5), (0, 99), (1, 1), (1, 2)];
            let signed = positions.map(|(source, position)| {
                let witness = NodeId(u32::from(position) + 10);
                Signed { source, position, witness, signature: none }
            });
            let receipt = Receipt::new(handle, &contract, none, Stage::Promised, signed.to_vec());
            for (source, shares) in [(0, [0, 2, 5, 99].as_slice()), (1, &[1, 2])] {
                let found: Vec<u64> =
                    (0..100).map(|at| owed(1_003, &receipt, source, at)).collect();
                assert_eq!(found.iter().sum::<u64>(), 1_003);
                let least = 1_003 / shares.len() as u64;
                for (at, owed) in found.iter().enumerate() {
                    let range = if shares.contains(&at) { least..least + 2 } else { 0..1 };
                    assert!(range.contains(owed), "{at}: {owed}");
                }
            }
            assert_eq!(owed(1_003, &receipt, 2, 0), 0);
        }
    }
}
