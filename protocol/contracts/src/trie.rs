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
//!
//! Most of what an update costs is waiting for memory, so a branch holds the hashes of its children: who
//! hashes it again looks at none that did not change, and a path that nobody shares is changed in place.

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
    root: Child<V>,
}

/// What stands at a place, and its hash.
struct Child<V> {
    hash: Digest,
    link: Link<V>,
}

enum Link<V> {
    Empty,
    Leaf(Arc<Leaf<V>>),
    Branch(Arc<Branch<V>>),
}

struct Leaf<V> {
    key: Digest,
    value: V,
}

struct Branch<V> {
    left: Child<V>,
    right: Child<V>,
}

impl<V> Clone for Trie<V> {
    fn clone(&self) -> Self {
        Self { root: self.root.clone() }
    }
}

impl<V> Default for Trie<V> {
    fn default() -> Self {
        Self { root: Child::empty() }
    }
}

impl<V> Clone for Child<V> {
    fn clone(&self) -> Self {
        let link = match &self.link {
            Link::Empty => Link::Empty,
            Link::Leaf(leaf) => Link::Leaf(leaf.clone()),
            Link::Branch(branch) => Link::Branch(branch.clone()),
        };
        Self { hash: self.hash, link }
    }
}

impl<V> Child<V> {
    const fn empty() -> Self {
        Self { hash: EMPTY, link: Link::Empty }
    }

    fn take(&mut self) -> Self {
        std::mem::replace(self, Self::empty())
    }
}

impl<V: Value> Trie<V> {
    /// The empty trie.
    pub fn new() -> Self {
        Self::default()
    }

    /// The hash of the content: equal for equal content, whatever the order of changes.
    pub fn root(&self) -> Digest {
        self.root.hash
    }

    /// The value at a key.
    pub fn get(&self, key: &Digest) -> Option<&V> {
        let mut link = &self.root.link;
        let mut depth = 0;
        loop {
            match link {
                Link::Empty => return None,
                Link::Leaf(leaf) => return (leaf.key == *key).then_some(&leaf.value),
                Link::Branch(branch) => {
                    let child = if bit(key, depth) { &branch.right } else { &branch.left };
                    link = &child.link;
                    depth += 1;
                }
            }
        }
    }

    /// How many of some keys are there. Their paths are gone down together: the processor waits for memory once a
    /// level, not once a key.
    pub(crate) fn count_of(&self, keys: &[Digest]) -> usize {
        let mut open: Vec<_> = keys.iter().map(|key| (&self.root.link, key)).collect();
        let (mut found, mut depth) = (0, 0);
        while !open.is_empty() {
            open.retain_mut(|(link, key)| match link {
                Link::Empty => false,
                Link::Leaf(leaf) => {
                    found += usize::from(leaf.key == **key);
                    false
                }
                Link::Branch(branch) => {
                    let child = if bit(key, depth) { &branch.right } else { &branch.left };
                    *link = &child.link;
                    true
                }
            });
            depth += 1;
        }
        found
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
        self.root = merge(self.root.take(), &mut batch, 0);
    }

    /// The same for changes to distinct keys, in any order.
    pub(crate) fn update_distinct(&mut self, mut batch: Batch<V>) {
        batch.sort_unstable_by_key(|(key, _)| *key);
        debug_assert!(batch.is_sorted_by(|(a, _), (b, _)| a < b), "a key twice");
        self.root = merge(self.root.take(), &mut batch, 0);
    }

    /// Visits all keys and values in the order of keys.
    pub fn for_each(&self, mut visit: impl FnMut(&Digest, &V)) {
        walk(&self.root.link, 0, &mut |leaf, _| visit(&leaf.key, &leaf.value));
    }

    /// The number of leaves. Visits them all.
    pub fn count(&self) -> u64 {
        let mut count = 0;
        walk(&self.root.link, 0, &mut |_, _| count += 1);
        count
    }

