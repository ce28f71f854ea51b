//! Nodes in groups of one size, by their ids: replicas of a log each.

use crate::parameter::ParameterError;
use crate::{NodeId, Snapshot, Wire};

/// How nodes are divided: the first `size` ids are a group, and so on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Groups {
    /// Nodes of a group; at least 1.
    pub size: u32,
}

impl Groups {
    /// The group of a node.
    pub fn of(self, node: NodeId) -> Group {
        Group { number: node.0 / self.size.max(1), size: self.size.max(1) }
    }

    /// Whether so many nodes make whole groups.
    ///
    /// # Errors
    /// Naming `parameter` when they do not.
    pub fn divide(self, nodes: u32, parameter: &'static str) -> Result<(), ParameterError> {
        let size = self.size.max(1);
        if nodes.is_multiple_of(size) {
            return Ok(());
        }
        let (less, more) = (nodes / size * size, (nodes / size + 1).saturating_mul(size));
        let fix = if less == 0 { format!("{more}") } else { format!("{less} or {more}") };
        let problem = format!("{nodes} nodes are no whole groups of {size}; give {fix} nodes");
        Err(ParameterError { name: parameter, problem })
    }
}

/// One group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Group {
    /// Groups are counted from 0.
    pub number: u32,
    /// Its nodes.
    pub size: u32,
}

impl Group {
    /// All its nodes, in order.
    pub fn members(self) -> impl Iterator<Item = NodeId> {
        let first = self.number * self.size;
        (first..first + self.size).map(NodeId)
    }

    /// Its nodes but one.
    pub fn others(self, node: NodeId) -> impl Iterator<Item = NodeId> {
        self.members().filter(move |member| *member != node)
    }

    /// Whether a node is one of them.
    #[inline]
    pub fn contains(self, node: NodeId) -> bool {
        self.offset(node) < u64::from(self.size)
    }

    /// How far a node comes after its first; huge if before it.
    #[inline]
    fn offset(self, node: NodeId) -> u64 {
        u64::from(node.0).wrapping_sub(u64::from(self.number) * u64::from(self.size))
    }

    /// Which of the nodes of its group one is, counted from 0.
    #[inline]
    pub fn place_of(self, node: NodeId) -> usize {
        // Dividing takes longer than all else that a handler asks of a group.
        if self.contains(node) { self.offset(node) as usize } else { (node.0 % self.size) as usize }
    }

    /// More than half of its nodes.
    pub fn majority(self) -> usize {
        self.size as usize / 2 + 1
    }

    /// The greatest number that a majority has reached, given that of each member.
    pub fn reached_by_majority(self, numbers: impl IntoIterator<Item = u32>) -> u32 {
        let mut numbers: Vec<u32> = numbers.into_iter().collect();
        numbers.sort_unstable_by(|a, b| b.cmp(a));
        numbers.get(self.majority() - 1).copied().unwrap_or(0)
    }
}

/// Different members of a group, as bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Snapshot, Wire)]
pub struct Members(u64);

impl Members {
    /// The largest group.
    pub const MOST: u32 = 64;

    /// Adds the member of a place; false if it was there.
    pub fn insert(&mut self, place: usize) -> bool {
        let bit = 1 << place;
        let is_new = self.0 & bit == 0;
        self.0 |= bit;
        is_new
    }

    /// How many.
    pub fn len(self) -> usize {
        self.0.count_ones() as usize
    }

    /// Whether nobody is in it.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_divided_by_their_ids() {
        let groups = Groups { size: 3 };
        let group = groups.of(NodeId(7));
        assert_eq!(group, Group { number: 2, size: 3 });
        assert_eq!(group.members().collect::<Vec<_>>(), [6, 7, 8].map(NodeId));
        assert_eq!(group.others(NodeId(7)).collect::<Vec<_>>(), [6, 8].map(NodeId));
        assert_eq!((group.place_of(NodeId(8)), group.place_of(NodeId(9))), (2, 0));
        assert!(group.contains(NodeId(8)) && !group.contains(NodeId(9)));
        assert_eq!(
            [1, 2, 3, 4, 5].map(|size| Group { number: 0, size }.majority()),
            [1, 2, 2, 3, 3]
        );
    }

    #[test]
    fn nodes_that_are_no_whole_groups_are_refused() {
        let groups = Groups { size: 5 };
        assert_eq!(groups.divide(20, "group"), Ok(()));
        let problem = |nodes| groups.divide(nodes, "group").expect_err("not whole").problem;
        assert_eq!(problem(7), "7 nodes are no whole groups of 5; give 5 or 10 nodes");
        assert_eq!(problem(2), "2 nodes are no whole groups of 5; give 5 nodes");
    }

    #[test]
    fn a_majority_has_reached_the_median() {
        let reached = |numbers: &[u32]| {
            Group { number: 0, size: numbers.len() as u32 }.reached_by_majority(numbers.to_vec())
        };
        assert_eq!(reached(&[7]), 7);
        assert_eq!(reached(&[1, 9]), 1);
        assert_eq!(reached(&[5, 1, 9]), 5);
        assert_eq!(reached(&[5, 1, 9, 3]), 3);
    }

    #[test]
    fn members_are_counted_once() {
        let mut members = Members::default();
        assert!(members.is_empty() && members.insert(63) && members.insert(0));
        assert!(!members.insert(63));
        assert_eq!(members.len(), 2);
        crate::laws::state(&members);
    }
}
