//! Erdős–Rényi graphs: each pair of nodes is joined independently with equal probability.

use rand_core::Rng;
use rand_xoshiro::Xoshiro256PlusPlus;

use super::csr::Csr;
use crate::network::NetworkError;

/// A graph of mean degree `degree`. Time is proportional to edges, not pairs: the gaps between
/// joined pairs are drawn from their geometric distribution (Batagelj and Brandes, 2005).
pub(crate) fn build(
    nodes: u32,
    degree: f64,
    rng: &Xoshiro256PlusPlus,
) -> Result<Csr, NetworkError> {
    let p = degree / f64::from(nodes - 1);
    // log(1 − p); −∞ when every pair is joined, which makes every gap zero.
    let log_unjoined = libm::log1p(-p.min(1.0));
    Csr::undirected(nodes, || Pairs { nodes, log_unjoined, rng: rng.clone(), high: 1, low: None })
}

/// Joined pairs `(high, low)` with `low < high`, in order.
struct Pairs {
    nodes: u32,
    log_unjoined: f64,
    rng: Xoshiro256PlusPlus,
    high: u64,
    low: Option<u64>,
}

impl Iterator for Pairs {
    type Item = (u32, u32);

    fn next(&mut self) -> Option<(u32, u32)> {
        let uniform = (self.rng.next_u64() >> 11) as f64 / 9_007_199_254_740_992.0;
        // The cast saturates, which ends the graph.
        let gap = (libm::log1p(-uniform) / self.log_unjoined) as u64;
        let mut low = self.low.map_or(0, |low| low + 1).saturating_add(gap);
        while self.high < u64::from(self.nodes) && low >= self.high {
            low -= self.high;
            self.high += 1;
        }
        self.low = Some(low);
        (self.high < u64::from(self.nodes)).then_some((self.high as u32, low as u32))
    }
}
