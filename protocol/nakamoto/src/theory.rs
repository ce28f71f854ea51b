//! Closed forms of mining: what a chain gains from its miners, and attackers from it.

/// The share of a selfish pool in the main chain (Eyal and Sirer 2014, equation 8): it has `alpha` of
/// the hash rate, and `gamma` of the others mine on its branch in a race.
pub fn selfish_revenue(alpha: f64, gamma: f64) -> f64 {
    let honest = 1.0 - alpha;
    let gain = alpha * honest * honest * (4.0 * alpha + gamma * (1.0 - 2.0 * alpha));
    (gain - alpha * alpha * alpha) / (1.0 - alpha * (1.0 + (2.0 - alpha) * alpha))
}

/// From which share of the hash rate on selfish mining pays.
pub fn selfish_threshold(gamma: f64) -> f64 {
    (1.0 - gamma) / (3.0 - 2.0 * gamma)
}

/// The probability of a double spend (Rosenfeld 2014): the attacker has `share` of the hash rate and
/// one block before it pays, the payee waits for `confirmations`, and the longer chain wins. It never
/// gives up: 1 from one half on.
pub fn double_spend(share: f64, confirmations: u32) -> f64 {
    let honest = 1.0 - share;
    if share >= honest {
        return 1.0;
    }
    let (ratio, n) = (share / honest, confirmations);
    // C(n + k − 1, k)·honestⁿ·shareᵏ, from one k to the next.
    let mut found = power(honest, n);
    let mut fails = 0.0;
    for k in 0..=n {
        fails += found * (1.0 - power(ratio, n - k));
        found *= share * f64::from(n + k) / f64::from(k + 1);
    }
    1.0 - fails
}

/// What giving up at a deficit takes off that probability, at most.
pub fn lost_by_giving_up(share: f64, deficit: u32) -> f64 {
    if share >= 0.5 { 1.0 } else { power(share / (1.0 - share), deficit.saturating_add(1)) }
}

/// The share of blocks that do not stay in the chain, when `load` blocks are found on average while one
/// is on its way, and whoever has found a block is ahead by `lead`: see [`lead`]. For a fixed delay, else to
/// first order of the load.
pub fn stale_rate(load: f64, lead: f64) -> f64 {
    1.0 - growth(load, lead)
}

/// The growth of the chain in units of the rate at which blocks are found.
pub fn growth(load: f64, lead: f64) -> f64 {
    1.0 / (1.0 + load - lead)
}

/// What is gained on average, in intervals, by those who have a block while it is still on its way to others.
/// Of n equal miners each has a rate of 1/n; x blocks are found during a delay. The finder of the first block
/// of a height works on the next at once, and so do those who find another one of that height, of whom there are
/// x on average when it has arrived everywhere. In first order of 1/n the next block is earlier by
/// (x + x² + x³/6) / n than a delay and an interval later; x/n of it is in `load`, the rest is this.
pub fn lead(found: f64, miners: u32) -> f64 {
    found.powi(2) * (1.0 + found / 6.0) / f64::from(miners.max(1))
}

/// Whatever an adversary with a share of the hash rate does, others have mined this much of the chain.
pub fn least_quality(alpha: f64) -> f64 {
    (1.0 - alpha / (1.0 - alpha)).max(0.0)
}

/// The probability that of `trials`, each a success with probability `p`, as few or as many succeed
/// as `successes`: the smaller of both tails. Exact for a small mean, else normal.
pub fn binomial_tail(successes: u64, trials: u64, p: f64) -> f64 {
    if p > 0.5 {
        return binomial_tail(trials.saturating_sub(successes), trials, 1.0 - p);
    }
    let (n, mean) = (trials as f64, trials as f64 * p);
    if mean > 200.0 {
        let sd = (mean * (1.0 - p)).sqrt();
        let distance = ((successes as f64 - mean).abs() - 0.5).max(0.0) / sd;
        // Above the normal tail by less than a factor 1 + 1/x².
        return 0.5 * exponential(-distance * distance / 2.0);
    }
    // ln(1 − p) = −(p + p²/2 + …), to more digits than the sum below keeps.
    let log = (1..60).rev().fold(0.0, |sum, k| (sum + 1.0 / f64::from(k)) * p);
    let mut term = exponential(-n * log);
    let (mut below, mut at) = (0.0, 0.0);
    for k in 0..=successes.min(trials) {
        below += term;
        at = term;
        term *= (n - k as f64) / (k as f64 + 1.0) * p / (1.0 - p);
    }
    below.min(1.0 - below + at).max(0.0)
}

/// A power by squaring.
fn power(base: f64, exponent: u32) -> f64 {
    let (mut result, mut square, mut rest) = (1.0, base, exponent);
    while rest > 0 {
        if rest & 1 == 1 {
            result *= square;
        }
        square *= square;
        rest >>= 1;
    }
    result
}

