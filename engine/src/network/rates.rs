//! Published rates of access links.

/// A quantile function: (probability, bit/s), both rising, from probability 0 to 1; linear between
/// its knots.
pub type Quantiles = &'static [(f64, u64)];

/// Uplinks of Bitcoin nodes after Gervais et al., "On the Security and Performance of Proof of Work
/// Blockchains" (CCS 2016): median 3.0, mean 6.5 Mbit/s, cut at 100.
///
/// Source: the histograms per region in their public Bitcoin-Simulator
/// (`bitcoin-topology-helper.cc`: 2,000 speed tests per region in bins of 0.1 Mbit/s, from which it
/// draws a node's rate), mixed by its shares of Bitcoin nodes (NA 38.69, EU 51.59, SA 1.13,
/// AP 5.74, JP 1.19, AU 1.66 %). Between knots the cumulative probability is within 0.006 of the
/// mixture's.
pub const GERVAIS_2016_UP: Quantiles = &[
    (0.0, 100_000),
    (0.01, 117_000),
    (0.02, 135_000),
    (0.03, 152_000),
    (0.05, 186_000),
    (0.075, 253_000),
    (0.1, 330_000),
    (0.125, 406_000),
    (0.15, 480_000),
    (0.175, 560_000),
    (0.2, 649_000),
    (0.25, 851_000),
    (0.3, 1_083_000),
    (0.35, 1_428_000),
    (0.4, 1_883_000),
    (0.45, 2_439_000),
    (0.5, 2_999_000),
    (0.55, 3_614_000),
    (0.6, 4_260_000),
    (0.65, 5_132_000),
    (0.7, 5_811_000),
    (0.75, 7_298_000),
    (0.8, 8_843_000),
    (0.85, 10_880_000),
    (0.875, 12_656_000),
    (0.9, 15_576_000),
    (0.92, 18_909_000),
    (0.94, 22_976_000),
    (0.95, 25_779_000),
    (0.96, 29_185_000),
    (0.97, 33_136_000),
    (0.98, 40_145_000),
    (0.985, 45_355_000),
    (0.99, 52_913_000),
    (0.995, 72_771_000),
    (0.998, 99_939_000),
    (1.0, 100_000_000),
];

/// Downlinks, from the same source in bins of 0.5 Mbit/s: median 10.4, mean 23 Mbit/s, cut at 500.
/// The source draws them independently of the uplinks.
pub const GERVAIS_2016_DOWN: Quantiles = &[
    (0.0, 100_000),
    (0.01, 162_000),
    (0.02, 224_000),
    (0.03, 286_000),
    (0.05, 409_000),
    (0.075, 564_000),
    (0.1, 800_000),
    (0.125, 1_061_000),
    (0.15, 1_384_000),
    (0.175, 1_752_000),
    (0.2, 2_177_000),
    (0.25, 3_085_000),
    (0.3, 4_292_000),
    (0.35, 5_572_000),
    (0.4, 7_020_000),
    (0.45, 8_653_000),
    (0.5, 10_389_000),
    (0.55, 12_749_000),
    (0.6, 15_886_000),
    (0.65, 18_830_000),
    (0.7, 22_171_000),
    (0.75, 27_062_000),
    (0.8, 34_736_000),
    (0.85, 45_340_000),
    (0.875, 50_967_000),
    (0.9, 56_528_000),
    (0.92, 64_214_000),
    (0.94, 76_164_000),
    (0.95, 85_071_000),
    (0.96, 92_100_000),
    (0.97, 106_704_000),
    (0.98, 126_871_000),
    (0.985, 140_063_000),
    (0.99, 154_911_000),
    (0.995, 218_584_000),
    (0.998, 371_431_000),
    (1.0, 500_000_000),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn mean(table: Quantiles) -> f64 {
        let part = |w: &[(f64, u64)]| (w[1].0 - w[0].0) * (w[0].1 + w[1].1) as f64 / 2.0;
        table.windows(2).map(part).sum()
    }

    #[test]
    fn published_rates_rise_from_probability_zero_to_one() {
        for (table, mean_of_source) in [(GERVAIS_2016_UP, 6.454e6), (GERVAIS_2016_DOWN, 22.90e6)] {
            assert!(table.windows(2).all(|w| w[0].0 < w[1].0 && w[0].1 < w[1].1));
            assert_eq!((table[0].0, table[table.len() - 1].0), (0.0, 1.0));
            // The mean of the mixture that the table was made from.
            assert!((mean(table) / mean_of_source - 1.0).abs() < 0.01, "{}", mean(table));
        }
    }
}
