//! Delays over edges that have latencies of their own.
//!
//! They vary by the scenario's kind of jitter. An edge's latency is the median of its delays, 90 %
//! of it (or `min_delay`) their floor, and the excess above that lognormal with the scenario's σ or
//! 0.25, or of the scenario's gamma or empirical shape; with Pareto jitter it is their mean. A link
//! is computed from the four bytes of the latency for every message, so that an edge costs no more
//! memory.

use super::jitter::Jitter;
use super::link::{DEFAULT_SIGMA, Link, pareto_scale, sigma_bits};

/// What all edges share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EdgeDelay {
    min_delay: u64,
    /// σ of the excess; `None`: Pareto.
    sigma: Option<u32>,
}

impl EdgeDelay {
    /// Edges whose delays vary like that.
    pub(crate) fn new(min_delay: u64, jitter: Jitter) -> Self {
        let sigma = match jitter {
            Jitter::Above { sigma } => Some(sigma_bits(sigma.unwrap_or(DEFAULT_SIGMA))),
            Jitter::Pareto => None,
        };
        Self { min_delay, sigma }
    }

    /// The link of an edge with this latency in ns.
    #[inline]
    pub(crate) fn link(&self, latency: u32) -> Link {
        let Some(sigma) = self.sigma else { return Link::pareto(latency.into(), self.min_delay) };
        let floor = u64::from(latency - latency / 10).max(self.min_delay);
        let median = u64::from(latency).saturating_sub(floor).max(floor / 64).max(1);
        Link { base: floor, unit: median, sigma }
    }

    /// Whether the floor of an edge is raised to the least delay.
    pub(crate) fn clamps(&self, latency: u32) -> bool {
        let floor = match self.sigma {
            Some(_) => u64::from(latency - latency / 10),
            None => pareto_scale(latency.into()),
        };
        floor < self.min_delay
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn latencies_are_medians_and_tiny_ones_are_raised() {
        let edges = EdgeDelay::new(250_000, Jitter::Above { sigma: None });
        let link = edges.link(40_000_000);
        assert_eq!((link.base, link.unit), (36_000_000, 4_000_000));
        assert!(!edges.clamps(40_000_000));
        for tiny in [0, 25, 53_285] {
            assert!(edges.clamps(tiny));
            assert_eq!((edges.link(tiny).floor(), edges.link(tiny).unit), (250_000, 3906));
        }
        let longest = edges.link(u32::MAX);
        assert_eq!(longest.base + longest.unit, u64::from(u32::MAX));
    }

    #[test]
    fn with_pareto_jitter_latencies_are_means() {
        let edges = EdgeDelay::new(250_000, Jitter::Pareto);
        assert_eq!(edges.link(40_000_000).floor(), 35_000_000);
        assert_eq!(edges.link(8_000_000).floor(), 4_000_000);
        assert!(!edges.clamps(500_000) && edges.clamps(499_999));
        assert_eq!(edges.link(0).floor(), 250_000);
    }
}
