//! What a network reads: latency tables from a scenario and from files of measurements, histograms
//! of delays, tables of nodes.
//!
//! Each loader owns one format and brings it to what the network works with; errors name file and
//! line.

mod aws_json;
mod city_pairs;
mod histogram;
mod inline;
mod node_file;
mod ripe_country;

use super::lines::{Lines, line_error};
use super::table::LatencyTable;
use super::{NetworkError, RegionFormat, RegionsSpec, presets};
use crate::input::InputFile;
pub(crate) use histogram::histogram;
pub(crate) use node_file::{BYTES_PER_NODE as NODE_FILE_BYTES_PER_NODE, NodeFile, node_file};

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
        },
    }
}

/// Opens a CSV file that begins with `header`; what is left are its rows.
fn open_csv(path: &InputFile, header: &str) -> Result<Lines<'static>, NetworkError> {
    let mut lines = Lines::open(path)?;
    let first = lines.next()?;
    if let Some((_, line)) = first
        && line == header
    {
        return Ok(lines);
    }
    let number = first.map_or(1, |(number, _)| number);
    Err(line_error(path, number, format!("expected the header {header}")))
}

/// The fields of a CSV line; quoted fields may hold commas, but no line breaks.
fn csv_fields(line: &str) -> Result<Vec<String>, String> {
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .buffer_capacity(line.len())
        .from_reader(line.as_bytes());
    let mut record = csv::StringRecord::new();
    reader.read_record(&mut record).map_err(|e| format!("not CSV: {e}"))?;
    Ok(record.iter().map(|field| field.trim().to_owned()).collect())
}

/// A number in a named column.
fn number(field: &str, column: &str) -> Result<f64, String> {
    field.parse().map_err(|_| format!("\"{field}\" in column {column} is not a number"))
}
