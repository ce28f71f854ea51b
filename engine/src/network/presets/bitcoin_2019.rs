//! Bitcoin's network of 2019 in six regions.
//!
//! Source: SimBlock's parameters for Bitcoin 2019 (one-way latencies in ms, share of the nodes and
//! access rates per region). SimBlock takes a latency for the mean of a Pareto distribution, so that
//! is how they vary here unless the scenario says otherwise. Its later versions give a rate to each
//! pair of regions instead of the cap of 6 Mbit/s between them.

use crate::network::LatencyKind;
use crate::network::table::{LatencyTable, Source};

pub(super) const NAME: &str = "bitcoin-2019";

/// North America, Europe, South America, Asia-Pacific, Japan, Australia.
const REGIONS: [&str; 6] = ["NA", "EU", "SA", "AP", "JP", "AU"];

const P50_MS: [&[f64]; 6] = [
    &[32.0, 124.0, 184.0, 198.0, 151.0, 189.0],
    &[11.0, 227.0, 237.0, 252.0, 294.0],
    &[88.0, 325.0, 301.0, 322.0],
    &[85.0, 58.0, 198.0],
    &[12.0, 126.0],
    &[16.0],
];

const SHARES: [f64; 6] = [0.3316, 0.4998, 0.0090, 0.1177, 0.0224, 0.0195];

/// Rates up and down in kbit/s.
const RATES_KBIT: [(u64, u64); 6] = [
    (19_200, 52_000),
    (20_700, 40_000),
    (5_800, 18_000),
    (15_700, 22_800),
    (10_200, 22_800),
    (11_300, 29_900),
];

/// Greatest rate of one transfer between two regions, in bit/s.
const CAP: u64 = 6_000_000;

pub(super) fn table() -> LatencyTable {
    let mut table = super::symmetric(&REGIONS, &P50_MS, None, LatencyKind::OneWay);
    table.set_source(Source {
        shares: Some(SHARES.to_vec()),
        rates: Some(RATES_KBIT.map(|(up, down)| (up * 1000, down * 1000)).to_vec()),
        cap: Some(CAP),
        pareto: true,
    });
    table
}
