//! Sets of verifiers that share what they have in common.
//!
//! Every event of the timeline may make another set, and all of them are wanted again: the draw of a
//! payment uses the one of two days ago. A set is a tree over the ids in which whatever is as at
//! genesis is left out, because it follows by arithmetic; a change copies the path to one leaf. So
//! the set of genesis takes no memory, and one change about a kilobyte at a million nodes.

use std::sync::Arc;

use crate::genesis::Genesis;
use anthill_protocol::{NodeId, Snapshot, SnapshotError};

/// Children of an inner node, words of a leaf.
const FAN: usize = 16;
/// Ids in a leaf.
const LEAF: u64 = 64 * FAN as u64;
/// Inner nodes above a leaf at most: a leaf has 2^10 of 2^32 ids, an inner node 2^4 children.
const DEPTH: u32 = 6;

/// A set of nodes, in the order of their ids; by default the verifiers of genesis.
#[derive(Clone, Debug, Default)]
pub struct Members {
    /// Their number, and where they differ from genesis; `None` if nowhere.
    changed: Option<(u32, Arc<Tree>)>,
}

#[derive(Clone, Debug)]
enum Tree {
    /// A bit per id.
    Leaf([u64; FAN]),
    Inner([Branch; FAN]),
}

#[derive(Clone, Debug)]
struct Branch {
    count: u32,
    /// `None`: as at genesis.
    below: Option<Arc<Tree>>,
}

/// The number of ids of a child of the root, which is a leaf if there are few.
fn root_width(genesis: &Genesis) -> u64 {
    let mut width = LEAF;
    while width < genesis.nodes().into() {
        width *= FAN as u64;
    }
    width
}

fn count(genesis: &Genesis, start: u64, width: u64) -> u32 {
    genesis.verifiers_below(start + width) - genesis.verifiers_below(start)
}

impl Tree {
    /// A subtree as at genesis.
    fn genesis(genesis: &Genesis, start: u64, width: u64) -> Self {
        if width > LEAF {
            let step = width / FAN as u64;
            let branch = |child: usize| {
                let count = count(genesis, start + child as u64 * step, step);
                Branch { count, below: None }
            };
            return Self::Inner(core::array::from_fn(branch));
        }
        let mut words = [0; FAN];
        for rank in genesis.verifiers_below(start)..genesis.verifiers_below(start + width) {
            let bit = u64::from(genesis.verifier(rank).0) - start;
            words[(bit / 64) as usize] |= 1 << (bit % 64);
        }
        Self::Leaf(words)
    }

    /// A copy with one id set or cleared, which it was not before.
    fn with(&self, genesis: &Genesis, (start, width): (u64, u64), id: u64, present: bool) -> Self {
        let mut copy = self.clone();
        match &mut copy {
            Self::Leaf(words) => words[((id - start) / 64) as usize] ^= 1 << ((id - start) % 64),
            Self::Inner(branches) => {
                let step = width / FAN as u64;
                let child = (id - start) / step;
                let range = (start + child * step, step);
                let branch = &mut branches[child as usize];
                let below = match &branch.below {
                    Some(below) => below.with(genesis, range, id, present),
                    None => Self::genesis(genesis, range.0, step).with(genesis, range, id, present),
                };
                branch.below = Some(Arc::new(below));
                branch.count = if present { branch.count + 1 } else { branch.count - 1 };
            }
        }
        copy
    }

    fn contains(&self, genesis: &Genesis, start: u64, width: u64, id: u64) -> bool {
        match self {
            Self::Leaf(words) => {
                words[((id - start) / 64) as usize] & 1 << ((id - start) % 64) != 0
            }
            Self::Inner(branches) => {
                let step = width / FAN as u64;
                let child = (id - start) / step;
                match &branches[child as usize].below {
                    Some(below) => below.contains(genesis, start + child * step, step, id),
                    None => genesis.rank(NodeId(id as u32)).is_some(),
                }
            }
        }
    }

    fn get(&self, genesis: &Genesis, (start, width): (u64, u64), mut rank: u32) -> NodeId {
        match self {
            Self::Leaf(words) => {
                for (word, first) in words.iter().zip((start..).step_by(64)) {
                    if rank < word.count_ones() {
                        let rest = (0..rank).fold(*word, |rest, _| rest & (rest - 1));
                        return NodeId((first + u64::from(rest.trailing_zeros())) as u32);
                    }
                    rank -= word.count_ones();
                }
            }
            Self::Inner(branches) => {
                let step = width / FAN as u64;
                for (branch, first) in branches.iter().zip((start..).step_by(step as usize)) {
                    if rank < branch.count {
                        return match &branch.below {
                            Some(below) => below.get(genesis, (first, step), rank),
                            None => genesis.verifier(genesis.verifiers_below(first) + rank),
                        };
                    }
                    rank -= branch.count;
                }
            }
        }
        panic!("a rank beyond the last member")
    }
}

impl Members {
    /// The number of members.
    pub fn len(&self, genesis: &Genesis) -> u32 {
        self.changed.as_ref().map_or(genesis.verifiers(), |(count, _)| *count)
    }

