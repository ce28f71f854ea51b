//! What a node's own clock shows, and how long its timers really take.

use anthill_protocol::draw::{Purpose, Streams, below, draw};
use anthill_protocol::{NodeId, Span, Time};

use super::spec::ClockSpec;

/// Error of all nodes' clocks.
#[derive(Clone, Debug)]
pub(crate) struct Clocks {
    streams: Streams,
    skew_ns: u64,
    /// Greatest error of the rate, in 10⁻⁹.
    drift_ppb: u64,
}

impl Clocks {
    pub(super) fn new(spec: &ClockSpec, seed: u64) -> Option<Self> {
        let drift_ppb = libm::round(spec.drift_ppm * 1_000.0) as u64;
        let streams = Streams::new(seed, Purpose::Clock);
        let exact = spec.skew == Span::ZERO && drift_ppb == 0;
        (!exact).then_some(Self { streams, skew_ns: spec.skew.0.min(1 << 60), drift_ppb })
    }

    /// A node's error: offset in ns and rate in 10⁻⁹, uniform within the bounds.
    fn error(&self, node: NodeId) -> (i128, i128) {
        let within = |which: u64, bound: u64| {
            let bits = draw(self.streams.of(node), which);
            i128::from(below(bits, 2 * bound + 1)) - i128::from(bound)
        };
        (within(0, self.skew_ns), within(1, self.drift_ppb))
    }

    /// What the node's clock shows at an instant; never before the start of the run.
    pub(crate) fn shows(&self, node: NodeId, now: Time) -> Time {
        let (offset, rate) = self.error(node);
        let now = i128::from(now.0);
        Time((now + offset + now * rate / 1_000_000_000).clamp(0, u64::MAX.into()) as u64)
    }

    /// How long a delay measured on the node's clock takes; some time, if it is any.
    pub(crate) fn really_takes(&self, node: NodeId, delay: Span) -> Span {
        let (_, rate) = self.error(node);
        let real = i128::from(delay.0) * 1_000_000_000 / (1_000_000_000 + rate).max(1);
        Span(real.clamp(i128::from(delay.0.min(1)), u64::MAX.into()) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clocks_err_within_their_bounds_and_timers_follow_them() {
        let spec = ClockSpec { skew: Span::from_millis(50), drift_ppm: 100.0 };
        let clocks = Clocks::new(&spec, 1).unwrap();
        let now = Time(1_000_000_000_000);
        let (mut least, mut most) = (i64::MAX, i64::MIN);
        for id in 0..10_000 {
            let node = NodeId(id);
            let error = clocks.shows(node, now).0 as i64 - now.0 as i64;
            least = least.min(error);
            most = most.max(error);
            // A fast clock's second is shorter.
            let (start, second) = (clocks.shows(node, now).0, Span::from_secs(1));
            let real = clocks.really_takes(node, second);
            let shown = clocks.shows(node, now + real).0 - start;
            assert!(shown.abs_diff(second.0) <= 2, "{shown}");
        }
        // ± (50 ms + 100 ppm of 1000 s), of which the extremes are nearly reached.
        assert!((-150_000_000..-140_000_000).contains(&least), "{least}");
        assert!((140_000_000..=150_000_000).contains(&most), "{most}");
        assert!(Clocks::new(&ClockSpec::default(), 1).is_none());
    }

    #[test]
    fn a_clock_behind_shows_zero_at_the_start() {
        let spec = ClockSpec { skew: Span::from_secs(1), drift_ppm: 0.0 };
        let clocks = Clocks::new(&spec, 1).unwrap();
        let behind = (0..100).filter(|id| clocks.shows(NodeId(*id), Time::ZERO) == Time::ZERO);
        assert!((30..70).contains(&behind.count()));
    }
}
