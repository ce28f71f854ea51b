//! A bounded cache of what is costly to derive and never wrong to derive again.
//!
//! Direct-mapped: each key has one place, and the latest key there stays. Against an LRU list that
//! is no links to update on a hit and a few lines of code; node ids, which are dense, never meet in
//! a cache of at least as many places. Which keys meet depends on the keys alone, and a miss costs
//! time, never an answer.

/// A cache from `K` to `V`; takes no memory before its first use.
pub(super) struct Cache<K, V> {
    places: Vec<Option<(K, V)>>,
    /// The number of places once used, less one: a power of two, less one.
    mask: usize,
}

impl<K: Copy + Eq, V> Cache<K, V> {
    /// A cache of at least `capacity` places.
    pub(super) fn new(capacity: usize) -> Self {
        Self { places: Vec::new(), mask: capacity.next_power_of_two() - 1 }
    }

    /// What a cache of `capacity` takes from its first use on, beside what its values own.
    pub(super) fn bytes(capacity: usize) -> u64 {
        (capacity.next_power_of_two() * size_of::<Option<(K, V)>>()) as u64
    }

    /// The value of a key whose place is `position`, modulo the number of places; made if absent.
    pub(super) fn get_or_make(
        &mut self,
        position: u64,
        key: K,
        make: impl FnOnce() -> V,
    ) -> &mut V {
        if self.places.is_empty() {
            self.places.resize_with(self.mask + 1, || None);
        }
        let place = &mut self.places[position as usize & self.mask];
        if place.as_ref().is_some_and(|(held, _)| *held != key) {
            *place = None;
        }
        &mut place.get_or_insert_with(|| (key, make())).1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn holds_the_latest_key_of_a_place_and_makes_each_once_while_held() {
        let mut cache = Cache::new(3); // four places
        let mut made = 0;
        for (key, expected_made) in [(1u32, 1), (1, 1), (5, 2), (1, 3), (2, 4), (1, 4)] {
            let value = *cache.get_or_make(key.into(), key, || {
                made += 1;
                key * 10
            });
            assert_eq!((value, made), (key * 10, expected_made));
        }
        assert_eq!(cache.places.len(), 4);
    }
}
