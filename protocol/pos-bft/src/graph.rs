//! Who is whose neighbour where messages are gossiped: drawn once, from the scenario's seed.
//!
//! Each node chooses some neighbours at random, as CometBFT's nodes dial others; a link works in both
//! directions. The first choice is the next node by id, so that everybody can be reached.

use std::collections::{BTreeSet, VecDeque};

use anthill_protocol::{NodeId, draw};

/// Neighbours of a node at most: one bit each in what is known of an item.
pub(crate) const MOST_NEIGHBOURS: usize = 64;

/// The neighbours of all nodes, rising, in one list.
#[derive(Clone, Debug, Default)]
pub(crate) struct Graph {
    /// Where the neighbours of each node begin; one more at the end.
    starts: Vec<u32>,
    neighbours: Vec<u32>,
}

impl Graph {
    /// A graph in which each of `nodes` chooses `degree` others.
    pub(crate) fn drawn(nodes: u32, degree: u32, seed: u64) -> Self {
        let mut lists = vec![BTreeSet::new(); nodes as usize];
        let link = |lists: &mut Vec<BTreeSet<u32>>, a: u32, b: u32| {
            let has_room = |id: u32| lists[id as usize].len() < MOST_NEIGHBOURS;
            if a != b && has_room(a) && has_room(b) {
                lists[a as usize].insert(b);
                lists[b as usize].insert(a);
            }
        };
        for id in 0..nodes {
            link(&mut lists, id, (id + 1) % nodes.max(1));
        }
        for id in 0..nodes {
            let stream = draw::mix(seed, u64::from(id));
            for choice in 1..u64::from(degree) {
                let other = draw::below(draw::draw(stream, choice), nodes.into()) as u32;
                link(&mut lists, id, other);
            }
        }
        let mut graph = Self { starts: vec![0], neighbours: Vec::new() };
        for list in lists {
            graph.neighbours.extend(list);
            graph.starts.push(graph.neighbours.len() as u32);
        }
        graph
    }

    /// The neighbours of a node, rising.
    pub(crate) fn of(&self, node: NodeId) -> &[u32] {
        let bounds = self.starts.get(node.index()..node.index() + 2);
        bounds.map_or(&[], |it| &self.neighbours[it[0] as usize..it[1] as usize])
    }

    /// The place of a neighbour among a node's.
    pub(crate) fn slot(&self, node: NodeId, neighbour: NodeId) -> Option<usize> {
        self.of(node).binary_search(&neighbour.0).ok()
    }

    /// All neighbours of all nodes.
    pub(crate) fn edges(&self) -> usize {
        self.neighbours.len()
    }

    /// The most steps from one of the nodes `first..` to another, through such nodes only; of many nodes a
    /// bound that is at most twice that. `None`: some cannot be reached.
    pub(crate) fn diameter(&self, first: u32) -> Option<u32> {
        const FEW: usize = 500;
        let count = self.starts.len().saturating_sub(1);
        let nodes = first as usize..count;
        if nodes.len() > FEW {
            return Some(2 * self.farthest(first, first)?);
        }
        nodes
            .map(|from| self.farthest(from as u32, first))
            .try_fold(0, |most, it| Some(most.max(it?)))
    }

    /// The steps to the node that is farthest from another.
    fn farthest(&self, from: u32, first: u32) -> Option<u32> {
        let count = self.starts.len().saturating_sub(1);
        let mut steps = vec![u32::MAX; count];
        let mut queue = VecDeque::from([from]);
        *steps.get_mut(from as usize)? = 0;
        while let Some(at) = queue.pop_front() {
            for next in self.of(NodeId(at)).iter().copied().filter(|next| *next >= first) {
                if steps[next as usize] == u32::MAX {
                    steps[next as usize] = steps[at as usize] + 1;
                    queue.push_back(next);
                }
            }
        }
        steps[first as usize..].iter().copied().max().filter(|most| *most < u32::MAX)
    }
}
