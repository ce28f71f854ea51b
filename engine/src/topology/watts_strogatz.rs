//! Watts–Strogatz graphs: a ring lattice with some edges rewired.

use anthill_protocol::draw::{below, threshold};
use rand_core::Rng;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::csr::{Csr, zeroed};
use crate::network::NetworkError;

/// Greatest lattice degree; a row is searched for every rewired edge.
pub(crate) const MAX_K: u32 = 4096;
/// New ends tried before an edge stays as it is (only where a node knows nearly everyone).
const TRIES: u32 = 64;

/// Each node is joined to its `k / 2` successors on the ring; the far end of each edge moves with
/// probability `beta` to a uniform node that is not a neighbour yet. `k` is even, `2 <= k < nodes`.
pub(crate) fn build(
    nodes: u32,
    k: u32,
    beta: f64,
    rng: &mut Xoshiro256PlusPlus,
) -> Result<Csr, NetworkError> {
    let half = k as usize / 2;
    let mut targets = zeroed::<u32>(u64::from(nodes) * half as u64)?;
    for (edge, target) in targets.iter_mut().enumerate() {
        let distance = (edge % half) as u64 + 1;
        *target = (((edge / half) as u64 + distance) % u64::from(nodes)) as u32;
    }
    let rewired = threshold(beta);
    let joined = |targets: &[u32], a: u32, b: u32| {
        let row = |node: u32| &targets[node as usize * half..][..half];
        row(a).contains(&b) || row(b).contains(&a)
    };
    for step in 0..half {
        for node in 0..nodes {
            if rng.next_u64() >= rewired {
                continue;
            }
            let fresh = (0..TRIES)
                .map(|_| below(rng.next_u64(), u64::from(nodes)) as u32)
                .find(|end| *end != node && !joined(&targets, node, *end));
            if let Some(end) = fresh {
                targets[node as usize * half + step] = end;
            }
        }
    }
    Csr::undirected(nodes, || {
        targets.iter().enumerate().map(|(edge, to)| ((edge / half) as u32, *to))
    })
}
