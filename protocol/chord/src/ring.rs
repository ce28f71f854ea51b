//! Points on the ring, and the table of all nodes in ring order.

use anthill_protocol::{NodeId, draw};

/// The ring of ids of so many bits: which id each node has, and how far it is from one to another.
///
/// Ids are a keyed permutation of the nodes' numbers: they scatter like a hash, differ always, and
/// everybody can tell a node's id from its address, so nobody chooses one.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Space {
    mask: u64,
    half: u32,
    key: u64,
}

impl Space {
    /// The ring of `bits` bits, at least one, for the runs of a seed.
    pub(crate) fn new(bits: u32, seed: u64) -> Self {
        let bits = bits.clamp(1, 64);
        Self {
            mask: u64::MAX >> (64 - bits),
            half: bits.div_ceil(2),
            key: draw::mix(seed, 0x63_686f_7264),
        }
    }

    pub(crate) fn bits(&self) -> u32 {
        self.mask.count_ones()
    }

    /// A point from 64 uniform bits.
    pub(crate) fn point(&self, bits: u64) -> u64 {
        bits & self.mask
    }

    /// The id of a node.
    #[inline]
    pub(crate) fn id(&self, node: NodeId) -> u64 {
        // Each step is a bijection of the numbers of so many bits (MurmurHash3's finaliser for 64).
        let mut x = u64::from(node.0).wrapping_add(self.key) & self.mask;
        for factor in [0xff51_afd7_ed55_8ccd_u64, 0xc4ce_b9fe_1a85_ec53, 0x9e37_79b9_7f4a_7c15] {
            x ^= x >> self.half;
            x = x.wrapping_mul(factor) & self.mask;
        }
        x ^ (x >> self.half)
    }

    /// How far `to` comes after `from` clockwise, less one; `from` itself comes last. So x lies in
    /// (a, b] exactly if `reach(a, x) <= reach(a, b)`, also if a = b, where that is the whole ring.
    #[inline]
    pub(crate) fn reach(&self, from: u64, to: u64) -> u64 {
        to.wrapping_sub(from).wrapping_sub(1) & self.mask
    }

    /// Whether x lies in (a, b).
    #[inline]
    pub(crate) fn between(&self, a: u64, x: u64, b: u64) -> bool {
        self.reach(a, x) < self.reach(a, b)
    }

    /// Whether x lies in (a, b].
    #[inline]
    pub(crate) fn up_to(&self, a: u64, x: u64, b: u64) -> bool {
        self.reach(a, x) <= self.reach(a, b)
    }

    /// The point at half the ring after `id`, a quarter, an eighth: what finger `place` is about.
    pub(crate) fn target(&self, id: u64, place: usize) -> u64 {
        let distance = (self.mask >> 1).wrapping_add(1) >> place.min(63);
        id.wrapping_add(distance) & self.mask
    }
}

/// All nodes in the order of their ids.
#[derive(Debug, Default)]
pub(crate) struct Table {
    ids: Vec<u64>,
    nodes: Vec<NodeId>,
}

impl Table {
    pub(crate) fn new(space: &Space, nodes: u32) -> Self {
        let mut order: Vec<(u64, NodeId)> =
            (0..nodes).map(NodeId).map(|node| (space.id(node), node)).collect();
        order.sort_unstable();
        let (ids, nodes) = order.into_iter().unzip();
        Self { ids, nodes }
    }

    pub(crate) fn len(&self) -> usize {
        self.nodes.len()
    }

    /// The node at a place, counted around the ring.
    ///
    /// # Panics
    /// If there are no nodes.
    pub(crate) fn node(&self, place: usize) -> NodeId {
        self.nodes[place % self.nodes.len()]
    }