    /// The mean number of branches above a leaf; 0 for an empty trie. Visits all leaves.
    pub fn mean_depth(&self) -> f64 {
        let (mut count, mut sum) = (0_u64, 0_u64);
        walk(&self.root.link, 0, &mut |_, depth| {
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

fn leaf<V: Value>(key: Digest, value: V) -> Child<V> {
    let hash = leaf_hash(&key, &value.digest());
    Child { hash, link: Link::Leaf(Arc::new(Leaf { key, value })) }
}

/// A branch over two children, or what stands for it: a lone leaf rises.
fn join<V>(left: Child<V>, right: Child<V>) -> Child<V> {
    match (&left.link, &right.link) {
        (Link::Empty, Link::Empty | Link::Leaf(_)) => right,
        (Link::Leaf(_), Link::Empty) => left,
        _ => {
            let hash = branch_hash(&left.hash, &right.hash);
            Child { hash, link: Link::Branch(Arc::new(Branch { left, right })) }
        }
    }
}

/// A key, and its value or nothing.
type Change<V> = (Digest, Option<V>);

/// Splits changes, sorted by key, by the bit at a depth.
fn split<V>(changes: &mut [Change<V>], depth: usize) -> (&mut [Change<V>], &mut [Change<V>]) {
    let middle = changes.partition_point(|(key, _)| !bit(key, depth));
    changes.split_at_mut(middle)
}

/// The child with changes made; they are sorted, of distinct keys, and agree with the path so far.
fn merge<V: Value>(child: Child<V>, changes: &mut [Change<V>], depth: usize) -> Child<V> {
    if changes.is_empty() {
        return child;
    }
    let Link::Branch(mut branch) = child.link else { return rebuilt(&child, changes, depth) };
    let Some(own) = Arc::get_mut(&mut branch) else { return copied(&branch, changes, depth) };
    let (to_left, to_right) = split(changes, depth);
    for (side, changes) in [(&mut own.left, to_left), (&mut own.right, to_right)] {
        if !changes.is_empty() {
            *side = merge(side.take(), changes, depth + 1);
        }
    }
    if matches!((&own.left.link, &own.right.link), (Link::Branch(_), _) | (_, Link::Branch(_)))
        || matches!((&own.left.link, &own.right.link), (Link::Leaf(_), Link::Leaf(_)))
    {
        let hash = branch_hash(&own.left.hash, &own.right.hash);
        return Child { hash, link: Link::Branch(branch) };
    }
    join(own.left.take(), own.right.take())
}

/// What a branch that others hold becomes with changes made: what lies below may be theirs as well.
fn copied<V: Value>(branch: &Branch<V>, changes: &mut [Change<V>], depth: usize) -> Child<V> {
    let (to_left, to_right) = split(changes, depth);
    let side = |child: &Child<V>, changes: &mut [Change<V>]| match &child.link {
        _ if changes.is_empty() => child.clone(),
        Link::Branch(branch) => copied(branch, changes, depth + 1),
        _ => rebuilt(child, changes, depth + 1),
    };
    join(side(&branch.left, to_left), side(&branch.right, to_right))
}

/// What a child that is no branch becomes with changes made.
fn rebuilt<V: Value>(child: &Child<V>, changes: &mut [Change<V>], depth: usize) -> Child<V> {
    let old = match &child.link {
        Link::Leaf(old) if changes.binary_search_by_key(&old.key, |(key, _)| *key).is_err() => {
            Some((old.key, child.clone()))
        }
        _ => None,
    };
    build(changes, old, depth)
}

/// What stands for the values among the changes, and for an old leaf if there is one, whose key is not among
/// them.
fn build<V: Value>(
    changes: &mut [Change<V>],
    old: Option<(Digest, Child<V>)>,
    depth: usize,
) -> Child<V> {
    let mut live = changes.iter_mut().filter(|(_, value)| value.is_some());
    match (live.next(), live.next(), old) {
        (None, _, None) => Child::empty(),
        (None, _, Some((_, old))) => old,
        (Some((key, value)), None, None) => leaf(*key, value.take().expect("only values are live")),
        (_, _, old) => {
            let (to_left, to_right) = split(changes, depth);
            let (old_left, old_right) = match old {
                Some(old) if bit(&old.0, depth) => (None, Some(old)),
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
            walk(&branch.left.link, depth + 1, visit);
            walk(&branch.right.link, depth + 1, visit);
        }
    }
}
