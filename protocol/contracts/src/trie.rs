//! A persistent binary trie over 256-bit keys, with a hash for its content and proofs.
//!
//! The path to a leaf is its key's bits, the most significant first. A leaf stands as high as it is
//! alone: no branch holds a single leaf and nothing else below it, so the shape, and with it the
//! root, is a function of the content. Hashes: a leaf is H(0, key, H(value)), a branch H(1, left,
//! right), the empty trie 32 zero bytes; H is BLAKE3 of the concatenation.
//!
//! Clones share their nodes; a change copies the path to it, unless nobody else holds it. Changes
//! come in batches ([`Trie::update`]): each node on the way is copied and hashed once per batch, so
//! a block of thousands of writes hashes the upper levels once.

mod proof;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use anthill_protocol::Digest;

pub use proof::{End, Proof, ProofError};

/// The root of the empty trie.
pub const EMPTY: Digest = Digest([0; 32]);

/// What a trie holds.
pub trait Value: Clone {
    /// The hash of its encoding: H(value).
    fn digest(&self) -> Digest;
}

/// Changes to make at once: a key and its new value, `None` to remove it.
pub type Batch<V> = Vec<(Digest, Option<V>)>;

/// A persistent map from keys to values with a root hash. Keys should be hashes: the depth is
/// logarithmic only for keys that nobody chose.
pub struct Trie<V> {
    root: Link<V>,
}

enum Link<V> {
    Empty,
    Leaf(Arc<Leaf<V>>),
    Branch(Arc<Branch<V>>),
}

struct Leaf<V> {
    hash: Digest,
    key: Digest,
    value: V,
}

struct Branch<V> {
    hash: Digest,
    left: Link<V>,
    right: Link<V>,
}

impl<V> Clone for Trie<V> {
    fn clone(&self) -> Self {
        Self { root: self.root.clone() }
    }
}

impl<V> Default for Trie<V> {
    fn default() -> Self {
        Self { root: Link::Empty }
    }
}

impl<V> Clone for Link<V> {
    fn clone(&self) -> Self {
        match self {
            Self::Empty => Self::Empty,
            Self::Leaf(leaf) => Self::Leaf(leaf.clone()),
            Self::Branch(branch) => Self::Branch(branch.clone()),
        }
    }
}

impl<V> Link<V> {
    fn hash(&self) -> Digest {
        match self {
            Self::Empty => EMPTY,
            Self::Leaf(leaf) => leaf.hash,
            Self::Branch(branch) => branch.hash,
        }
    }
}

impl<V: Value> Trie<V> {
    /// The empty trie.
    pub fn new() -> Self {
        Self::default()
    }

    /// The hash of the content: equal for equal content, whatever the order of changes.
    pub fn root(&self) -> Digest {
        self.root.hash()
    }

    /// The value at a key.
    pub fn get(&self, key: &Digest) -> Option<&V> {
        let mut link = &self.root;
        let mut depth = 0;
        loop {
            match link {
                Link::Empty => return None,
                Link::Leaf(leaf) => return (leaf.key == *key).then_some(&leaf.value),
                Link::Branch(branch) => {
                    link = if bit(key, depth) { &branch.right } else { &branch.left };
                    depth += 1;
                }
            }
        }
    }

    /// Sets the value at a key.
    pub fn insert(&mut self, key: Digest, value: V) {
        self.update(vec![(key, Some(value))]);
    }

    /// Removes a key; no change if it is absent.
    pub fn remove(&mut self, key: Digest) {
        self.update(vec![(key, None)]);
    }

    /// Makes all changes of a batch; of several to one key the last counts.
    pub fn update(&mut self, mut batch: Batch<V>) {
        // Stable: changes to one key stay in order.
        batch.sort_by_key(|(key, _)| *key);
        batch.reverse();
        batch.dedup_by_key(|(key, _)| *key);
        batch.reverse();
        let root = std::mem::replace(&mut self.root, Link::Empty);
        self.root = merge(root, &mut batch, 0);
    }

    /// Visits all keys and values in the order of keys.
    pub fn for_each(&self, mut visit: impl FnMut(&Digest, &V)) {
        walk(&self.root, 0, &mut |leaf, _| visit(&leaf.key, &leaf.value));
    }

    /// The number of leaves. Visits them all.
    pub fn count(&self) -> u64 {
        let mut count = 0;
        walk(&self.root, 0, &mut |_, _| count += 1);
        count
    }

    /// The mean number of branches above a leaf; 0 for an empty trie. Visits all leaves.
    pub fn mean_depth(&self) -> f64 {
        let (mut count, mut sum) = (0_u64, 0_u64);
        walk(&self.root, 0, &mut |_, depth| {
            count += 1;
            sum += depth as u64;
        });
        if count == 0 { 0.0 } else { sum as f64 / count as f64 }
    }
}

