//! Closed forms: what bids are worth, how even wealth stays, how often votes and attacks come off.
//!
//! Tullock's contest for the bids (Tullock 1980); the rest by elementary probability. Amounts in coins.

/// What a donation of `d` beside others' `x` brings in a window worth `v`, after the donation.
pub fn gain(v: f64, d: f64, x: f64) -> f64 {
    v * d / (d + x) - d
}

/// The standard deviation of that, for `slots` slots of `reward`.
pub fn gain_deviation(slots: f64, reward: f64, d: f64, x: f64) -> f64 {
    let p = d / (d + x);
    reward * (slots * p * (1.0 - p)).sqrt()
}

/// The donation that brings most beside others' `x`, of which a share `kappa` comes back.
pub fn best_reply(v: f64, x: f64, kappa: f64) -> f64 {
    ((v * x / (1.0 - kappa)).sqrt() - x).max(0.0)
}

/// What each of `n` equals bids in equilibrium; each gains v/n² by it.
pub fn equilibrium(v: f64, n: f64) -> f64 {
    v * (n - 1.0) / (n * n)
}

/// Bids of equals after `windows` windows in which each has moved a share `step` towards its best reply.
pub fn moving_bids(v: f64, n: f64, first: f64, step: f64, windows: u32) -> f64 {
    (0..windows).fold(first, |bid, _| bid + step * (best_reply(v, (n - 1.0) * bid, 0.0) - bid))
}

/// In equilibrium, of a forger that has a share `kappa` of its donations back among `n - 1` others: its
/// share of the weight, what all bid, and its profit.
pub fn captor(v: f64, n: f64, kappa: f64) -> (f64, f64, f64) {
    let c = 1.0 - kappa;
    let share = 1.0 - c * (n - 1.0) / (c + n - 1.0);
    (share, v * (n - 1.0) / (c + n - 1.0), v * share * share)
}

/// What the same forger gains above the others' v/n² while they go on to bid as among equals.
pub fn captor_gain(v: f64, n: f64, kappa: f64) -> f64 {
    let root = 1.0 - (1.0 - kappa).sqrt() * (n - 1.0) / n;
    v * (root * root - 1.0 / (n * n))
}

/// The probability that at least `least` of `n` independent events with `p` come about.
pub fn binomial_tail(n: u32, p: f64, least: u32) -> f64 {
    (least..=n).map(|k| binomial(n, p, k)).sum::<f64>().min(1.0)
}

fn binomial(n: u32, p: f64, k: u32) -> f64 {
    if p <= 0.0 || p >= 1.0 {
        let certain = if p >= 1.0 { n } else { 0 };
        return f64::from(u8::from(k == certain));
    }
    let choose = log_choose(n, k);
    libm::exp(choose + f64::from(k) * libm::log(p) + f64::from(n - k) * libm::log(1.0 - p))
}

fn log_choose(n: u32, k: u32) -> f64 {
    let of = |n: u32| libm::lgamma(f64::from(n) + 1.0);
    of(n) - of(k) - of(n - k)
}

/// The probability that an association is admitted: `honest` heads say yes with `p`, `sybils` always.
pub fn admitted(honest: u32, p: f64, sybils: u32) -> f64 {
    let all = honest + sybils;
    let needed = (3 * all).div_ceil(4);
    binomial_tail(honest, p, needed.saturating_sub(sybils))
}

/// The probability that a private fork with a share `a` overtakes after `z` confirmations, the first
/// honest block included: strictly longer.
pub fn private_fork(a: f64, z: u32) -> f64 {
    let ratio = a / (1.0 - a);
    let power = |base: f64, exponent: u32| (0..exponent).fold(1.0, |product, _| product * base);
    if z <= 1 {
        return ratio * ratio;
    }
    let mut sure = 1.0;
    let mut sum = 0.0;
    for m in 0..=z {
        let p = libm::exp(log_choose(m + z - 2, m)) * power(1.0 - a, z - 1) * power(a, m);
        sum += p * power(ratio, z + 1 - m);
        sure -= p;
    }
    sum + sure.max(0.0)
}

/// E(1 − Σ x²) of shares of wealth after `windows` windows of `slots` slots, if each of `n` bids a share
/// `delta` of what it has in the window in which it is drawn.
pub fn monopoly(n: f64, slots: f64, delta: f64, windows: u32) -> f64 {
    (0..windows).fold(1.0 - 1.0 / n, |rest, _| rest * (1.0 - delta * delta / slots))
}

