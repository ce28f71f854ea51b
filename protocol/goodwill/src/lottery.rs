//! Who may forge in a slot: drawn by what forgers have given for its window.

use std::collections::BTreeMap;

use anthill_protocol::draw::{below, mix};

use crate::accounts::AccountId;

/// The weights of a window: who gave how much for it, in the order of ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Table {
    owners: Box<[AccountId]>,
    /// The weights of all up to this one, itself included.
    cumulative: Box<[u64]>,
    hash: u64,
}

impl Table {
    pub(crate) fn new(bids: &BTreeMap<AccountId, u64>) -> Self {
        let mut total = 0u64;
        let mut hash = 0;
        let mut cumulative = Vec::with_capacity(bids.len());
        for (owner, bid) in bids {
            total = total.saturating_add(*bid);
            hash = mix(hash, mix(u64::from(*owner), *bid));
            cumulative.push(total);
        }
        Self { owners: bids.keys().copied().collect(), cumulative: cumulative.into(), hash }
    }

    pub(crate) fn total(&self) -> u64 {
        self.cumulative.last().copied().unwrap_or(0)
    }

    /// Tells tables apart.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    pub(crate) fn weight(&self, of: AccountId) -> u64 {
        self.owners.binary_search(&of).map_or(0, |place| self.weight_at(place))
    }

    fn weight_at(&self, place: usize) -> u64 {
        let before = place.checked_sub(1).map_or(0, |before| self.cumulative[before]);
        self.cumulative[place] - before
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (AccountId, u64)> + '_ {
        (0..self.owners.len()).map(|place| (self.owners[place], self.weight_at(place)))
    }

    /// The key, in the order of ids, whose cumulative weight holds the draw of a slot; `None`: nobody
    /// gave anything. The draw is mapped to the weights by multiplication, which is as even as a
    /// remainder.
    pub(crate) fn leader(&self, beacon: u64, slot: u32) -> Option<AccountId> {
        let draw = below(mix(beacon, u64::from(slot)), self.total());
        let place = self.cumulative.partition_point(|sum| *sum <= draw);
        self.owners.get(place).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table(bids: &[(u32, u64)]) -> Table {
        Table::new(&bids.iter().copied().collect())
    }

    #[test]
    fn nobody_leads_without_bids() {
        assert_eq!(table(&[]).leader(1, 1), None);
        assert_eq!((table(&[]).total(), table(&[]).weight(0)), (0, 0));
        assert_eq!(table(&[(3, 5), (9, 7)]).iter().collect::<Vec<_>>(), [(3, 5), (9, 7)]);
    }

    /// χ² of the slots of ten unequal forgers; and the extreme that is refused at p < 10⁻⁴.
    #[test]
    fn slots_are_drawn_in_proportion() {
        let bids: Vec<(u32, u64)> = (0..10).map(|i| (i * 3, 1_000 * u64::from(i + 1))).collect();
        let table = table(&bids);
        let slots = 110_000u32;
        let mut won = BTreeMap::new();
        for slot in 0..slots {
            *won.entry(table.leader(77, slot).expect("somebody")).or_insert(0u32) += 1;
        }
        let expected = |bid: u64| f64::from(slots) * bid as f64 / table.total() as f64;
        let chi: f64 = bids
            .iter()
            .map(|(id, bid)| (f64::from(won[id]) - expected(*bid)).powi(2) / expected(*bid))
            .sum();
        assert!(chi < 33.7, "chi2 = {chi} with 9 degrees of freedom");
    }

    /// Whoever splits a bid over many keys that follow each other has the same slots.
    #[test]
    fn splitting_a_bid_changes_nothing() {
        let whole = table(&[(0, 500), (10, 4_000), (50, 1_500)]);
        let mut bids = vec![(0, 500), (50, 1_500)];
        bids.extend((10..50).map(|id| (id, 100)));
        let split = table(&bids);
        for slot in 0..10_000 {
            let one = whole.leader(3, slot).map(|id| id == 10);
            assert_eq!(split.leader(3, slot).map(|id| (10..50).contains(&id)), one);
        }
    }
}
