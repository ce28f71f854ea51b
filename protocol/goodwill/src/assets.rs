//! What is known of a game's asset without asking it: what its creation said, and what its calls came to, by
//! their inputs alone. The judges hold the contract against it.

use std::collections::BTreeMap;

use crate::accounts::AccountId;

/// A contract with the code of the game's asset that ships.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Asset {
    pub(crate) supply: u64,
    /// Transfers that an owner has in a window of time.
    pub(crate) most: u64,
    /// Its length in milliseconds.
    window_ms: u64,
    pub(crate) sold: u64,
    /// The last window that anything was passed on in, and how often by whom.
    window: u64,
    moved: BTreeMap<AccountId, u64>,
}

/// The number at a place of an input.
fn number(input: &[u8], at: usize) -> Option<u64> {
    let bytes = input.get(at..)?.first_chunk()?;
    Some(u64::from_le_bytes(*bytes))
}

impl Asset {
    /// From the input of its creation: supply, price, transfers per owner and window, window.
    pub(crate) fn new(input: &[u8]) -> Option<Self> {
        let [supply, most, window_ms] = [0, 16, 24].map(|at| number(input, at));
        let (supply, most, window_ms) = (supply?, most?, window_ms?.max(1));
        Some(Self { supply, most, window_ms, sold: 0, window: 0, moved: BTreeMap::new() })
    }

    /// A call that came off; how often its caller has now passed something on in this window.
    pub(crate) fn note(&mut self, caller: AccountId, input: &[u8], time_ms: u64) -> u64 {
        match input.first() {
            Some(1) => {
                self.sold = self.sold.saturating_add(number(input, 1).unwrap_or(0));
                0
            }
            Some(2) => {
                let window = time_ms / self.window_ms;
                if window != self.window {
                    self.window = window;
                    self.moved.clear();
                }
                let moved = self.moved.entry(caller).or_insert(0);
                *moved += 1;
                *moved
            }
            _ => 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use anthill_contracts::shipped::{Part, input};

    use super::*;

    #[test]
    fn sales_and_transfers_are_counted_by_inputs() {
        assert_eq!(Asset::new(&[0; 31]), None);
        let mut asset = Asset::new(&input(&[9, 1, 2, 1_000].map(Part::U64))).expect("terms");
        assert_eq!((asset.supply, asset.most), (9, 2));
        let buy = input(&[Part::U8(1), Part::U64(4)]);
        assert_eq!((asset.note(1, &buy, 0), asset.note(2, &buy, 0), asset.sold), (0, 0, 8));
        let pass = input(&[Part::U8(2)]);
        let moved = [(1, 0), (1, 999), (2, 999), (1, 1_000)];
        assert_eq!(moved.map(|(who, time)| asset.note(who, &pass, time)), [1, 2, 1, 1]);
    }
}