/// The same, where bids of a window weigh two windows later. With s the shares and a_j = E(s_v·s_{v−j}),
/// s_{v+1} = (1 − δ) s_v + δ k, k multinomial by s_{v−2}: so a_0' = (1−δ)² a_0 + 2δ(1−δ) a_2 +
/// δ² (1/W + (1 − 1/W) a_0 two windows ago), a_1' = (1−δ) a_0 + δ a_2, a_2' = (1−δ) a_1 + δ a_1 one
/// window ago.
pub fn monopoly_delayed(n: f64, slots: f64, delta: f64, windows: u32) -> f64 {
    let even = 1.0 / n;
    let keep = 1.0 - delta;
    let (mut squares, mut ones, mut twos) = ([even; 3], [even; 2], even);
    for _ in 0..windows {
        let drawn = 1.0 / slots + (1.0 - 1.0 / slots) * squares[2];
        let square = keep * keep * squares[0] + 2.0 * delta * keep * twos + delta * delta * drawn;
        let one = keep * squares[0] + delta * twos;
        let two = keep * ones[0] + delta * ones[1];
        squares = [square, squares[0], squares[1]];
        ones = [one, ones[0]];
        twos = two;
    }
    1.0 - squares[0]
}

/// E max of `m` draws of Bin(slots, a), over `slots`: what a forger gets that chooses among m beacons.
pub fn grinding(slots: u32, a: f64, m: u32) -> f64 {
    let (mut sum, mut before, mut expected) = (0.0f64, 0.0, 0.0);
    for k in 0..=slots {
        sum = (sum + binomial(slots, a, k)).min(1.0);
        let now = (0..m).fold(1.0, |product, _| product * sum);
        expected += f64::from(k) * (now - before);
        before = now;
    }
    expected / f64::from(slots)
}

/// E Gini of what `n` have who began with `first` and each bid `bid` in `windows` windows of `slots` slots:
/// (n − 1)/n · 60 E|K₁ − K₂| / 2μ, K the slots that they won.
pub fn gini(n: u32, first: f64, bid: f64, reward: f64, slots: u32, windows: u32) -> f64 {
    let all = slots * windows;
    let p = 1.0 / f64::from(n);
    // |K₁ − K₂| given their sum S ~ Bin(all, 2/n): K₁ ~ Bin(S, ½).
    let mut distance = 0.0;
    let most = all.min((f64::from(all) * 2.0 * p * 6.0) as u32 + 60);
    for s in 0..=most {
        let within: f64 =
            (0..=s).map(|k| binomial(s, 0.5, k) * (2.0 * f64::from(k) - f64::from(s)).abs()).sum();
        distance += binomial(all, 2.0 * p, s) * within;
    }
    let mean = first + f64::from(windows) * (f64::from(slots) * reward * p - bid);
    (f64::from(n) - 1.0) / f64::from(n) * reward * distance / (2.0 * mean)
}

/// The watts of `n` forgers that are busy a share `u` of their time: 1 W idle, 5 W busy.
pub fn watts(n: f64, u: f64) -> f64 {
    n * (1.0 + 4.0 * u)
}

/// The probability that nobody willing comes in `slots` slots, if the willing have a share `q`.
pub fn starved(q: f64, slots: u32) -> f64 {
    (0..slots).fold(1.0, |product, _| product * (1.0 - q))
}

/// The probability of a run of `run` losses among `beats` beats, each lost with `loss`.
pub fn silent_run(beats: u32, run: u32, loss: f64) -> f64 {
    if run == 0 || beats < run {
        return f64::from(u8::from(run == 0));
    }
    let lost = (0..run).fold(1.0, |product, _| product * loss);
    let mut none = vec![1.0f64; beats as usize + 1];
    for m in run as usize..=beats as usize {
        none[m] = match m == run as usize {
            true => 1.0 - lost,
            false => none[m - 1] - lost * (1.0 - loss) * none[m - run as usize - 1],
        };
    }
    1.0 - none[beats as usize]
}

/// The probability that all `homes` homes of a light peer are among `bad` of `full` full nodes.
pub fn eclipsed(full: u32, bad: u32, homes: u32) -> f64 {
    (0..homes).map(|i| f64::from(bad.saturating_sub(i)) / f64::from(full - i)).product()
}

