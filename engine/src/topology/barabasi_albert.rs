//! Barabási–Albert graphs: each newcomer joins `m` distinct nodes, chosen by their degree.

use anthill_protocol::draw::below;
use rand_core::Rng;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::csr::{Csr, zeroed};
use crate::network::NetworkError;

/// A graph grown from a clique of `m + 1` nodes, so that everyone has at least `m` neighbours;
/// `1 <= m < nodes`.
pub(crate) fn build(nodes: u32, m: u32, rng: &mut Xoshiro256PlusPlus) -> Result<Csr, NetworkError> {
    let per_node = u64::from(m);
    let clique = m + 1;
    let newcomers = nodes - clique;
    // Target of each newcomer's edges; their sources follow from the position.
    let mut targets = zeroed::<u32>(u64::from(newcomers) * per_node)?;
    let mut chosen_by = zeroed::<u32>(u64::from(nodes))?;
    let clique_ends = u64::from(clique) * per_node;
    for newcomer in clique..nodes {
        let first = u64::from(newcomer - clique) * per_node;
        for edge in first..first + per_node {
            // A node is at as many ends of edges as its degree: a uniform end picks by degree.
            targets[edge as usize] = loop {
                let end = below(rng.next_u64(), clique_ends + 2 * first);
                let node = match end.checked_sub(clique_ends) {
                    None => (end / per_node) as u32,
                    Some(end) if end.is_multiple_of(2) => targets[(end / 2) as usize],
                    Some(end) => clique + (end / 2 / per_node) as u32,
                };
                if std::mem::replace(&mut chosen_by[node as usize], newcomer) != newcomer {
                    break node;
                }
            };
        }
    }
    drop(chosen_by);
    Csr::undirected(nodes, || {
        let among_first = (0..clique).flat_map(move |a| (0..a).map(move |b| (a, b)));
        let grown = targets.iter().enumerate();
        among_first.chain(grown.map(move |(e, to)| (clique + (e as u64 / per_node) as u32, *to)))
    })
}
