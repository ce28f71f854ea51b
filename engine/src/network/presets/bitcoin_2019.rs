//! Bitcoin's network of 2019 in six regions.
//!
//! Source: SimBlock's parameters for Bitcoin 2019 (one-way latencies in ms, share of the nodes per
//! region). SimBlock varies latencies by a Pareto distribution; here the excess is the default
//! lognormal (σ = 0.25 over 10 % of the median), since the source gives no spread.

use crate::network::LatencyKind;
use crate::network::table::LatencyTable;

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

pub(super) fn table() -> LatencyTable {
    let mut table = super::symmetric(&REGIONS, &P50_MS, None, LatencyKind::OneWay);
    table.set_shares(SHARES.to_vec());
    table
}
