//! Drawing an index by weight in constant time: Walker's alias method, in integers.
//!
//! Owns the placement of nodes in regions. A node's region is computed from its id whenever it is
//! asked for, because a stored one would cost a cache miss per message.

/// A discrete distribution over `0..len`.
#[derive(Clone, Debug)]
pub(crate) struct Alias {
    columns: Box<[Column]>,
}

#[derive(Clone, Copy, Debug)]
struct Column {
    /// A draw below this stays in its column.
    threshold: u32,
    /// Where the others go.
    other: u16,
}

impl Alias {
    /// From positive weights that need not sum to one; 1 to 65,536 of them.
    ///
    /// # Panics
    /// If there are none or too many.
    pub(crate) fn new(weights: &[f64]) -> Self {
        let n = weights.len();
        assert!((1..=1 << 16).contains(&n), "an alias table of {n} columns");
        let total: f64 = weights.iter().sum();
        let mut scaled: Vec<f64> = weights.iter().map(|w| w / total * n as f64).collect();
        // A full column: whoever lands there stays (or goes to itself).
        let mut columns: Vec<Column> =
            (0..n).map(|i| Column { threshold: u32::MAX, other: i as u16 }).collect();
        let (mut small, mut large): (Vec<usize>, Vec<usize>) =
            (0..n).partition(|i| scaled[*i] < 1.0);
        while let (Some(s), Some(l)) = (small.pop(), large.pop()) {
            let threshold = libm::round(scaled[s] * 4_294_967_296.0) as u32;
            columns[s] = Column { threshold, other: l as u16 };
            scaled[l] -= 1.0 - scaled[s];
            if scaled[l] < 1.0 { small.push(l) } else { large.push(l) }
        }
        Self { columns: columns.into() }
    }

    /// The index for 64 uniform bits.
    #[inline]
    pub(crate) fn pick(&self, bits: u64) -> u16 {
        let column = (((bits >> 32) * self.columns.len() as u64) >> 32) as usize;
        let Column { threshold, other } = self.columns[column];
        // The compiler makes a branch of this. With equal shares it is always predicted; with
        // unequal ones a missed one costs a delay some 4 ns. A mask by arithmetic saves those and
        // costs the others 2 ns, because the loads of a link then wait for it.
        let stays = u16::from((bits as u32) < threshold).wrapping_neg();
        other ^ ((column as u16 ^ other) & stays)
    }

    /// Bytes of heap memory.
    pub(crate) fn memory_bytes(&self) -> u64 {
        size_of_val(&*self.columns) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use anthill_protocol::draw::draw;

    #[test]
    fn frequencies_are_the_weights() {
        let weights = [0.3316, 0.4998, 0.0090, 0.1177, 0.0224, 0.0195];
        let alias = Alias::new(&weights);
        let n = 1_000_000;
        let mut counts = [0u64; 6];
        for i in 0..n {
            counts[usize::from(alias.pick(draw(5, i)))] += 1;
        }
        for (count, weight) in counts.iter().zip(weights) {
            let expected = weight * n as f64;
            let sd = libm::sqrt(expected * (1.0 - weight));
            assert!((*count as f64 - expected).abs() < 5.0 * sd, "{count} for {expected}");
        }
    }

    #[test]
    fn a_single_column_takes_everything() {
        let alias = Alias::new(&[0.1]);
        assert!([0, 1, u64::MAX].iter().all(|bits| alias.pick(*bits) == 0));
    }
}