    /// The place of the first node at or after a point.
    pub(crate) fn successor(&self, space: &Space, point: u64) -> usize {
        let len = self.ids.len();
        if len == 0 {
            return 0;
        }
        // Ids are uniform: a place is near its share of the ring, at a distance of order √n; and
        // from there the rest of the way is known as well.
        let share = |length: u64| ((u128::from(length) * len as u128) >> space.bits()) as usize;
        let mut guess = share(point).min(len - 1);
        for _ in 0..2 {
            let id = self.ids[guess];
            let rest = share(id.abs_diff(point));
            let moved = if id < point { guess + rest } else { guess.saturating_sub(rest) };
            guess = moved.min(len - 1);
        }
        let (mut low, mut high, mut step) = (guess, guess, 4);
        while low > 0 && self.ids[low] >= point {
            low = low.saturating_sub(step);
            step *= 2;
        }
        step = 4;
        while high < len && self.ids[high] < point {
            high = (high + step).min(len);
            step *= 2;
        }
        let place = low + self.ids[low..high.max(low)].partition_point(|id| *id < point);
        place % len
    }
}

/// The binary logarithm of a count, the same on every machine.
pub(crate) fn log2(count: u32) -> f64 {
    let count = count.max(1);
    let whole = count.ilog2();
    let (mut x, mut bit, mut log) = (f64::from(count) / f64::from(1u32 << whole), 0.5, 0.0);
    for _ in 0..40 {
        x *= x;
        if x >= 2.0 {
            (x, log) = (x / 2.0, log + bit);
        }
        bit /= 2.0;
    }
    f64::from(whole) + log
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_and_fill_a_small_ring() {
        for bits in [1, 2, 7, 10] {
            let space = Space::new(bits, 3);
            let mut ids: Vec<u64> = (0..1u32 << bits).map(|n| space.id(NodeId(n))).collect();
            ids.sort_unstable();
            assert!(ids.iter().copied().eq(0..1 << bits), "{bits} bits");
        }
        assert_ne!(Space::new(64, 1).id(NodeId(0)), Space::new(64, 2).id(NodeId(0)));
    }

    /// Chi-square with 255 degrees of freedom: 10⁻⁹ above 400.
    #[test]
    fn ids_are_uniform() {
        let space = Space::new(64, 9);
        let mut cells = [0u32; 256];
        (0..25_600).for_each(|n| cells[(space.id(NodeId(n)) >> 56) as usize] += 1);
        let chi2: f64 = cells.iter().map(|c| (f64::from(*c) - 100.0).powi(2) / 100.0).sum();
        assert!((150.0..400.0).contains(&chi2), "{chi2}");
    }

    #[test]
    fn intervals_wrap_and_the_whole_ring_is_one() {
        let space = Space::new(4, 0);
        let within = |a, b| (0..16).filter(|x| space.between(a, *x, b)).collect::<Vec<u64>>();
        assert_eq!(within(3, 6), [4, 5]);
        assert_eq!(within(14, 2), [0, 1, 15]);
        assert_eq!(within(5, 6), [0u64; 0]);
        assert_eq!(within(5, 5).len(), 15);
        assert!(space.up_to(5, 5, 5) && space.up_to(3, 6, 6) && !space.up_to(3, 3, 6));
        assert_eq!([0, 1, 3].map(|place| space.target(9, place)), [1, 13, 10]);
    }

    #[test]
    fn the_table_finds_successors() {
        for (bits, nodes) in [(64, 1), (64, 2), (64, 1_000), (10, 1_000), (12, 100)] {
            let space = Space::new(bits, 5);
            let table = Table::new(&space, nodes);
            for i in 0..2_000u64 {
                let point = space.point(if i < 100 { i } else { draw::draw(1, i) });
                let at = table.node(table.successor(&space, point));
                let nearest = (0..nodes)
                    .map(NodeId)
                    .min_by_key(|n| space.id(*n).wrapping_sub(point) & space.mask);
                assert_eq!(Some(at), nearest, "{point} of {bits} bits");
            }
        }
    }

    #[test]
    fn logarithms_are_those_of_the_library() {
        for n in [1u32, 2, 3, 1_000, 1_448, 1_000_000, u32::MAX] {
            #[allow(clippy::disallowed_methods)]
            let expected = f64::from(n).log2();
            assert!((log2(n) - expected).abs() < 1e-9, "{n}");
        }
    }
}
