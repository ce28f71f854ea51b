//! Delays over edges that have latencies of their own.
//!
//! They vary by the scenario's kind of jitter. An edge's latency is the median of its delays, 90 %
//! of it (or `min_delay`) their floor, and the excess above that lognormal with the scenario's σ or
//! 0.25, or of the scenario's gamma or empirical shape; with Pareto jitter it is their mean, and
//! without jitter the delay itself. A link
//! is computed from the four bytes of the latency for every message, so that an edge costs no more
//! memory.

use super::jitter::Jitter;
use super::link::{DEFAULT_SIGMA, Link, pareto_scale, sigma_bits};

/// What all edges share.
#[derive(Clone, Copy, Debug)]
pub(crate) struct EdgeDelay {
    min_delay: u64,
    shape: Shape,
}

/// How an edge's delays vary.
#[derive(Clone, Copy, Debug)]
enum Shape {
    /// An excess of this σ above a floor.
    Above(u32),
    Pareto,
    /// Not at all.
    Constant,
}

impl EdgeDelay {
    /// Edges whose delays vary like that.
    pub(crate) fn new(min_delay: u64, jitter: Jitter) -> Self {
        let shape = match jitter {
            Jitter::Above { sigma } => Shape::Above(sigma_bits(sigma.unwrap_or(DEFAULT_SIGMA))),
            Jitter::Pareto => Shape::Pareto,
            Jitter::None => Shape::Constant,
        };
        Self { min_delay, shape }
    }

    /// The link of an edge with this latency in ns.
    #[inline]
    pub(crate) fn link(&self, latency: u32) -> Link {
        let sigma = match self.shape {
            Shape::Above(sigma) => sigma,
            Shape::Pareto => return Link::pareto(latency.into(), self.min_delay),
            Shape::Constant => return Link::constant(self.min_delay.max(latency.into())),
        };
        let floor = u64::from(latency - latency / 10).max(self.min_delay);
        let median = u64::from(latency).saturating_sub(floor).max(floor / 64).max(1);
        Link::of_bits(floor, median, sigma)
    }

    /// Whether the floor of an edge is raised to the least delay.
    pub(crate) fn clamps(&self, latency: u32) -> bool {
        let floor = match self.shape {
            Shape::Above(_) => u64::from(latency - latency / 10),
            Shape::Pareto => pareto_scale(latency.into()),
            Shape::Constant => latency.into(),
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

    #[test]
    fn without_jitter_latencies_are_the_delays() {
        let edges = EdgeDelay::new(250_000, Jitter::None);
        assert_eq!(edges.link(40_000_001), Link::constant(40_000_001));
        assert_eq!(edges.link(249_999).floor(), 250_000);
        assert!(edges.clamps(249_999) && !edges.clamps(250_000));
    }
}
