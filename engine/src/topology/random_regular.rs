//! A stored random regular graph, simple: the configuration model, repaired.
//!
//! Every node gets `degree` stubs, a random perfect matching joins them, and each loop or double
//! edge is removed by switching it with a random good edge. The result is uniform up to a vanishing
//! error for fixed degree. It is connected with high probability for degree ≥ 3, and usually not
//! below that. Dense graphs (degree above half the nodes) are the complement of a sparse one.

use anthill_protocol::draw::below;
use rand_core::Rng;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::csr::{Csr, zeroed};
use crate::network::NetworkError;

/// Switches tried per bad edge before starting again, and how often to start again.
const TRIES: u32 = 10_000;
const RESTARTS: u32 = 1_000;

/// A simple graph of `nodes` nodes of the given degree; their product is even, `degree < nodes`.
pub(crate) fn build(
    nodes: u32,
    degree: u32,
    rng: &mut Xoshiro256PlusPlus,
) -> Result<Csr, NetworkError> {
    let dense = degree > nodes / 2;
    let sparse = if dense { nodes - 1 - degree } else { degree };
    for _ in 0..RESTARTS {
        let mut stubs = Stubs::matched(nodes, sparse, rng)?;
        if stubs.repair(rng) {
            let neighbours = stubs.into_neighbours();
            let rows = if dense { complement(nodes, sparse, &neighbours)? } else { neighbours };
            return Csr::regular(nodes, degree, rows);
        }
    }
    // Not seen for any size; a limit so that no input can hang.
    let problem = format!("no simple graph of degree {degree} found on {nodes} nodes; change it");
    Err(NetworkError::field("network.topology.degree", problem))
}

/// Stub `s` belongs to node `s / degree`; `mate` is an involution without fixed points.
struct Stubs {
    degree: u32,
    mate: Vec<u32>,
}

impl Stubs {
    fn matched(
        nodes: u32,
        degree: u32,
        rng: &mut Xoshiro256PlusPlus,
    ) -> Result<Self, NetworkError> {
        let stubs = u64::from(nodes) * u64::from(degree);
        let mut order = zeroed::<u32>(stubs)?;
        for (i, stub) in order.iter_mut().enumerate() {
            *stub = i as u32;
        }
        for i in (1..order.len()).rev() {
            order.swap(i, below(rng.next_u64(), i as u64 + 1) as usize);
        }
        let mut mate = zeroed::<u32>(stubs)?;
        for pair in order.chunks_exact(2) {
            mate[pair[0] as usize] = pair[1];
            mate[pair[1] as usize] = pair[0];
        }
        Ok(Self { degree, mate })
    }

    fn node(&self, stub: u32) -> u32 {
        stub / self.degree
    }

    fn count(&self, from: u32, to: u32) -> usize {
        let first = (from * self.degree) as usize;
        let row = &self.mate[first..first + self.degree as usize];
        row.iter().filter(|mate| self.node(**mate) == to).count()
    }

    /// Whether the edge at a stub is a loop or one of several.
    fn bad(&self, stub: u32) -> bool {
        let (a, b) = (self.node(stub), self.node(self.mate[stub as usize]));
        a == b || self.count(a, b) > 1
    }

    /// Switches bad edges away; false if one resisted.
    fn repair(&mut self, rng: &mut Xoshiro256PlusPlus) -> bool {
        let stubs = self.mate.len() as u64;
        (0..stubs as u32).all(|stub| {
            let mut tries = 0;
            while self.bad(stub) {
                if tries == TRIES {
                    return false;
                }
                tries += 1;
                self.switch(stub, below(rng.next_u64(), stubs) as u32);
            }
            true
        })
    }

    /// Replaces edges u–v (at stub `a`) and x–y (at stub `c`) by u–x and v–y if both are new.
    fn switch(&mut self, a: u32, c: u32) {
        let (b, d) = (self.mate[a as usize], self.mate[c as usize]);
        let (u, v, x, y) = (self.node(a), self.node(b), self.node(c), self.node(d));
        let same_edge = c == a || c == b;
        // u–x and v–y must also differ from each other, or they would be a new double edge.
        let twins = (u == v && x == y) || (u == y && v == x);
        if same_edge || twins || u == x || v == y {
            return;
        }
        if self.count(u, x) == 0 && self.count(v, y) == 0 {
            for (one, other) in [(a, c), (b, d)] {
                self.mate[one as usize] = other;
                self.mate[other as usize] = one;
            }
        }
    }

    fn into_neighbours(self) -> Vec<u32> {
        let degree = self.degree;
        self.mate.into_iter().map(|mate| mate / degree).collect()
    }
}

/// Rows of the nodes that are neither the node itself nor in its row.
fn complement(nodes: u32, degree: u32, neighbours: &[u32]) -> Result<Vec<u32>, NetworkError> {
    let mut rows = zeroed::<u32>(0)?;
    let mut excluded = vec![u32::MAX; nodes as usize];
    for node in 0..nodes {
        excluded[node as usize] = node;
        let first = (node * degree) as usize;
        for neighbour in &neighbours[first..first + degree as usize] {
            excluded[*neighbour as usize] = node;
        }
        rows.extend((0..nodes).filter(|other| excluded[*other as usize] != node));
    }
    Ok(rows)
}
