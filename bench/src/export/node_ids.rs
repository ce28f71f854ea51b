//! `node_ids.csv`: what a topology's file calls the nodes, where that is not their numbers.

use std::io::Write as _;

use anthill_engine::topology::NodeNames;
use anthill_protocol::NodeId;
use anyhow::Context as _;
use flate2::Compression;
use flate2::write::GzEncoder;

use super::columns::{Columns, Kind};
use crate::run_directory::RunDirectory;
use crate::terminal;

/// A larger table is packed, as `node_ids.csv.gz`.
const MOST_PLAIN: usize = 8_000_000;
/// A larger one is not saved, packed as it is: the rest of the run needs the room.
const MOST_PACKED: usize = 25_000_000;

/// Saves the map.
///
/// # Errors
/// If it cannot be written.
pub(crate) fn save(names: &NodeNames, run: &mut RunDirectory) -> anyhow::Result<()> {
    let text = text(names).context("cannot write node_ids.csv")?;
    if text.len() <= MOST_PLAIN {
        let columns = Columns::default().with(Kind::Count, "node").with(Kind::Text, "id label");
        return Ok(run.write_table("node_ids.csv", &text, &columns)?);
    }
    let mut packed = GzEncoder::new(Vec::new(), Compression::default());
    packed.write_all(&text)?;
    let packed = packed.finish()?;
    if packed.len() > MOST_PACKED {
        let note = format!(
            "node_ids.csv of {} ids would take {} bytes of the run directory, packed, and is not \
             saved",
            names.count(),
            packed.len()
        );
        terminal::complain("note", &note);
        return Ok(());
    }
    Ok(run.write("node_ids.csv.gz", &packed)?)
}

/// A row per node that the file has.
fn text(names: &NodeNames) -> anyhow::Result<Vec<u8>> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let width = if names.has_labels() { 3 } else { 2 };
    table.write_record(&["node", "id", "label"][..width])?;
    for node in (0..names.count()).map(NodeId) {
        let number = node.0.to_string();
        let id = names.id(node).unwrap_or_default();
        let label = names.label(node).unwrap_or_default();
        table.write_record(&[number.as_str(), id, label][..width])?;
    }
    Ok(table.into_inner()?)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Read as _;

    use anthill_engine::topology::{EdgeDirection, Topology, TopologySpec};
    use flate2::read::GzDecoder;

    use super::*;

    fn topology(name: &str, text: &str, nodes: u32) -> Topology {
        let spec = TopologySpec::File {
            path: name.into(),
            format: None,
            latency: None,
            direction: EdgeDirection::Undirected,
            ids: Some(anthill_engine::topology::IdKind::Mapped),
        };
        Topology::read(&spec, text.as_bytes(), nodes).expect("a graph")
    }

    #[test]
    fn ids_and_labels_are_cells_whatever_is_in_them() {
        let topology = topology("a.csv", "source,target\n\"b,\"\"x\",a\n", 2);
        let names = topology.names().expect("a map");
        assert_eq!(
            String::from_utf8(text(names).expect("a table")).expect("text"),
            "node,id\n0,\"b,\"\"x\"\n1,a\n"
        );
        let gml = "graph [ node [ id 5 label \"x\ny\" ] node [ id 3 ] edge [ source 5 target 3 ] ]";
        let topology = self::topology("a.gml", gml, 2);
        let names = topology.names().expect("a map");
        assert_eq!(
            String::from_utf8(text(names).expect("a table")).expect("text"),
            "node,id,label\n0,3,\n1,5,\"x\ny\"\n"
        );
    }

    #[test]
    fn large_maps_are_packed() {
        let long = "x".repeat(240);
        let rows: String = (0..40_000).map(|n| format!("{long}{n},{long}{}\n", n + 1)).collect();
        let topology = topology("a.csv", &format!("source,target\n{rows}"), 40_001);
        let folder = tempfile::tempdir().expect("a folder");
        let mut run = RunDirectory::claim(Some(folder.path()), "x", 1).expect("a claim");
        save(topology.names().expect("a map"), &mut run).expect("saved");
        let packed = fs::File::open(folder.path().join("node_ids.csv.gz")).expect("a file");
        let mut text = String::new();
        GzDecoder::new(packed).read_to_string(&mut text).expect("gzip");
        assert!(text.len() > MOST_PLAIN && text.starts_with(&format!("node,id\n0,{long}0\n1,")));
        assert_eq!(text.lines().count(), 40_002);
    }
}
