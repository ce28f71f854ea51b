//! Ten AWS regions, nodes in equal shares.
//!
//! Source: cloudping figures (round trips between AWS regions, median and 90th percentile over a
//! year) as embedded by Commonware's estimator. Round trips in ms; the two directions differ by at
//! most a few per cent and are averaged. Medians are rounded to whole ms, 90th percentiles to 0.1.

use crate::network::LatencyKind;
use crate::network::table::LatencyTable;

pub(super) const NAME: &str = "aws-p50";

const REGIONS: [&str; 10] = [
    "us-east-1",
    "us-west-2",
    "eu-west-1",
    "eu-central-1",
    "sa-east-1",
    "ap-northeast-1",
    "ap-southeast-1",
    "ap-southeast-2",
    "af-south-1",
    "ap-south-1",
];

const P50_MS: [&[f64]; 10] = [
    &[6.0, 64.0, 70.0, 93.0, 115.0, 150.0, 220.0, 200.0, 228.0, 193.0],
    &[3.0, 118.0, 143.0, 175.0, 98.0, 160.0, 141.0, 275.0, 222.0],
    &[3.0, 27.0, 178.0, 202.0, 179.0, 256.0, 160.0, 126.0],
    &[4.0, 204.0, 227.0, 160.0, 251.0, 156.0, 129.0],
    &[3.0, 259.0, 328.0, 312.0, 339.0, 302.0],
    &[3.0, 71.0, 107.0, 358.0, 134.0],
    &[4.0, 95.0, 317.0, 64.0],
    &[4.0, 409.0, 155.0],
    &[4.0, 273.0],
    &[3.0],
];

const P90_MS: [&[f64]; 10] = [
    &[9.3, 67.9, 73.7, 96.9, 118.7, 156.2, 230.7, 203.7, 231.9, 202.3],
    &[5.9, 121.7, 146.0, 177.7, 101.3, 164.4, 143.8, 279.7, 233.5],
    &[5.8, 30.1, 181.1, 208.6, 186.1, 259.1, 164.3, 133.1],
    &[5.9, 206.9, 231.3, 164.7, 255.1, 160.4, 133.1],
    &[5.6, 264.2, 332.6, 315.1, 343.5, 305.8],
    &[5.9, 73.6, 115.5, 391.1, 145.3],
    &[5.7, 97.7, 343.7, 67.1],
    &[5.8, 415.2, 157.7],
    &[11.9, 301.5],
    &[5.4],
];

pub(super) fn table() -> LatencyTable {
    super::symmetric(&REGIONS, &P50_MS, Some(&P90_MS), LatencyKind::RoundTrip)
}
