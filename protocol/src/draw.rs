//! Counter-based randomness: a draw is a pure function of a key and a counter.
//!
//! The generator is wyrand (Wang Yi, public domain): a 64-bit counter stepped by an odd constant,
//! scrambled by one 64×64→128-bit multiplication. Counter-based rather than a stored state because
//! a node then costs four bytes of generator instead of sixteen, and because a draw can be
//! recomputed from its name (seed, node, count) by any shard, process or tool.

use crate::NodeId;

const STEP: u64 = 0xa076_1d64_78bd_642f;
const MASK: u64 = 0xe703_7ed1_a0b4_28db;
const KEY: u64 = 0x8ebc_6af0_9c88_c6e3;

/// Multiplies to 128 bits and folds the halves: the mixing step of wyhash.
#[inline]
pub fn fold(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product as u64) ^ ((product >> 64) as u64)
}

/// Mixes two words into one; not cryptographic, for keys that no adversary chooses.
#[inline]
pub fn mix(a: u64, b: u64) -> u64 {
    fold(fold(a ^ STEP, b ^ MASK) ^ KEY, a.rotate_left(32) ^ STEP)
}

/// What a stream of draws is for: separate purposes never share a draw, so switching a feature of
/// the network on leaves every draw of the protocol as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u64)]
pub enum Purpose {
    /// `Context::random` of a node.
    Protocol = 1,
    /// The delay of one message.
    Delay = 2,
    /// The region of a node.
    Placement = 3,
    /// The construction of a topology.
    Topology = 4,
    /// Ties between events of one instant at one node.
    Tie = 5,
    /// Loss, duplication, reordering and corruption of one message.
    Impairment = 6,
    /// The access link of a node: its class, rates, and the delay it adds to one message.
    Access = 7,
    /// Sessions and downtimes of a node.
    Churn = 8,
    /// The error of a node's clock.
    Clock = 9,
    /// Which nodes a fault strikes or an adversary holds.
    Selection = 10,
    /// What an adversarial node does with one message.
    Adversary = 11,
    /// What a scheduler does with one message.
    Schedule = 12,
    /// The persistent differences of pairs and nodes.
    Spread = 13,
}

/// The streams of all nodes for one seed and purpose: mixed once, so that finding a node's own is a
/// single multiplication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streams(u64);

impl Streams {
    /// The streams of a seed and purpose.
    pub fn new(seed: u64, purpose: Purpose) -> Self {
        Self(mix(seed, (purpose as u64).wrapping_mul(KEY)))
    }

    /// The key of a node's stream.
    #[inline]
    pub fn of(self, node: NodeId) -> u64 {
        fold(self.0 ^ u64::from(node.0), KEY)
    }
}

/// The key of a node's stream for a purpose.
pub fn stream(seed: u64, purpose: Purpose, node: NodeId) -> u64 {
    Streams::new(seed, purpose).of(node)
}

/// The `counter`-th draw of a stream: 64 uniform bits.
#[inline]
pub fn draw(stream: u64, counter: u64) -> u64 {
    let state = stream.wrapping_add(counter.wrapping_add(1).wrapping_mul(STEP));
    fold(state, state ^ MASK)
}

/// Maps 64 uniform bits to `0..bound` by multiplication; the bias is below `bound / 2^64`.
/// Returns 0 for `bound` 0.
#[inline]
pub fn below(bits: u64, bound: u64) -> u64 {
    ((u128::from(bits) * u128::from(bound)) >> 64) as u64
}

/// A probability as a threshold: `bits < threshold(p)` is true with probability `p`, within 2^-53;
/// `p >= 1` is always true except for one value in 2^64.
pub fn threshold(p: f64) -> u64 {
    if p >= 1.0 {
        u64::MAX
    } else if p <= 0.0 {
        0
    } else {
        (p * 18_446_744_073_709_551_616.0) as u64
    }
}

