//! A topology from a file, in any of the formats in which public graphs come.
//!
//! A module each knows what a format looks like, and hands on nodes and edges as they are read;
//! [`edges`] knows what becomes of them. Files may be gzip. However long a file is, what is kept of it
//! is bounded by the number of nodes, and what is held while one piece is read by a megabyte, but
//! for YAML, which is read whole, up to a limit.

mod as_rel;
mod edge_list;
mod edges;
mod gml;
mod graphml;
mod leios;
mod names;
mod snap;
#[cfg(test)]
mod tests;

use std::io::BufRead;
use std::path::Path;

pub(crate) use edges::{Graph, Wanted};
pub use names::NodeNames;
pub(crate) use names::{Finder, shortened};

use super::spec::GraphFormat;
use crate::input::InputFile;
use crate::network::NetworkError;
use crate::network::lines::{self, Lines};

/// Reads a file.
pub(super) fn load(
    file: &InputFile,
    format: GraphFormat,
    wanted: Wanted,
) -> Result<Graph, NetworkError> {
    read(file, lines::open(file)?, format, wanted)
}

/// Reads what has been unpacked; `path` names it in errors.
pub(super) fn read<'r>(
    path: &Path,
    reader: Box<dyn BufRead + 'r>,
    format: GraphFormat,
    wanted: Wanted,
) -> Result<Graph, NetworkError> {
    let has_latencies = !matches!(format, GraphFormat::Snap | GraphFormat::AsRel);
    if wanted.latency.is_some() && !has_latencies {
        let problem = format!("format \"{}\" has none; remove this key", format.word());
        return Err(NetworkError::field("network.topology.latency", problem));
    }
    let lines = |reader| Lines::of(path, reader);
    match format {
        GraphFormat::Csv => edge_list::read(lines(reader), wanted),
        GraphFormat::Snap => snap::read(lines(reader), wanted),
        GraphFormat::AsRel => as_rel::read(lines(reader), wanted),
        GraphFormat::Gml => gml::read(lines(reader), wanted),
        GraphFormat::GraphMl => graphml::read(path, reader, wanted),
        GraphFormat::Leios => leios::read(path, reader, wanted),
    }
}
