//! The exact sign-flip test: how often chance alone moves a mean of paired differences so far.
//!
//! If there is no difference between the sides of a pair, swapping them changes nothing, so every
//! assignment of signs to the differences was as likely as the one that was measured. The test counts
//! those whose sum is at least as far from zero. It assumes neither a normal law nor many pairs, holds
//! for counts with ties and for heavy tails, and can never say more than its pairs allow: with n of
//! them no probability is below 2/2ⁿ ([`least`]).
//!
//! All 2ⁿ assignments are counted, not sampled: of two halves the sums are sorted, and each of one is
//! matched with those of the other. Beyond [`GROUPS`] pairs consecutive differences are added up to
//! that many sums first, whose signs are flipped instead. Under the same hypothesis these are as likely
//! either way, so the test stays exact; it loses as much power as a t-test with 31 degrees of freedom.

/// The most signs that are flipped by themselves.
const GROUPS: usize = 32;

/// Sums that differ by less than this share of the largest are equal: they were added in another order.
const ROUNDING: f64 = 1e-12;

/// The share of all assignments of signs whose sum is at least as far from zero; 1 if all are zero.
pub(super) fn sign_flip(differences: &[f64]) -> f64 {
    // The sign of a zero changes nothing.
    let moved: Vec<f64> = differences.iter().copied().filter(|d| *d != 0.0).collect();
    let groups = grouped(&moved);
    let reach = groups.iter().map(|d| d.abs()).sum::<f64>();
    let observed = groups.iter().sum::<f64>().abs() - ROUNDING * reach;
    if observed <= 0.0 {
        return 1.0;
    }
    let (one, other) = groups.split_at(groups.len() / 2);
    let (one, other) = (sums(one), sums(other));
    // As the sums of one half rise, more of the other's suffice.
    let (mut beyond, mut from) = (0u64, other.len());
    for sum in one {
        while from > 0 && sum + other[from - 1] >= observed {
            from -= 1;
        }
        beyond += (other.len() - from) as u64;
    }
    // As many lie on the other side.
    (2.0 * beyond as f64 / (1u64 << groups.len()) as f64).min(1.0)
}

/// The least probability that the test can give for so many pairs.
pub(super) fn least(pairs: usize) -> f64 {
    2.0 / (1u64 << pairs.min(GROUPS)) as f64
}

/// At most [`GROUPS`] sums of consecutive differences, of as many each as can be.
fn grouped(differences: &[f64]) -> Vec<f64> {
    let (pairs, groups) = (differences.len(), differences.len().min(GROUPS));
    let end = |group: usize| group * pairs / groups;
    (0..groups).map(|group| differences[end(group)..end(group + 1)].iter().sum()).collect()
}

/// The sums under all assignments of signs, in increasing order.
fn sums(differences: &[f64]) -> Vec<f64> {
    let mut sums = vec![0.0];
    for difference in differences {
        let lower: Vec<f64> = sums.iter().map(|sum| sum - difference).collect();
        sums.iter_mut().for_each(|sum| *sum += difference);
        sums.extend(lower);
    }
    sums.sort_unstable_by(f64::total_cmp);
    sums
}

#[cfg(test)]
mod tests {
    use super::*;
    use anthill_protocol::draw::draw;

    /// Every assignment, one by one.
    fn enumerated(differences: &[f64]) -> f64 {
        let observed = differences.iter().sum::<f64>().abs() - 1e-9;
        let beyond = (0..1u32 << differences.len()).filter(|flips| {
            let signed = differences.iter().enumerate();
            let sum = signed.map(|(i, d)| if flips >> i & 1 == 0 { *d } else { -d }).sum::<f64>();
            sum.abs() >= observed
        });
        beyond.count() as f64 / f64::from(1u32 << differences.len())
    }

    #[test]
    fn all_assignments_are_counted() {
        assert_eq!(sign_flip(&[]), 1.0);
        assert_eq!(sign_flip(&[0.0, 0.0]), 1.0);
        assert_eq!(sign_flip(&[3.0]), 1.0);
        // Of ±1±2±3 two are as far as 6, four as far as 4.
        assert_eq!(sign_flip(&[1.0, 2.0, 3.0]), 0.25);
        assert_eq!(sign_flip(&[-1.0, 2.0, 3.0]), 0.5);
        assert_eq!(sign_flip(&[1.0, -1.0, 0.0]), 1.0);
        for pairs in 1..=11usize {
            for seed in 0..20 {
                let drawn = |i| (draw(seed, i) >> 11) as f64 / (1u64 << 53) as f64 - 0.4;
                let fine: Vec<f64> = (0..pairs as u64).map(drawn).collect();
                let ties: Vec<f64> = fine.iter().map(|d| (d * 5.0).round() * 0.1).collect();
                for differences in [fine, ties] {
                    let (found, expected) = (sign_flip(&differences), enumerated(&differences));
                    assert!((found - expected).abs() < 1e-12, "{differences:?}: {found}");
                }
            }
        }
    }

    #[test]
    fn no_probability_is_below_what_the_pairs_allow() {
        for pairs in [1, 2, 3, 6, 20, 32, 33, 100] {
            let constant = vec![0.1; pairs];
            assert_eq!(sign_flip(&constant), least(pairs), "{pairs}");
        }
        assert_eq!((least(2), least(3), least(6)), (0.5, 0.25, 0.031_25));
        assert_eq!(least(5_000), 2.0 / 4_294_967_296.0);
    }

    #[test]
    fn many_pairs_are_added_up_to_groups_of_consecutive_ones() {
        let differences: Vec<f64> = (0..70).map(f64::from).collect();
        let groups = grouped(&differences);
        assert_eq!((groups.len(), groups[0], groups[31]), (32, 0.0 + 1.0, 67.0 + 68.0 + 69.0));
        assert_eq!(groups.iter().sum::<f64>(), differences.iter().sum::<f64>());
    }
}
