//! What a network reads: latency tables from a scenario and from files of measurements, histograms
//! of delays, tables of nodes.
//!
//! Each loader owns one format and brings it to what the network works with; errors name file and
//! line.

mod aws_json;
mod city_pairs;
mod histogram;
mod inline;
mod matrix;
mod node_file;
mod ripe_country;

use super::table::{LatencyTable, MAX_REGIONS};
use super::{NetworkError, RegionFormat, RegionsSpec, presets};
pub(crate) use histogram::histogram;
pub(crate) use node_file::{
    BYTES_PER_NODE as NODE_FILE_BYTES_PER_NODE, NodeFile, node_file, stakes,
};

/// The table a scenario asks for.
pub(crate) fn table(spec: &RegionsSpec) -> Result<LatencyTable, NetworkError> {
    match spec {
        RegionsSpec::Preset(name) => presets::table(name),
        RegionsSpec::Inline { names, p50_ms, p90_ms, latency } => {
            inline::table(names, p50_ms, p90_ms.as_deref(), *latency)
        }
        RegionsSpec::File { path, p90_path, format, latency } => match (format, p90_path) {
            (RegionFormat::AwsJson, p90) => aws_json::load(path, p90.as_ref(), *latency),
            (_, Some(_)) => Err(NetworkError::field(
                "network.regions.p90_file",
                "only AWS tables keep percentiles in a second file; leave it out",
            )),
            (RegionFormat::RipeCountry, None) => ripe_country::load(path, *latency),
            (RegionFormat::CityPairs, None) => city_pairs::load(path, *latency),
            (RegionFormat::Matrix, None) => matrix::load(path, *latency),
        },
    }
}

/// Bytes that a table takes at most while it is read: what is known of each pair of regions, the
/// entries that it comes from, and its link. An estimate, made without reading a file.
pub(crate) fn estimate_bytes(spec: &RegionsSpec) -> u64 {
    /// Of a pair: figures in the table, an entry of a file, a link.
    const PER_PAIR: u64 = 48 + 64 + 24;
    /// Bytes of text that no format has less of for a pair.
    const LEAST_TEXT: u64 = 8;
    match spec {
        RegionsSpec::Preset(_) => 0,
        RegionsSpec::Inline { names, .. } => (names.len() as u64).pow(2) * PER_PAIR,
        RegionsSpec::File { path, .. } => {
            let bytes = std::fs::metadata(path.path()).map_or(0, |metadata| metadata.len());
            let packed = path.extension().is_some_and(|e| e.eq_ignore_ascii_case("gz"));
            let pairs = bytes.saturating_mul(if packed { 3 } else { 1 }) / LEAST_TEXT;
            pairs.min((MAX_REGIONS as u64).pow(2)) * PER_PAIR
        }
    }
}