/// The expected length of the shorter of two chains in a partition of `slots` slots by weights x : 1 − x.
pub fn shorter_branch(slots: u32, x: f64) -> f64 {
    (0..=slots).map(|k| binomial(slots, x, k) * f64::from(k.min(slots - k))).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    const V: f64 = 21_600.0;

    fn near(value: f64, expected: f64) {
        let slack = 1e-5 * expected.abs().max(1e-3);
        assert!((value - expected).abs() <= slack, "{value} beside {expected}");
    }

    #[test]
    fn donations_gain_while_all_give_less_than_a_window_is_worth() {
        near(gain(V, 100.0, 10_000.0), 113.861_386);
        near(gain_deviation(360.0, 60.0, 100.0, 10_000.0), 112.714_8);
        assert!(gain(V, 100.0, 21_500.0).abs() < 1e-9);
        near(gain(V, 500.0, 21_500.0), -9.090_909);
        near(best_reply(V, 10_000.0, 0.0), 4_696.938_5);
        assert_eq!(best_reply(V, 30_000.0, 0.0), 0.0);
        for (n, bid) in [(10.0, 1_944.0), (100.0, 213.84), (1_000.0, 21.578_4)] {
            near(equilibrium(V, n), bid);
            near(best_reply(V, (n - 1.0) * bid, 0.0), bid);
        }
        for (windows, bid) in
            [(1, 985.900_6), (2, 1_384.409_9), (5, 1_863.233_6), (10, 1_941.423_8)]
        {
            near(moving_bids(V, 10.0, 500.0, 0.1, windows), bid);
        }
        assert!((moving_bids(V, 10.0, 2_041.2, 1.0, 2) - 1_944.0).abs() > 1_000.0, "diverges");
    }

    #[test]
    fn a_captured_association_pays_always() {
        let (share, total, profit) = captor(V, 100.0, 0.5);
        near(share, 0.502_513);
        near(total, 21_491.457_286);
        near(profit, 5_454.407_717);
        near(captor(V, 100.0, 0.9).0, 0.900_101);
        for (kappa, gain) in [(0.1, 77.696_7), (0.5, 1_941.377_2), (0.9, 10_190.426_9)] {
            near(captor_gain(V, 100.0, kappa), gain);
        }
        assert!((1..100).all(|k| captor_gain(V, 1_000.0, f64::from(k) / 100.0) > 0.0));
        let border = (100.0 - 2.0) / (2.0 * 100.0 - 3.0);
        near(captor(V, 100.0, border).0, 0.5);
    }

    #[test]
    fn votes_by_heads() {
        for (honest, p, sybils, expected) in [
            (100, 0.8, 0, 0.912_524_6),
            (100, 0.75, 0, 0.553_470_8),
            (100, 0.7, 0, 0.163_130_1),
            (20, 0.9, 0, 0.988_746_9),
            (100, 0.05, 200, 1.815_967e-11),
            (100, 0.05, 290, 0.881_737),
        ] {
            let found = admitted(honest, p, sybils);
            assert!((found / expected - 1.0).abs() < 1e-5, "{found} beside {expected}");
        }
        assert_eq!(admitted(100, 0.05, 300), 1.0);
    }

    #[test]
    fn wealth_concentrates() {
        near(gini(100, 1_000.0, 213.84, 60.0, 360, 1), 0.062_339_28);
        near(gini(100, 1_000.0, 213.84, 60.0, 360, 10), 0.196_489_99);
        near(monopoly(100.0, 10.0, 0.2, 100), 0.663_084_75);
        near(monopoly(100.0, 10.0, 0.2, 1_000), 0.017_987_62);
        // Two windows' delay slow it down: what was won is bid later.
        let delayed = monopoly_delayed(100.0, 10.0, 0.2, 100);
        assert!(delayed > 0.66 && delayed < 0.99, "{delayed}");
        near(monopoly_delayed(10.0, 10.0, 0.2, 0), 0.9);
    }

    #[test]
    fn attacks_and_chances() {
        near(private_fork(0.1, 3), 1.465_679e-3);
        near(private_fork(0.3, 6), 0.060_246_53);
        near(private_fork(0.4, 6), 0.307_008_5);
        near(private_fork(0.2, 1), 0.0625);
        assert!((private_fork(0.1, 6) / 5.686_221e-5 - 1.0).abs() < 1e-5);
        near(grinding(360, 0.1, 16), 0.128_755_25);
        near(grinding(10, 0.1, 16), 0.289_500_82);
        near(shorter_branch(60, 0.3), 17.998_858);
        near(eclipsed(1_000, 100, 2), 0.009_909_909_9);
        near(starved(0.01, 360), 0.026_833_05);
        near(silent_run(365, 3, 0.05), 0.042_213_461_2);
        near(silent_run(365, 4, 0.05), 0.002_147_435_54);
        assert_eq!(watts(1_000.0, 1.0), 5_000.0);
    }
}
