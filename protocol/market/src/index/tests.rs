use super::*;
use crate::command::{Force, Side};
use crate::draw::Draws;
use crate::slab::{Slot, State};
use std::collections::BTreeMap;

fn slot(id: OrderId) -> Slot {
    Slot {
        id,
        price: 1,
        remaining: 1,
        stamp: 0,
        visible: 0,
        display: 0,
        holds: 0,
        instrument: 0,
        side: Side::Bid,
        state: State::Book,
        force: Force::Rest,
        dying: false,
    }
}

#[test]
fn finds_what_a_map_finds_through_growth_and_removal() {
    let (mut index, mut slab, mut map) = (Index::new(), Slab::new(), BTreeMap::new());
    let mut draws = Draws::new(1);
    for _ in 0..60_000 {
        let id = OrderId::new(draws.below(40) as u32, draws.below(60) as u32);
        match map.remove(&id) {
            Some(at) => {
                assert_eq!(index.get(id, &slab), Some(at));
                index.remove(id, at);
                slab.remove(at);
            }
            None => {
                assert_eq!(index.get(id, &slab), None);
                let at = slab.insert(slot(id));
                index.insert(id, at);
                map.insert(id, at);
            }
        }
    }
    for (&id, &at) in &map {
        assert_eq!(index.get(id, &slab), Some(at));
    }
    assert_eq!(index.used, map.len());
    let all = index.buckets.iter().flat_map(|bucket| &bucket.hashes[..PLACES]);
    assert_eq!(all.filter(|hash| **hash != 0).count(), map.len());
    for (id, at) in map {
        index.remove(id, at);
        slab.remove(at);
    }
    assert!(index.buckets.iter().all(|bucket| bucket.hashes == [0; PLACES + 1]), "a trace is left");
}
