//! A topology as GML, GraphML or CSV: what `network.topology = { kind = "file" }` reads back.

use std::io::{self, Write};

use anthill_engine::topology::Topology;
use anthill_protocol::{NodeId, Span};
use anyhow::bail;

use crate::args::GraphTo;
use crate::units;

/// The most edges that are written: about a gigabyte.
const MOST_EDGES: u64 = 20_000_000;

/// Nodes with their labels, and edges, those of an undirected graph once.
pub(super) struct Graph<'a> {
    topology: &'a Topology,
    nodes: u32,
    edges: Vec<(u32, u32, Option<Span>)>,
}

impl<'a> Graph<'a> {
    /// The graph of a topology.
    ///
    /// # Errors
    /// If it has too many edges for a file.
    pub(super) fn of(topology: &'a Topology, nodes: u32) -> anyhow::Result<Self> {
        if topology.edges() > 2 * MOST_EDGES {
            let (edges, most) = (units::count(topology.edges()), units::count(2 * MOST_EDGES));
            bail!(
                "the topology has {edges} neighbours of nodes, {most} are the most that are written; \
                 take fewer --nodes, or a topology with a lower degree"
            );
        }
        let mut edges = Vec::new();
        for node in 0..nodes {
            let of_node = edges.len();
            for slot in 0..topology.degree(NodeId(node)) {
                let peer = topology.peer(NodeId(node), slot).0;
                // From the lower end; also from the other where its latency is its own.
                let latency = topology.latency(NodeId(node), slot);
                if topology.is_directed() || latency.is_some() || node < peer {
                    edges.push((node, peer, latency));
                }
            }
            edges[of_node..].sort_unstable();
        }
        edges.dedup();
        Ok(Self { topology, nodes, edges })
    }

    /// How many edges there are.
    pub(super) fn edges(&self) -> usize {
        self.edges.len()
    }

    /// Writes it.
    ///
    /// # Errors
    /// If that cannot be done.
    pub(super) fn write(&self, to: GraphTo, out: &mut impl Write) -> io::Result<()> {
        match to {
            GraphTo::Gml => self.gml(out),
            GraphTo::Graphml => self.graphml(out),
            GraphTo::Csv => self.csv(out),
        }
    }

    /// Whether an edge leads one way only.
    fn is_directed(&self) -> bool {
        self.topology.is_directed() || self.edges.iter().any(|(_, _, latency)| latency.is_some())
    }

    /// What the graph came with: label or id in the file it was read from.
    fn label(&self, node: u32) -> Option<&str> {
        let names = self.topology.names()?;
        let label = names.label(NodeId(node)).filter(|label| !label.is_empty());
        label.or_else(|| names.id(NodeId(node)))
    }

    fn gml(&self, out: &mut impl Write) -> io::Result<()> {
        writeln!(out, "graph [\n  directed {}", u8::from(self.is_directed()))?;
        for node in 0..self.nodes {
            match self.label(node) {
                None => writeln!(out, "  node [ id {node} ]")?,
                Some(label) => writeln!(out, "  node [ id {node} label \"{}\" ]", escaped(label))?,
            }
        }
        for (from, to, latency) in &self.edges {
            match latency {
                None => writeln!(out, "  edge [ source {from} target {to} ]")?,
                Some(latency) => writeln!(
                    out,
                    "  edge [ source {from} target {to} latency \"{} ns\" ]",
                    latency.0
                )?,
            }
        }
        writeln!(out, "]")
    }

    fn graphml(&self, out: &mut impl Write) -> io::Result<()> {
        let edge_default = if self.is_directed() { "directed" } else { "undirected" };
        writeln!(
            out,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n\
             <graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n\
             <key id=\"l\" for=\"node\" attr.name=\"label\" attr.type=\"string\"/>\n\
             <key id=\"t\" for=\"edge\" attr.name=\"latency_ms\" attr.type=\"double\"/>\n\
             <graph edgedefault=\"{edge_default}\">"
        )?;
        for node in 0..self.nodes {
            match self.label(node) {
                None => writeln!(out, "<node id=\"{node}\"/>")?,
                Some(label) => writeln!(
                    out,
                    "<node id=\"{node}\"><data key=\"l\">{}</data></node>",
                    escaped(label)
                )?,
            }
        }
        for (from, to, latency) in &self.edges {
            write!(out, "<edge source=\"{from}\" target=\"{to}\"")?;
            match latency {
                None => writeln!(out, "/>")?,
                Some(latency) => {
                    writeln!(out, "><data key=\"t\">{}</data></edge>", milliseconds(*latency))?;
                }
            }
        }
        writeln!(out, "</graph>\n</graphml>")
    }

