//! Games' assets: no more are sold than there are, and nobody passes on more in a window than it may.

use std::collections::BTreeMap;

use anthill_protocol::judge::{Breaches, Rule, Said};

use crate::output::GoodwillOutput as Says;

/// What is said of an asset after a call keeps its terms, and the terms stay.
#[derive(Default)]
pub(super) struct Caps {
    /// Supply and transfers, by asset.
    terms: BTreeMap<u64, (u64, u64)>,
}

/// Assets whose terms are remembered at most.
const MOST: usize = 1 << 16;

impl Rule<Says> for Caps {
    fn hear(&mut self, said: &Said<Says>, breaches: &mut Breaches) {
        let Says::Asset { asset, .. } = said.output else { return };
        if asset.sold > asset.supply {
            breaches.output(said, "more were sold than there are");
        }
        if asset.moved > asset.most {
            breaches.output(said, "its owner passes on more in a window than it may");
        }
        let terms = (asset.supply, asset.most);
        match self.terms.get(&asset.contract) {
            Some(known) if *known != terms => {
                breaches.output(said, "its terms are no longer those of the beginning");
            }
            Some(_) => {}
            None if self.terms.len() < MOST => {
                self.terms.insert(asset.contract, terms);
            }
            None => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use anthill_protocol::Time;

    use super::*;
    use crate::judges::tests::{findings, said};
    use crate::output::Asset;

    #[test]
    fn terms_are_kept() {
        let of = |contract, sold, moved, supply| {
            let asset = Asset { block: 1, contract, sold, supply, moved, most: 2 };
            said(Time(1), 0, Says::Asset { asset })
        };
        let count = |all: &[Said<Says>]| findings(Caps::default(), all, Time(9));
        assert_eq!(count(&[of(1, 5, 2, 5), of(2, 9, 0, 9), of(1, 4, 0, 5)]), 0);
        assert_eq!(count(&[of(1, 6, 0, 5)]), 1);
        assert_eq!(count(&[of(1, 5, 3, 5)]), 1);
        assert_eq!(count(&[of(1, 5, 0, 5), of(1, 5, 0, 6)]), 1);
    }
}
