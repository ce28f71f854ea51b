//! What nodes remember, in the forms that a state is saved in.

use std::collections::{BTreeMap, BTreeSet};

use anthill_protocol::{Snapshot, SnapshotError};

/// More values than these no node keeps: a program may send as many as it likes.
pub(crate) const MOST_VALUES: usize = 1 << 20;

/// A set of whole numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Numbers(BTreeSet<i64>);

impl Numbers {
    /// Adds a number; whether it is new. One that does not fit in any more is not.
    pub(crate) fn insert(&mut self, number: i64) -> bool {
        self.0.len() < MOST_VALUES && self.0.insert(number)
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = i64> + '_ {
        self.0.iter().copied()
    }
}

impl Snapshot for Numbers {
    fn save(&self, out: &mut Vec<u8>) {
        self.0.iter().map(|number| *number as u64).collect::<Vec<u64>>().save(out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let list = Vec::<u64>::load(bytes)?;
        Ok(Self(list.into_iter().map(|number| number as i64).collect()))
    }
}

/// A store from texts to texts, of a bounded size.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Texts {
    map: BTreeMap<String, String>,
    bytes: usize,
}

/// The most bytes of keys and values in a store.
const MOST_BYTES: usize = 64 << 20;

impl Texts {
    pub(crate) fn get(&self, key: &str) -> Option<&str> {
        self.map.get(key).map(String::as_str)
    }

    /// Puts a value; whether there is room for it.
    pub(crate) fn put(&mut self, key: &str, value: &str) -> bool {
        let before = self.map.get(key).map_or(0, |old| key.len() + old.len());
        let after = self.bytes - before + key.len() + value.len();
        if after > MOST_BYTES || (before == 0 && self.map.len() >= MOST_VALUES) {
            return false;
        }
        self.bytes = after;
        self.map.insert(key.to_owned(), value.to_owned());
        true
    }
}

impl Snapshot for Texts {
    fn save(&self, out: &mut Vec<u8>) {
        (self.map.len() as u64).save(out);
        for (key, value) in &self.map {
            key.as_bytes().to_vec().save(out);
            value.as_bytes().to_vec().save(out);
        }
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let text = |bytes: &mut &[u8]| {
            let bytes = Vec::<u8>::load(bytes)?;
            String::from_utf8(bytes).map_err(|_| SnapshotError("a text that is none"))
        };
        let mut texts = Self::default();
        for _ in 0..u64::load(bytes)? {
            let (key, value) = (text(bytes)?, text(bytes)?);
            if !texts.put(&key, &value) {
                return Err(SnapshotError("a store that is too large"));
            }
        }
        Ok(texts)
    }
}

/// Counts by node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts(BTreeMap<u32, u64>);

impl Counts {
    pub(crate) fn add(&mut self, node: u32, by: u64) {
        let count = self.0.entry(node).or_default();
        *count = count.saturating_add(by);
    }

    /// Takes the greater of two counts; whether it was the other's.
    pub(crate) fn raise(&mut self, node: u32, to: u64) -> bool {
        let count = self.0.entry(node).or_default();
        let raises = to > *count;
        *count = to.max(*count);
        raises
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, u64)> + '_ {
        self.0.iter().map(|(node, count)| (*node, *count))
    }

    pub(crate) fn sum(&self) -> u64 {
        self.0.values().fold(0, |sum, count| sum.saturating_add(*count))
    }
}

impl Snapshot for Counts {
    fn save(&self, out: &mut Vec<u8>) {
        self.iter().collect::<Vec<(u32, u64)>>().save(out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        Ok(Self(Vec::<(u32, u64)>::load(bytes)?.into_iter().collect()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_knows_its_size() {
        let mut texts = Texts::default();
        assert!(texts.put("k", "12") && texts.put("k", "1") && texts.put("l", ""));
        assert_eq!((texts.bytes, texts.get("k")), (3, Some("1")));
        assert!(!texts.put("m", &"x".repeat(MOST_BYTES)));
        assert_eq!((texts.bytes, texts.get("m")), (3, None));
        let mut bytes = Vec::new();
        texts.save(&mut bytes);
        assert_eq!(Texts::load(&mut &bytes[..]), Ok(texts));
    }

    #[test]
    fn counts_only_rise() {
        let mut counts = Counts::default();
        counts.add(3, 5);
        assert!(!counts.raise(3, 5) && counts.raise(3, 6) && counts.raise(1, 2));
        assert_eq!(counts.sum(), 8);
        counts.add(1, u64::MAX);
        assert_eq!(counts.sum(), u64::MAX);
    }
}