/// e to a power of zero or less.
fn exponential(x: f64) -> f64 {
    if x < -700.0 {
        return 0.0;
    }
    // e^x = (e^(x/1024))^1024, and the series of a small argument ends soon.
    let small = x / 1_024.0;
    let series = (1..20).rev().fold(1.0, |sum, k| 1.0 + sum * small / f64::from(k));
    power(series, 1_024)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_near(value: f64, expected: f64, digits: i32) {
        assert!((value - expected).abs() < 0.5 * 10f64.powi(-digits), "{value}, not {expected}");
    }

    #[test]
    fn selfish_mining_pays_from_its_threshold_on() {
        is_near(selfish_revenue(0.3, 0.0), 0.2731, 4);
        is_near(selfish_revenue(0.4, 0.0), 0.4837, 4);
        is_near(selfish_revenue(0.25, 0.5), 0.25, 12);
        is_near(selfish_revenue(0.4, 0.5), 0.5256, 4);
        for gamma in [0.0, 0.25, 0.5, 0.75, 0.9] {
            let alpha = selfish_threshold(gamma);
            is_near(selfish_revenue(alpha, gamma), alpha, 12);
            assert!(selfish_revenue(alpha + 0.01, gamma) > alpha + 0.01);
        }
        for alpha in [0.1, 0.2, 0.3, 0.4, 0.49] {
            assert!(1.0 - selfish_revenue(alpha, 1.0) >= least_quality(alpha) - 1e-12);
        }
    }

    #[test]
    fn double_spends_are_those_of_rosenfeld() {
        is_near(double_spend(0.1, 5), 0.001_781_8, 7);
        is_near(double_spend(0.1, 6), 0.000_591_4, 7);
        is_near(double_spend(0.3, 6), 0.156_449_6, 7);
        is_near(double_spend(0.3, 10), 0.065_106_7, 7);
        is_near(double_spend(0.1, 1), 0.2, 12);
        assert_eq!((double_spend(0.5, 6), double_spend(0.7, 6)), (1.0, 1.0));
        assert!(double_spend(0.0, 3).abs() < 1e-15);
        is_near(lost_by_giving_up(0.3, 10), (3.0f64 / 7.0).powi(11), 12);
    }

    /// The form of Nakamoto's paper (section 11), for comparison: too low.
    #[test]
    fn nakamoto_thought_double_spends_rarer_than_they_are() {
        let poisson = |q: f64, z: u32| {
            let ratio = q / (1.0 - q);
            let mean = f64::from(z) * ratio;
            let mut term = exponential(-mean);
            let mut fails = 0.0;
            for k in 0..=z {
                fails += term * (1.0 - power(ratio, z - k));
                term *= mean / f64::from(k + 1);
            }
            1.0 - fails
        };
        is_near(poisson(0.1, 5), 0.000_913_7, 7);
        is_near(poisson(0.3, 10), 0.041_660_5, 7);
        assert!(poisson(0.1, 5) < double_spend(0.1, 5));
        assert!(poisson(0.3, 10) < double_spend(0.3, 10));
    }

    #[test]
    fn delay_costs_blocks() {
        is_near(stale_rate(0.2, 0.0), 0.166_67, 5);
        assert_eq!((stale_rate(1.0, 0.0), growth(1.0, 0.0)), (0.5, 0.5));
        is_near(stale_rate(0.3, 0.1) + growth(0.3, 0.1), 1.0, 12);
        is_near(lead(1.0, 50), 0.023_33, 5);
        // A block each 1.957 intervals, and not each 1.98.
        is_near(growth(0.98, lead(1.0, 50)), 0.511_07, 5);
    }

    #[test]
    fn tails_are_those_of_the_binomial() {
        // Ten tosses of a fair coin.
        is_near(binomial_tail(0, 10, 0.5), 1.0 / 1_024.0, 12);
        is_near(binomial_tail(10, 10, 0.5), 1.0 / 1_024.0, 12);
        is_near(binomial_tail(8, 10, 0.5), 56.0 / 1_024.0, 12);
        is_near(binomial_tail(1, 2, 0.1), 0.19, 12);
        is_near(binomial_tail(2, 2, 0.9), 0.81, 12);
        is_near(binomial_tail(0, 5, 0.0), 1.0, 12);
        assert!(binomial_tail(1, 5, 0.0) < 1e-12);
        // Five standard deviations of a large mean, and none.
        assert!(binomial_tail(500_000 + 2_500, 1_000_000, 0.5) < 1e-5);
        assert!(binomial_tail(500_000, 1_000_000, 0.5) > 0.4);
        is_near(exponential(-1.0), 0.367_879_441_171_4, 12);
        is_near(exponential(-20.0), 2.061_153_6e-9, 15);
    }
}