    fn csv(&self, out: &mut impl Write) -> io::Result<()> {
        let has_latency = self.edges.iter().any(|(_, _, latency)| latency.is_some());
        writeln!(out, "source,target{}", if has_latency { ",latency_ms" } else { "" })?;
        for (from, to, latency) in &self.edges {
            match latency {
                None => writeln!(out, "{from},{to}")?,
                Some(latency) => writeln!(out, "{from},{to},{}", milliseconds(*latency))?,
            }
        }
        Ok(())
    }
}

fn milliseconds(latency: Span) -> f64 {
    latency.0 as f64 / 1e6
}

/// Text as it can stand in GML and XML; what neither takes is a blank.
fn escaped(text: &str) -> String {
    let mut all = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => all.push_str("&amp;"),
            '<' => all.push_str("&lt;"),
            '>' => all.push_str("&gt;"),
            '"' => all.push_str("&quot;"),
            c if c.is_control() => all.push(' '),
            c => all.push(c),
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use anthill_engine::network::LatencyKind;
    use anthill_engine::topology::{EdgeDirection, IdKind, TopologySpec};

    use super::*;

    fn file(name: &str, latency: Option<LatencyKind>, direction: EdgeDirection) -> TopologySpec {
        let ids = Some(IdKind::Numbers);
        TopologySpec::File { path: name.into(), format: None, latency, direction, ids }
    }

    fn rows(topology: &Topology, nodes: u32) -> Vec<Vec<(u32, Option<Span>)>> {
        let row = |node| {
            let node = NodeId(node);
            let slots = 0..topology.degree(node);
            slots.map(|slot| (topology.peer(node, slot).0, topology.latency(node, slot))).collect()
        };
        (0..nodes).map(row).collect()
    }

    const ALL: [(GraphTo, &str); 3] =
        [(GraphTo::Gml, "g.gml"), (GraphTo::Graphml, "g.graphml"), (GraphTo::Csv, "g.csv")];

    #[test]
    fn what_is_written_is_read_back() {
        let nodes = 60;
        let spec = TopologySpec::RandomRegular { degree: 6, implicit: false };
        let regular = Topology::build(&spec, nodes, 3).expect("a graph");
        let text = "source,target,latency_ms\n0,1,1.5\n1,0,2.25\n1,2,0.000001\n59,0,7\n";
        let latency = Some(LatencyKind::OneWay);
        let directed = EdgeDirection::SourceToTarget;
        let weighted = Topology::read(&file("w.csv", latency, directed), text.as_bytes(), nodes);
        let weighted = weighted.expect("a graph");
        let undirected = EdgeDirection::Undirected;
        for (topology, latency, direction) in
            [(regular, None, undirected), (weighted, latency, directed)]
        {
            for (to, name) in ALL {
                let graph = Graph::of(&topology, nodes).expect("small");
                let mut text = Vec::new();
                graph.write(to, &mut text).expect("memory");
                let again = Topology::read(&file(name, latency, direction), &text[..], nodes);
                let again = again.unwrap_or_else(|error| panic!("{error}"));
                assert_eq!(rows(&again, nodes), rows(&topology, nodes), "{name}");
            }
        }
    }

    #[test]
    fn names_are_escaped_and_too_many_edges_refused() {
        let text = "graph [ node [ id 4 label \"&lt;a&gt; &amp; &quot;b&quot;\" ] node [ id 2 ]\n\
                    edge [ source 4 target 2 ] ]";
        let spec = TopologySpec::File {
            path: "a.gml".into(),
            format: None,
            latency: None,
            direction: EdgeDirection::Undirected,
            ids: None,
        };
        let topology = Topology::read(&spec, text.as_bytes(), 2).expect("a graph");
        for (to, name) in &ALL[..2] {
            let mut text = Vec::new();
            Graph::of(&topology, 2).expect("small").write(*to, &mut text).expect("memory");
            let again = TopologySpec::File {
                path: (*name).into(),
                format: None,
                latency: None,
                direction: EdgeDirection::Undirected,
                ids: None,
            };
            let again = Topology::read(&again, &text[..], 2).expect("read back");
            let names = again.names().expect("labels");
            assert_eq!(names.label(NodeId(1)), Some("<a> & \"b\""), "{name}");
        }
        let complete = Topology::build(&TopologySpec::Complete, 1_000_000, 1).expect("complete");
        let error = Graph::of(&complete, 1_000_000).err().expect("too many").to_string();
        assert!(error.contains("take fewer --nodes"), "{error}");
    }
}
