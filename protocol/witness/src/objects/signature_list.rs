//! Many signatures, as short in memory as they are.
//!
//! Receipts are what the memory of a long run goes into, and signatures what receipts are made of. Modelled ones
//! say all they say in their first 16 bytes, and 48 zeros follow; a list keeps these only if one of its
//! signatures has something else there, as executed ones do.

use anthill_protocol::Signature;

/// The bytes that each signature takes in a list, and those that it takes where they are not all zero.
const HEAD: usize = 16;
const TAIL: usize = 64 - HEAD;

/// Signatures in the order in which they were added.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct SignatureList {
    heads: Vec<[u8; HEAD]>,
    /// One for each head, or none at all where all are zero.
    tails: Vec<[u8; TAIL]>,
}

impl SignatureList {
    /// None yet, with room for so many short ones.
    pub(crate) fn with_capacity(count: usize) -> Self {
        Self { heads: Vec::with_capacity(count), tails: Vec::new() }
    }

    /// Adds one.
    pub(crate) fn push(&mut self, signature: Signature) {
        let (head, rest) = signature.0.split_first_chunk().expect("64 bytes");
        let tail: [u8; TAIL] = rest.try_into().expect("the rest of 64 bytes");
        if !self.tails.is_empty() || tail != [0; TAIL] {
            self.tails.resize(self.heads.len(), [0; TAIL]);
            self.tails.push(tail);
        }
        self.heads.push(*head);
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        self.heads.len()
    }

    /// The one that was added after so many others.
    pub(crate) fn get(&self, index: usize) -> Option<Signature> {
        let mut bytes = [0; 64];
        let (head, tail) = bytes.split_at_mut(HEAD);
        head.copy_from_slice(self.heads.get(index)?);
        if let Some(known) = self.tails.get(index) {
            tail.copy_from_slice(known);
        }
        Some(Signature(bytes))
    }

    /// All of them, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = Signature> + '_ {
        (0..self.len()).filter_map(|index| self.get(index))
    }

    /// Gives back memory that was reserved for more.
    pub(crate) fn shrink_to_fit(&mut self) {
        self.heads.shrink_to_fit();
        self.tails.shrink_to_fit();
    }
}

#[cfg(test)]
impl FromIterator<Signature> for SignatureList {
    fn from_iter<I: IntoIterator<Item = Signature>>(signatures: I) -> Self {
        let mut list = Self::default();
        signatures.into_iter().for_each(|signature| list.push(signature));
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn short(byte: u8) -> Signature {
        let mut bytes = [0; 64];
        bytes[..HEAD].fill(byte);
        Signature(bytes)
    }

    #[test]
    fn what_is_added_is_found_whatever_its_length() {
        let mut last = short(9);
        last.0[63] = 1;
        let long = Signature([3; 64]);
        for all in
            [vec![], vec![short(1), short(2)], vec![short(1), last, short(0)], vec![long, long]]
        {
            let list: SignatureList = all.iter().copied().collect();
            assert_eq!(list.iter().collect::<Vec<_>>(), all);
            assert_eq!(list.len(), all.len());
            assert_eq!(list.get(all.len()), None);
        }
    }

    #[test]
    fn short_ones_take_a_quarter() {
        let list: SignatureList = (0..100).map(short).collect();
        assert!(list.tails.is_empty());
        let mut with_one = list.clone();
        with_one.push(Signature([1; 64]));
        assert_eq!(with_one.tails.len(), 101);
        assert_ne!(list, with_one);
    }
}
