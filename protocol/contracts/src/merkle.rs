//! The Merkle tree of a list (RFC 6962, 2.1, with BLAKE3): the root of a block's receipts or
//! transactions, and proofs that one is among them.

use anthill_protocol::Digest;

/// The root of the empty list.
pub const EMPTY: Digest = Digest([0; 32]);

/// That a digest is at an index of a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// Where in the list.
    pub index: u32,
    /// The length of the list.
    pub length: u32,
    /// The hashes beside the path, from the leaf upwards: at most 32.
    pub siblings: Vec<Digest>,
}

/// The root of a list: H(0, item) for a leaf, H(1, left, right) above; the left subtree holds the
/// largest power of two of items below their number.
pub fn root(items: &[Digest]) -> Digest {
    match items {
        [] => EMPTY,
        [item] => leaf(item),
        _ => {
            let (left, right) = items.split_at(half(items.len()));
            branch(&root(left), &root(right))
        }
    }
}

/// A proof for the item at an index; `None` if there is none.
pub fn prove(items: &[Digest], index: u32) -> Option<Inclusion> {
    let length = u32::try_from(items.len()).ok()?;
    if index >= length {
        return None;
    }
    let (mut items, mut at) = (items, index as usize);
    let mut siblings = Vec::new();
    while items.len() > 1 {
        let (left, right) = items.split_at(half(items.len()));
        if at < left.len() {
            siblings.push(root(right));
            items = left;
        } else {
            siblings.push(root(left));
            at -= left.len();
            items = right;
        }
    }
    siblings.reverse();
    Some(Inclusion { index, length, siblings })
}

impl Inclusion {
    /// Whether it proves that the list behind `root` has `item` at its index.
    pub fn holds(&self, root: &Digest, item: &Digest) -> bool {
        if self.index >= self.length {
            return false;
        }
        // The turns from the root downwards, as `prove` takes them: true is right.
        let (mut length, mut at) = (self.length as usize, self.index as usize);
        let mut turns = Vec::with_capacity(32);
        while length > 1 {
            let half = half(length);
            let right = at >= half;
            turns.push(right);
            if right {
                at -= half;
                length -= half;
            } else {
                length = half;
            }
        }
        if turns.len() != self.siblings.len() {
            return false;
        }
        let path = turns.iter().rev().zip(&self.siblings);
        let hash = path.fold(leaf(item), |hash, (right, beside)| {
            if *right { branch(beside, &hash) } else { branch(&hash, beside) }
        });
        hash == *root
    }
}

/// The largest power of two below a length of at least 2.
fn half(length: usize) -> usize {
    length.next_power_of_two() / 2
}

fn leaf(item: &Digest) -> Digest {
    let mut bytes = [0; 33];
    bytes[1..].copy_from_slice(&item.0);
    Digest(blake3::hash(&bytes).into())
}

fn branch(left: &Digest, right: &Digest) -> Digest {
    crate::trie::branch_hash(left, right)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn items(n: u32) -> Vec<Digest> {
        (0..n).map(|i| Digest(blake3::hash(&i.to_le_bytes()).into())).collect()
    }

    #[test]
    fn every_item_of_every_small_list_is_proved_and_nothing_else() {
        for n in 0..=40 {
            let list = items(n);
            let root = root(&list);
            assert_eq!(prove(&list, n), None);
            for (index, item) in list.iter().enumerate() {
                let proof = prove(&list, index as u32).expect("inside");
                assert!(proof.holds(&root, item), "{index} of {n}");
                for (other, _) in list.iter().enumerate().filter(|(other, _)| *other != index) {
                    assert!(!proof.holds(&root, &list[other]), "{other} for {index} of {n}");
                    let moved = Inclusion { index: other as u32, ..proof.clone() };
                    assert!(!moved.holds(&root, item), "{index} moved to {other} of {n}");
                }
                for at in 0..proof.siblings.len() {
                    let mut altered = proof.clone();
                    altered.siblings[at].0[0] ^= 1;
                    assert!(!altered.holds(&root, item));
                    altered.siblings.truncate(at);
                    assert!(!altered.holds(&root, item));
                }
                let outside = Inclusion { index: n, ..proof };
                assert!(!outside.holds(&root, item));
            }
        }
    }

    #[test]
    fn roots_of_small_lists_are_those_of_the_definition() {
        let list = items(3);
        let hash = |parts: &[&[u8]]| Digest(blake3::hash(&parts.concat()).into());
        let leaf = |i: usize| hash(&[&[0], &list[i].0]);
        let left = hash(&[&[1], &leaf(0).0, &leaf(1).0]);
        assert_eq!(root(&list), hash(&[&[1], &left.0, &leaf(2).0]));
        assert_eq!(root(&[]), EMPTY);
    }
}