/// The hash of a leaf, from its key and the hash of its value.
pub fn leaf_hash(key: &Digest, value: &Digest) -> Digest {
    tagged(0, key, value)
}

/// The hash of a branch.
pub fn branch_hash(left: &Digest, right: &Digest) -> Digest {
    tagged(1, left, right)
}

fn tagged(tag: u8, first: &Digest, second: &Digest) -> Digest {
    let mut bytes = [0; 65];
    bytes[0] = tag;
    bytes[1..33].copy_from_slice(&first.0);
    bytes[33..].copy_from_slice(&second.0);
    Digest(blake3::hash(&bytes).into())
}

/// The bit of a key that decides at a depth: below 256.
fn bit(key: &Digest, depth: usize) -> bool {
    key.0[depth / 8] >> (7 - depth % 8) & 1 == 1
}

fn leaf<V: Value>(key: Digest, value: V) -> Link<V> {
    let hash = leaf_hash(&key, &value.digest());
    Link::Leaf(Arc::new(Leaf { hash, key, value }))
}

/// A branch over two links, or what stands for it: a lone leaf rises.
fn join<V>(left: Link<V>, right: Link<V>) -> Link<V> {
    match (left, right) {
        (Link::Empty, Link::Empty) => Link::Empty,
        (Link::Leaf(leaf), Link::Empty) | (Link::Empty, Link::Leaf(leaf)) => Link::Leaf(leaf),
        (left, right) => {
            let hash = branch_hash(&left.hash(), &right.hash());
            Link::Branch(Arc::new(Branch { hash, left, right }))
        }
    }
}

/// A key, and its value or nothing.
type Change<V> = (Digest, Option<V>);

/// Splits changes, sorted by key, by the bit at a depth.
fn split<V>(
    changes: &mut [(Digest, Option<V>)],
    depth: usize,
) -> (&mut [Change<V>], &mut [Change<V>]) {
    let middle = changes.partition_point(|(key, _)| !bit(key, depth));
    changes.split_at_mut(middle)
}

/// The link with changes made; they are sorted, of distinct keys, and agree with the path so far.
fn merge<V: Value>(link: Link<V>, changes: &mut [(Digest, Option<V>)], depth: usize) -> Link<V> {
    if changes.is_empty() {
        return link;
    }
    match link {
        Link::Empty => build(changes, None, depth),
        Link::Leaf(old) => {
            let replaced = changes.binary_search_by_key(&old.key, |(key, _)| *key).is_ok();
            build(changes, (!replaced).then_some(old), depth)
        }
        Link::Branch(mut branch) => {
            let (to_left, to_right) = split(changes, depth);
            if let Some(own) = Arc::get_mut(&mut branch) {
                let left = std::mem::replace(&mut own.left, Link::Empty);
                let right = std::mem::replace(&mut own.right, Link::Empty);
                own.left = merge(left, to_left, depth + 1);
                own.right = merge(right, to_right, depth + 1);
                if matches!(own.left, Link::Branch(_))
                    || matches!(own.right, Link::Branch(_))
                    || matches!((&own.left, &own.right), (Link::Leaf(_), Link::Leaf(_)))
                {
                    own.hash = branch_hash(&own.left.hash(), &own.right.hash());
                    return Link::Branch(branch);
                }
                let left = std::mem::replace(&mut own.left, Link::Empty);
                let right = std::mem::replace(&mut own.right, Link::Empty);
                return join(left, right);
            }
            let left = merge(branch.left.clone(), to_left, depth + 1);
            let right = merge(branch.right.clone(), to_right, depth + 1);
            join(left, right)
        }
    }
}

/// A link for the values among the changes, and an old leaf if there is one, whose key is not among
/// them.
fn build<V: Value>(
    changes: &mut [(Digest, Option<V>)],
    old: Option<Arc<Leaf<V>>>,
    depth: usize,
) -> Link<V> {
    let mut live = changes.iter_mut().filter(|(_, value)| value.is_some());
    match (live.next(), live.next(), old) {
        (None, _, None) => Link::Empty,
        (None, _, Some(old)) => Link::Leaf(old),
        (Some((key, value)), None, None) => leaf(*key, value.take().expect("only values are live")),
        (_, _, old) => {
            let (to_left, to_right) = split(changes, depth);
            let (old_left, old_right) = match old {
                Some(old) if bit(&old.key, depth) => (None, Some(old)),
                old => (old, None),
            };
            join(build(to_left, old_left, depth + 1), build(to_right, old_right, depth + 1))
        }
    }
}

fn walk<V>(link: &Link<V>, depth: usize, visit: &mut impl FnMut(&Leaf<V>, usize)) {
    match link {
        Link::Empty => {}
        Link::Leaf(leaf) => visit(leaf, depth),
        Link::Branch(branch) => {
            walk(&branch.left, depth + 1, visit);
            walk(&branch.right, depth + 1, visit);
        }
    }
}