    /// The member of a rank, in the order of ids.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn get(&self, genesis: &Genesis, rank: u32) -> NodeId {
        match &self.changed {
            None => genesis.verifier(rank),
            Some((_, root)) => root.get(genesis, (0, root_width(genesis)), rank),
        }
    }

    /// Whether a node is one.
    pub fn contains(&self, genesis: &Genesis, node: NodeId) -> bool {
        match &self.changed {
            None => genesis.rank(node).is_some(),
            Some((_, root)) => {
                let inside = node.0 < genesis.nodes();
                inside && root.contains(genesis, 0, root_width(genesis), node.0.into())
            }
        }
    }

    /// The set with a node in it or not.
    #[must_use]
    pub fn with(&self, genesis: &Genesis, node: NodeId, present: bool) -> Self {
        if self.contains(genesis, node) == present || node.0 >= genesis.nodes() {
            return self.clone();
        }
        let range = (0, root_width(genesis));
        let root = match &self.changed {
            Some((_, root)) => root.with(genesis, range, node.0.into(), present),
            None => Tree::genesis(genesis, 0, range.1).with(genesis, range, node.0.into(), present),
        };
        let before = self.len(genesis);
        let count = if present { before + 1 } else { before - 1 };
        Self { changed: Some((count, Arc::new(root))) }
    }
}

/// Trees that sets have in common are saved with each of them. (That is for bodies that stay in their
/// process: no node sends a set.)
impl Snapshot for Members {
    fn save(&self, out: &mut Vec<u8>) {
        self.changed.is_some().save(out);
        if let Some((count, root)) = &self.changed {
            count.save(out);
            root.save(out);
        }
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let changed = match bool::load(bytes)? {
            true => Some((u32::load(bytes)?, Arc::new(Tree::load(bytes, DEPTH)?))),
            false => None,
        };
        Ok(Self { changed })
    }
}

impl Tree {
    fn save(&self, out: &mut Vec<u8>) {
        match self {
            Self::Leaf(words) => {
                0u8.save(out);
                words.save(out);
            }
            Self::Inner(branches) => {
                1u8.save(out);
                for Branch { count, below } in branches {
                    count.save(out);
                    below.is_some().save(out);
                    below.iter().for_each(|below| below.save(out));
                }
            }
        }
    }

    /// Reads a tree with so many inner nodes above a leaf at most.
    fn load(bytes: &mut &[u8], depth: u32) -> Result<Self, SnapshotError> {
        match (u8::load(bytes)?, depth.checked_sub(1)) {
            (0, _) => Snapshot::load(bytes).map(Self::Leaf),
            (1, Some(depth)) => {
                let mut branches = Vec::with_capacity(FAN);
                for _ in 0..FAN {
                    let (count, is_changed) = <(u32, bool)>::load(bytes)?;
                    let below = is_changed.then(|| Self::load(bytes, depth).map(Arc::new));
                    branches.push(Branch { count, below: below.transpose()? });
                }
                let branches = branches.try_into();
                branches.map(Self::Inner).map_err(|_| SnapshotError("no inner node"))
            }
            _ => Err(SnapshotError("no tree of members")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anthill_protocol::draw;

    fn list(members: &Members, genesis: &Genesis) -> Vec<u32> {
        (0..members.len(genesis)).map(|rank| members.get(genesis, rank).0).collect()
    }

    #[test]
    fn a_set_agrees_with_a_sorted_list_and_earlier_ones_stay() {
        for (nodes, verifiers) in [(50, 20), (1_024, 700), (1_025, 300), (40_000, 9_000)] {
            let genesis = Genesis::new(nodes, verifiers, 1);
            let mut members = Members::default();
            let mut model: Vec<u32> = (0..verifiers).map(|r| genesis.verifier(r).0).collect();
            assert_eq!(list(&members, &genesis), model);
            let mut earlier = None;
            for step in 0..300 {
                let node = draw::below(draw::draw(7, step), nodes.into()) as u32;
                let present = draw::draw(8, step).is_multiple_of(2);
                members = members.with(&genesis, NodeId(node), present);
                match (model.binary_search(&node), present) {
                    (Ok(place), false) => drop(model.remove(place)),
                    (Err(place), true) => model.insert(place, node),
                    _ => {}
                }
                assert_eq!(members.contains(&genesis, NodeId(node)), present);
                if step == 150 {
                    earlier = Some((members.clone(), model.clone()));
                }
            }
            assert_eq!(list(&members, &genesis), model);
            let mut bytes = Vec::new();
            members.save(&mut bytes);
            let loaded = Members::load(&mut &bytes[..]).expect("whole");
            assert_eq!(list(&loaded, &genesis), model);
            assert!((0..bytes.len()).all(|cut| Members::load(&mut &bytes[..cut]).is_err()));
            for node in 0..nodes {
                let expected = model.binary_search(&node).is_ok();
                assert_eq!(members.contains(&genesis, NodeId(node)), expected);
            }
            assert!(!members.contains(&genesis, NodeId(nodes)));
            let (members, model) = earlier.expect("reached");
            assert_eq!(list(&members, &genesis), model);
        }
    }
}