/// An exponentially distributed span with a mean, from 64 uniform bits.
pub fn exponential(mean: crate::Span, bits: u64) -> crate::Span {
    // In (0, 1]: the logarithm of zero is never taken.
    let uniform = ((bits >> 11) + 1) as f64 / (1u64 << 53) as f64;
    crate::Span((-libm::log(uniform) * mean.0 as f64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_are_uniform_over_sixteen_cells() {
        let key = stream(7, Purpose::Protocol, NodeId(3));
        let mut cells = [0u64; 16];
        let n = 160_000;
        for i in 0..n {
            cells[below(draw(key, i), 16) as usize] += 1;
        }
        let expected = n as f64 / 16.0;
        let chi2: f64 = cells.iter().map(|c| (*c as f64 - expected).powi(2) / expected).sum();
        assert!(chi2 < 44.3, "chi2 = {chi2} with 15 degrees of freedom, p < 1e-4");
    }

    #[test]
    fn streams_of_neighbours_and_purposes_differ() {
        let a = stream(1, Purpose::Protocol, NodeId(0));
        assert_ne!(a, stream(1, Purpose::Protocol, NodeId(1)));
        assert_ne!(a, stream(1, Purpose::Delay, NodeId(0)));
        assert_ne!(a, stream(2, Purpose::Protocol, NodeId(0)));
    }

    #[test]
    fn thresholds_cover_the_ends() {
        assert_eq!(threshold(0.0), 0);
        assert_eq!(threshold(1.0), u64::MAX);
        assert_eq!(threshold(0.5), 1 << 63);
    }

    /// By another implementation of wyrand: every digest of every run depends on these.
    #[test]
    fn draws_are_those_of_wyrand() {
        assert_eq!(fold(3, 1 << 63), 0x8000_0000_0000_0001);
        assert_eq!([mix(0, 0), mix(1, 2)], [0x9a51_77c0_20a3_dfc0, 0x0a30_0e1b_56ee_4296]);
        assert_eq!(mix(2, 1), 0x7487_506b_958d_16da);
        assert_eq!([draw(0, 0), draw(7, 5)], [0x111c_b3a7_8f59_a58e, 0x1ea7_a04d_a888_5688]);
        assert_eq!(draw(u64::MAX, u64::MAX), u64::MAX);
        assert_eq!(stream(7, Purpose::Protocol, NodeId(3)), 0x5287_bad4_d045_904e);
        assert_eq!(stream(7, Purpose::Schedule, NodeId(3)), 0x19f5_e681_614b_8603);
        assert_eq!(Streams::new(7, Purpose::Protocol).of(NodeId(3)), 0x5287_bad4_d045_904e);
    }

    #[test]
    fn bits_map_to_numbers_below_a_bound() {
        for (bits, bound, expected) in [
            (0, 10, 0),
            (u64::MAX, 10, 9),
            (1 << 63, 10, 5),
            ((1 << 63) - 1, 10, 4),
            (u64::MAX, 0, 0),
            (u64::MAX, u64::MAX, u64::MAX - 1),
        ] {
            assert_eq!(below(bits, bound), expected, "{bits} below {bound}");
        }
        assert_eq!([threshold(-0.1), threshold(1.5), threshold(0.25)], [0, u64::MAX, 1 << 62]);
    }

    /// From the longest that its bits can say to none at all, with the mean and the median asked for.
    #[test]
    fn exponential_spans_have_their_mean() {
        use crate::Span;
        let mean = Span(1_000_000_000);
        assert_eq!(exponential(mean, u64::MAX), Span::ZERO);
        let longest = exponential(mean, 0).0 as f64 / 1e9;
        assert!((longest - 53.0 * core::f64::consts::LN_2).abs() < 1e-6, "{longest}");
        let median = exponential(mean, 1 << 63).0 as f64 / 1e9;
        assert!((median - core::f64::consts::LN_2).abs() < 1e-6, "{median}");
        let spans = (0..20_000).map(|i| exponential(mean, draw(1, i)).0 as f64 / 1e9);
        let found = spans.sum::<f64>() / 20_000.0;
        assert!((found - 1.0).abs() < 0.03, "{found}");
    }
}
