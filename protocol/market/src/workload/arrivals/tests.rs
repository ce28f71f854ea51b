use super::*;

/// The mean rate and the Fano factor of counts in windows.
fn counts(mut arrivals: Arrivals, window: f64, windows: usize) -> (f64, f64) {
    let mut draws = Draws::new(5);
    let (mut now, mut counts) = (0.0, vec![0.0; windows]);
    loop {
        now += arrivals.gap(&mut draws);
        let at = (now / window) as usize;
        if at >= windows {
            break;
        }
        counts[at] += 1.0;
    }
    let mean = counts.iter().sum::<f64>() / windows as f64;
    let variance =
        counts.iter().map(|count| (count - mean) * (count - mean)).sum::<f64>() / windows as f64;
    (mean / window, variance / mean)
}

#[test]
fn poisson_counts_vary_as_much_as_their_mean() {
    let (rate, fano) = counts(Arrivals::Poisson { rate: 3.0 }, 5.0, 20_000);
    assert!((rate - 3.0).abs() < 0.03 && (fano - 1.0).abs() < 0.05, "{rate} {fano}");
}

#[test]
fn hawkes_has_the_mean_and_the_fano_factor_of_its_branching() {
    for branching in [0.3, 0.5, 0.7] {
        let arrivals = Arrivals::hawkes(1.0, branching, 5.0);
        let mean = arrivals.mean_rate();
        // Windows of 200 s: the bias of the Fano factor is of the order of 1 in 200 × decay.
        let (rate, fano) = counts(arrivals, 200.0, 4_000);
        let expected = 1.0 / ((1.0 - branching) * (1.0 - branching));
        assert!((rate / mean - 1.0).abs() < 0.02, "{branching}: {rate} {mean}");
        assert!((fano / expected - 1.0).abs() < 0.1, "{branching}: {fano} {expected}");
    }
}

#[test]
fn bursts_have_their_mean_and_vary_more_than_poisson() {
    let arrivals = Arrivals::bursts(1.0, 20.0, 9.0, 1.0);
    let mean = arrivals.mean_rate();
    assert!((mean - 2.9).abs() < 1e-9);
    let (rate, fano) = counts(arrivals, 50.0, 10_000);
    assert!((rate / mean - 1.0).abs() < 0.03, "{rate}");
    assert!(fano > 5.0, "{fano}");
}
