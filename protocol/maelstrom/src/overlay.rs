//! Whom a node tells what it has learnt: Maelstrom's topologies of `broadcast`.

use anthill_protocol::NodeId;
use serde_json::{Map, Value, json};

use crate::names::Cast;

/// Neighbourhoods among nodes `0..count`; neighbours of each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Overlay {
    Line,
    Grid,
    /// Every node but the first has a parent, and up to so many children.
    Tree(u32),
    Total,
}

impl Overlay {
    /// By the name that a scenario gives.
    pub(crate) fn named(name: &str) -> Self {
        match name {
            "line" => Self::Line,
            "grid" => Self::Grid,
            "tree2" => Self::Tree(2),
            "tree3" => Self::Tree(3),
            "tree4" => Self::Tree(4),
            _ => Self::Total,
        }
    }

    /// The neighbours of a node, in the order of their ids.
    pub(crate) fn neighbours(self, node: NodeId, count: u32) -> Vec<NodeId> {
        let (node, count) = (u64::from(node.0), u64::from(count));
        let mut all: Vec<u64> = match self {
            Self::Line => vec![node.wrapping_sub(1), node + 1],
            Self::Grid => {
                let side = (1..=count).find(|side| side * side >= count).unwrap_or(1);
                let column = node % side;
                let mut all = vec![node.wrapping_sub(side), node + side];
                all.extend((column > 0).then(|| node - 1));
                all.extend((column + 1 < side).then_some(node + 1));
                all
            }
            Self::Tree(branches) => {
                let branches = u64::from(branches);
                let parent = node.checked_sub(1).map(|before| before / branches);
                (node * branches + 1..=node * branches + branches).chain(parent).collect()
            }
            Self::Total => (0..count).filter(|other| *other != node).collect(),
        };
        all.retain(|other| *other < count);
        all.sort_unstable();
        all.into_iter().map(|other| NodeId(other as u32)).collect()
    }

    /// The most steps from one of so many nodes to another.
    pub(crate) fn diameter(self, count: u32) -> u32 {
        match self {
            Self::Line => count.saturating_sub(1),
            Self::Grid => {
                let side =
                    (1..=count).find(|side| u64::from(*side) * u64::from(*side) >= count.into());
                2 * side.unwrap_or(1).saturating_sub(1)
            }
            Self::Tree(branches) => {
                let mut depth = 0;
                let mut node = count.saturating_sub(1);
                while node > 0 {
                    node = (node - 1) / branches;
                    depth += 1;
                }
                2 * depth
            }
            Self::Total => count.min(2).saturating_sub(1),
        }
    }

    /// Some nodes' neighbours by name, as `topology` says them.
    pub(crate) fn told(self, nodes: impl Iterator<Item = NodeId>, cast: Cast) -> Value {
        let mut map = Map::new();
        for node in nodes {
            let all = self.neighbours(node, cast.servers);
            let names: Vec<String> = all.into_iter().map(|other| cast.name(other)).collect();
            map.insert(cast.name(node), json!(names));
        }
        Value::Object(map)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Overlay; 6] = [
        Overlay::Line,
        Overlay::Grid,
        Overlay::Tree(2),
        Overlay::Tree(3),
        Overlay::Tree(4),
        Overlay::Total,
    ];

    #[test]
    fn neighbours_are_mutual_and_all_nodes_hang_together() {
        for overlay in ALL {
            for count in [1, 2, 3, 7, 10, 26] {
                let of = |node| overlay.neighbours(NodeId(node), count);
                let (mut reached, mut open) = (vec![0], vec![0]);
                while let Some(node) = open.pop() {
                    for other in of(node) {
                        assert!(of(other.0).contains(&NodeId(node)), "{overlay:?} {count} {node}");
                        if !reached.contains(&other.0) {
                            reached.push(other.0);
                            open.push(other.0);
                        }
                    }
                }
                assert_eq!(reached.len(), count as usize, "{overlay:?}");
                let farthest = (0..count).map(|node| steps(overlay, node, count)).max();
                assert!(farthest <= Some(overlay.diameter(count)), "{overlay:?} {count}");
            }
        }
    }

    /// From a node to the farthest.
    fn steps(overlay: Overlay, from: u32, count: u32) -> u32 {
        let (mut known, mut rim, mut steps) = (vec![from], vec![from], 0);
        loop {
            let mut next = Vec::new();
            for other in rim.iter().flat_map(|node| overlay.neighbours(NodeId(*node), count)) {
                if !known.contains(&other.0) {
                    known.push(other.0);
                    next.push(other.0);
                }
            }
            if next.is_empty() {
                return steps;
            }
            (rim, steps) = (next, steps + 1);
        }
    }

    #[test]
    fn a_grid_has_rows() {
        let at = |node| Overlay::Grid.neighbours(NodeId(node), 10);
        assert_eq!(at(3), [2, 7].map(NodeId));
        assert_eq!(at(5), [1, 4, 6, 9].map(NodeId));
    }
}
