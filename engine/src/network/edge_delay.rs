//! Delays over edges that have latencies of their own.
//!
//! An edge's latency is the median of its delays. Its floor is 90 % of that, or `min_delay`; the
//! excess above it is lognormal with the scenario's σ, or 0.25. A link is computed from the four
//! bytes of the latency for every message, so that an edge costs no more memory.

use super::lognormal::{Link, sigma_bits};

/// What all edges share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EdgeDelay {
    min_delay: u64,
    sigma: u32,
}

impl EdgeDelay {
    /// Edges whose excess has the given σ.
    pub(crate) fn new(min_delay: u64, sigma: f64) -> Self {
        Self { min_delay, sigma: sigma_bits(sigma) }
    }

    /// The link of an edge with this latency in ns.
    #[inline]
    pub(crate) fn link(&self, latency: u32) -> Link {
        let floor = u64::from(latency - latency / 10).max(self.min_delay);
        let median = u64::from(latency).saturating_sub(floor).max(floor / 64).max(1);
        Link { floor, median, sigma: self.sigma }
    }

    /// Whether the floor of an edge is raised to the least delay.
    pub(crate) fn clamps(&self, latency: u32) -> bool {
        u64::from(latency - latency / 10) < self.min_delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_medians_and_tiny_ones_are_raised() {
        let edges = EdgeDelay::new(250_000, 0.25);
        let link = edges.link(40_000_000);
        assert_eq!((link.floor, link.median), (36_000_000, 4_000_000));
        assert!(!edges.clamps(40_000_000));
        for tiny in [0, 25, 53_285] {
            assert!(edges.clamps(tiny));
            assert_eq!((edges.link(tiny).floor, edges.link(tiny).median), (250_000, 3906));
        }
        let longest = edges.link(u32::MAX);
        assert_eq!(longest.floor + longest.median, u64::from(u32::MAX));
    }
}
