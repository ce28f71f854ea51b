//! Who is connected to whom: a random regular mesh of full nodes, and homes of light peers.

use std::sync::Arc;

use anthill_protocol::draw::{below, mix};

/// The neighbours of all full nodes.
#[derive(Clone, Debug, Default)]
pub(crate) struct Mesh {
    degree: u32,
    /// `degree` for each.
    neighbours: Arc<[u32]>,
}

/// Ways round the mesh that are tried before the last resort.
const TRIES: u64 = 200;

impl Mesh {
    /// A connected mesh of `nodes` in which all have `degree` different neighbours: unions of random
    /// rings. With fewer nodes than that all know each other. `degree` is even, or the mesh complete.
    pub(crate) fn new(nodes: u32, degree: u32, seed: u64) -> Self {
        if degree + 1 >= nodes {
            let others = |node| (0..nodes).filter(move |other| *other != node);
            let neighbours = (0..nodes).flat_map(others).collect();
            return Self { degree: nodes.saturating_sub(1), neighbours };
        }
        let mut lists: Vec<Vec<u32>> = vec![Vec::with_capacity(degree as usize); nodes as usize];
        for ring in 0..u64::from(degree / 2) {
            let found = (0..TRIES).any(|trial| {
                let order = permutation(nodes, mix(mix(seed, ring), trial));
                let order = repaired(order, &lists, mix(seed, trial));
                order.is_some_and(|order| {
                    join(&mut lists, &order);
                    true
                })
            });
            if !found {
                return Self::lattice(nodes, degree);
            }
        }
        Self { degree, neighbours: lists.into_iter().flatten().collect() }
    }

    /// Neighbours at distances 1, 2 … on a ring: for meshes so dense that chance does not find one.
    fn lattice(nodes: u32, degree: u32) -> Self {
        let of = |node: u32| {
            (1..=degree / 2)
                .flat_map(move |step| [node + step, node + nodes - step].map(|n| n % nodes))
        };
        Self { degree, neighbours: (0..nodes).flat_map(of).collect() }
    }

    /// A node's neighbours.
    pub(crate) fn of(&self, node: u32) -> &[u32] {
        let start = (node as usize).saturating_mul(self.degree as usize);
        self.neighbours.get(start..start + self.degree as usize).unwrap_or(&[])
    }
}

fn permutation(nodes: u32, seed: u64) -> Vec<u32> {
    let mut order: Vec<u32> = (0..nodes).collect();
    for last in (1..order.len()).rev() {
        order.swap(last, below(mix(seed, last as u64), last as u64 + 1) as usize);
    }
    order
}

/// The order with nodes swapped until no edge of its ring is there already; `None` if that fails.
fn repaired(mut order: Vec<u32>, lists: &[Vec<u32>], seed: u64) -> Option<Vec<u32>> {
    let count = order.len();
    let clashes = |order: &[u32], place: usize| {
        let (a, b) = (order[place], order[(place + 1) % count]);
        a == b || lists[a as usize].contains(&b)
    };
    for sweep in 0..20u64 {
        let bad: Vec<usize> = (0..count).filter(|place| clashes(&order, *place)).collect();
        if bad.is_empty() {
            return Some(order);
        }
        for place in bad {
            let other = below(mix(mix(seed, sweep), place as u64), count as u64) as usize;
            order.swap(place, other);
        }
    }
    None
}

fn join(lists: &mut [Vec<u32>], order: &[u32]) {
    for (place, node) in order.iter().enumerate() {
        let next = order[(place + 1) % order.len()];
        lists[*node as usize].push(next);
        lists[next as usize].push(*node);
    }
}

/// The `slot`-th home of a light peer among the full nodes: all of a peer's are different.
pub(crate) fn home(peer: u32, slot: u32, full: u32, seed: u64) -> u32 {
    let draw = mix(seed ^ 0x686f_6d65, peer.into());
    let mut chosen = [0u32; 16];
    let slot = slot.min(15).min(full.saturating_sub(1)) as usize;
    for place in 0..=slot {
        let mut candidate = below(mix(draw, place as u64), full.into()) as u32;
        while chosen[..place].contains(&candidate) {
            candidate = (candidate + 1) % full.max(1);
        }
        chosen[place] = candidate;
    }
    chosen[slot]
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn reached(mesh: &Mesh) -> usize {
        let (mut seen, mut open) = (BTreeSet::from([0]), vec![0]);
        while let Some(node) = open.pop() {
            open.extend(mesh.of(node).iter().filter(|next| seen.insert(**next)));
        }
        seen.len()
    }

    #[test]
    fn meshes_are_regular_symmetric_and_connected() {
        for (nodes, degree) in
            [(1, 8), (2, 8), (5, 4), (9, 8), (10, 8), (12, 8), (30, 4), (1_000, 8), (1_001, 16)]
        {
            let mesh = Mesh::new(nodes, degree, 5);
            let due = degree.min(nodes - 1) as usize;
            for node in 0..nodes {
                let of: BTreeSet<u32> = mesh.of(node).iter().copied().collect();
                assert!(of.len() == due && mesh.of(node).len() == due, "{nodes} {degree}");
                assert!(!of.contains(&node));
                assert!(of.iter().all(|other| mesh.of(*other).contains(&node)));
            }
            assert_eq!(reached(&mesh), nodes as usize, "{nodes} {degree}");
        }
        assert_ne!(Mesh::new(100, 8, 1).neighbours, Mesh::new(100, 8, 2).neighbours);
        assert!(Mesh::new(10, 4, 1).of(10).is_empty());
    }

    #[test]
    fn homes_are_different_and_even() {
        let mut count = [0u32; 20];
        for peer in 0..20_000 {
            let homes: BTreeSet<u32> = (0..3).map(|slot| home(peer, slot, 20, 9)).collect();
            assert_eq!(homes.len(), 3);
            homes.iter().for_each(|home| count[*home as usize] += 1);
        }
        assert!(count.iter().all(|count| (2_700..3_300).contains(count)), "{count:?}");
        assert_eq!(home(7, 3, 1, 9), 0);
    }
}
