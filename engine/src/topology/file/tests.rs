//! Every format: what it becomes, how ids are mapped, what is refused, and that nothing panics.

use proptest::prelude::*;

use super::super::{EdgeDirection, IdKind, Topology, TopologySpec};
use super::*;
use crate::network::LatencyKind;
use anthill_protocol::NodeId;

const ALL: [GraphFormat; 6] = [
    GraphFormat::Csv,
    GraphFormat::Snap,
    GraphFormat::AsRel,
    GraphFormat::Gml,
    GraphFormat::GraphMl,
    GraphFormat::Leios,
];

/// As `networkx.write_gml` has it, with what others add.
const GML: &str = r#"Creator "NetworkX & others"
# a comment with [ and "
graph [
  directed 0
  node [
    id 0
    label "Montr&#233;al"
    graphics [ id 77 x 0.5 y -1e3 Image [ Type "URL" ] ]
  ]
  node [ id 1 label "B" host_bandwidth_up "100 Mbit" ]
  node [
    id 2
    label "a label
of two lines"
  ]
  edge [ source 0 target 1 latency "10 ms" packet_loss 0.0 ]
  edge [ source 1 target 2 latency_ms 2.5 weight 3 ]
  edge [ source 1 target 1 latency "1 ms" ]
]
"#;

/// As `networkx.write_graphml` has it.
const GRAPHML: &str = r#"<?xml version='1.0' encoding='utf-8'?>
<!-- a comment -->
<graphml xmlns="http://graphml.graphdrawing.org/xmlns" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">
  <key id="d0" for="edge" attr.name="latency" attr.type="double"><default>7</default></key>
  <key id="d1" for="node" attr.name="name" attr.type="string" />
  <key id="d2" for="node" attr.name="colour" attr.type="string"><default>red</default></key>
  <graph edgedefault="undirected">
    <node id="x"><data key="d1">Montr&#233;al &amp; <![CDATA[<more>]]></data></node>
    <node id="a"/>
    <node id="10"><data key="d2">blue</data></node>
    <edge source="x" target="a"><data key="d0">10</data></edge>
    <edge id="e1" source="a" target="10" />
    <edge source="a" target="a" />
  </graph>
</graphml>
"#;

const LEIOS: &str = "# A comment.
nodes:
  node-7:
    stake: 500
    location: [0.12, 0.2]
    producers:
      \"node-3\":
        latency-ms: 12.0
        bandwidth-bytes-per-second: 125000000
  node-3:
    location: {cluster: eu, at: {x: 1}}
    producers: {node-9: {latency-ms: 2.5}}
  node-9:
    stake: 1
    producers:
";

const SNAP: &str = "# Undirected graph: ca-GrQc.txt\n# FromNodeId\tToNodeId\n3466\t937\n3466\t5233\n\
                    937\t3466\n5233\t5233\n";
const AS_REL: &str = "# input clique: 174 209\n1|11537|0\n174|1|-1|bgp\n";
const CSV: &str = "source,target,latency_ms\nparis,oslo,10\noslo,\"rome, it\",2.5\n";

fn seed(format: GraphFormat) -> &'static str {
    match format {
        GraphFormat::Csv => CSV,
        GraphFormat::Snap => SNAP,
        GraphFormat::AsRel => AS_REL,
        GraphFormat::Gml => GML,
        GraphFormat::GraphMl => GRAPHML,
        GraphFormat::Leios => LEIOS,
    }
}

fn spec(format: GraphFormat, latency: Option<LatencyKind>) -> TopologySpec {
    TopologySpec::File {
        path: "graph".into(),
        format: Some(format),
        latency,
        direction: EdgeDirection::Undirected,
        ids: Some(IdKind::Mapped),
    }
}

fn read(format: GraphFormat, text: &str, nodes: u32) -> Topology {
    Topology::read(&spec(format, None), text.as_bytes(), nodes).unwrap()
}

fn with_latency(format: GraphFormat, text: &str, nodes: u32) -> Topology {
    let spec = spec(format, Some(LatencyKind::OneWay));
    Topology::read(&spec, text.as_bytes(), nodes).unwrap()
}

fn refused(format: GraphFormat, text: impl AsRef<[u8]>, nodes: u32) -> String {
    Topology::read(&spec(format, None), text.as_ref(), nodes).unwrap_err().to_string()
}

fn rows(topology: &Topology, nodes: u32) -> Vec<Vec<u32>> {
    let row = |node: u32| {
        let node = NodeId(node);
        (0..topology.degree(node)).map(|slot| topology.peer(node, slot).0).collect()
    };
    (0..nodes).map(row).collect()
}

fn ids(topology: &Topology) -> Vec<&str> {
    let names = topology.names().expect("a map");
    (0..names.count()).map(|node| names.id(NodeId(node)).unwrap()).collect()
}

fn latency(topology: &Topology, from: u32, slot: u32) -> Option<u32> {
    topology.with_latencies().expect("latencies").latency(NodeId(from), slot)
}

#[test]
fn every_format_is_read_to_the_same_path_of_three() {
    let path = [vec![1], vec![0, 2], vec![1]];
    for format in [GraphFormat::Csv, GraphFormat::Gml, GraphFormat::GraphMl, GraphFormat::Leios] {
        let found = with_latency(format, seed(format), 3);
        assert_eq!(rows(&found, 3), path, "{format:?}");
        let first = if format == GraphFormat::Leios { 12_000_000 } else { 10_000_000 };
        assert_eq!(latency(&found, 0, 0), Some(first), "{format:?}");
        // The default of the key in GraphML.
        let second = if format == GraphFormat::GraphMl { 7_000_000 } else { 2_500_000 };
        assert_eq!(latency(&found, 2, 0), Some(second), "{format:?}");
    }
    assert_eq!(rows(&read(GraphFormat::Snap, SNAP, 3), 3), [vec![1], vec![0, 2], vec![1]]);
    assert_eq!(rows(&read(GraphFormat::AsRel, AS_REL, 3), 3), [vec![1, 2], vec![0], vec![0]]);
}

#[test]
fn ids_that_are_numbers_ascend_and_others_come_as_they_appear() {
    let snap = read(GraphFormat::Snap, SNAP, 3);
    assert_eq!(ids(&snap), ["937", "3466", "5233"]);
    assert_eq!(
        snap.notes(),
        [
            "graph: 1 row joins a node to itself, left out; first in line 6",
            "graph: 3 ids are mapped to node numbers in ascending order, \"937\" to 0; \
             node_ids.csv in the run directory has all",
        ]
    );
    let as_rel = read(GraphFormat::AsRel, AS_REL, 3);
    assert_eq!(ids(&as_rel), ["1", "174", "11537"]);
    assert_eq!(as_rel.notes()[0], "graph: 1 rows of provider and customer, 1 of peers");
    assert_eq!(ids(&with_latency(GraphFormat::Csv, CSV, 3)), ["paris", "oslo", "rome, it"]);
    assert_eq!(ids(&read(GraphFormat::GraphMl, GRAPHML, 3)), ["x", "a", "10"]);
    assert_eq!(ids(&read(GraphFormat::Leios, LEIOS, 3)), ["node-7", "node-3", "node-9"]);
    // 0..n stay what they are, and need no map; one of two ways to write a number makes text of all.
    let dense = read(GraphFormat::Snap, "2 1\n1 0\n", 3);
    assert!(dense.names().is_none());
    assert_eq!(rows(&dense, 3), [vec![1], vec![0, 2], vec![1]]);
    assert_eq!(ids(&read(GraphFormat::Snap, "2 01\n01 0\n", 3)), ["2", "01", "0"]);
    let largest = format!("{} 7\n{}0 7\n", u64::MAX, u64::MAX);
    assert_eq!(ids(&read(GraphFormat::Snap, &largest, 3))[1], "7", "beyond u64 it is text");
}

#[test]
fn labels_are_kept_beside_the_ids() {
    for (format, text, label) in
        [(GraphFormat::Gml, GML, "Montréal"), (GraphFormat::GraphMl, GRAPHML, "Montréal & <more>")]
    {
        let topology = read(format, text, 3);
        let names = topology.names().expect("labels");
        assert!(names.has_labels());
        assert_eq!(names.label(NodeId(0)), Some(label));
    }
    let gml = read(GraphFormat::Gml, GML, 5);
    let names = gml.names().unwrap();
    assert_eq!(names.label(NodeId(2)), Some("a label\nof two lines"));
    assert_eq!((names.count(), names.id(NodeId(3)), names.label(NodeId(4))), (3, None, Some("")));
    let note =
        "graph: latency has no effect: set network.topology.latency to \"rtt\" or \"one-way\"";
    assert!(gml.notes()[0].starts_with(note), "{:?}", gml.notes());
}

#[test]
fn directions_and_units_are_as_stated() {
    let fed = TopologySpec::File {
        path: "t.yml".into(),
        format: None,
        latency: Some(LatencyKind::RoundTrip),
        direction: EdgeDirection::TargetToSource,
        ids: None,
    };
    let topology = Topology::read(&fed, LEIOS.as_bytes(), 3).unwrap();
    assert_eq!(rows(&topology, 3), [vec![], vec![0], vec![1]], "producers feed");
    assert_eq!(latency(&topology, 1, 0), Some(6_000_000));
    for (text, ns) in
        [("7", 7_000_000), ("\"7 us\"", 7_000), ("\"7ns\"", 7), ("\"0.5 s\"", 500_000_000)]
    {
        let gml = format!(
            "graph [ node [ id 0 ] node [ id 1 ] edge [ source 0 target 1 latency {text} ] ]"
        );
        assert_eq!(latency(&with_latency(GraphFormat::Gml, &gml, 2), 0, 0), Some(ns), "{text}");
    }
    let directed = GML.replace("directed 0", "directed 1");
    let note = "graph: the graph is directed, but each edge makes both ends neighbours";
    assert!(read(GraphFormat::Gml, &directed, 3).notes()[0].starts_with(note));
    let directed = GRAPHML.replace("\"undirected\"", "\"directed\"");
    assert!(read(GraphFormat::GraphMl, &directed, 3).notes()[0].starts_with(note));
}

#[test]
fn names_tell_formats() {
    for (name, format) in [
        ("a/karate.GML", GraphFormat::Gml),
        ("a.gml.gz", GraphFormat::Gml),
        ("b.graphml", GraphFormat::GraphMl),
        ("b.xml.GZ", GraphFormat::GraphMl),
        ("topo-default-100.yaml", GraphFormat::Leios),
        ("20240101.as-rel2.txt", GraphFormat::AsRel),
        ("edges.csv", GraphFormat::Csv),
        ("facebook.txt", GraphFormat::Csv),
        ("gml/edges", GraphFormat::Csv),
    ] {
        assert_eq!(GraphFormat::of_name(Path::new(name)), format, "{name}");
    }
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    let gml = |inside: &str| format!("graph [\n{inside}\n]");
    let xml = |inside: &str| format!("<graphml><graph>\n{inside}\n</graph></graphml>");
    let deep_xml = xml(&"<a>".repeat(80));
    let deep = gml(&"a [ ".repeat(80));
    let cases: &[(GraphFormat, &str, &str)] = &[
        (GraphFormat::Snap, "", "no edges; expected two ids a line"),
        (GraphFormat::Snap, "# only\n", "no edges"),
        (GraphFormat::Snap, "1\n", "line 1: \"1\": expected two ids a line; for commas"),
        (
            GraphFormat::Snap,
            "1,2\n",
            "expected two ids a line; for commas and headers, take format",
        ),
        (GraphFormat::Snap, "1 2\n3\n", "line 2: 1 fields; the first row has 2"),
        (GraphFormat::AsRel, "1|2\n", "line 1: \"1|2\": expected AS|AS|-1"),
        (GraphFormat::AsRel, "1|2|3|4|5\n", "expected AS|AS|-1"),
        (GraphFormat::AsRel, "1|2|7\n", "line 1: \"7\" is no relation: -1 is"),
        (GraphFormat::AsRel, "1||0\n", "line 1: target is empty"),
        (GraphFormat::Gml, "", "no graph [ … ]; is this GML?"),
        (GraphFormat::Gml, "source,target\n0,1\n", "no graph [ … ]; is this GML?"),
        (GraphFormat::Gml, "graph [", "the file ends while 1 \"[\" are open"),
        (GraphFormat::Gml, "]", "line 1: \"]\" without"),
        (GraphFormat::Gml, "[", "line 1: \"[\" without a key"),
        (GraphFormat::Gml, "graph [ ] graph [ ]", "a second graph"),
        (GraphFormat::Gml, "graph [\n node [ id 0\nid 1 ] ]", "line 3: a second id"),
        (GraphFormat::Gml, "graph [\n node [ label \"x\" ] ]", "line 2: a node without id"),
        (GraphFormat::Gml, "graph [\n edge [ source 0 ] ]", "line 2: an edge without source and"),
        (GraphFormat::Gml, "graph [ id ]", "line 1: key \"id\" has no value"),
        (GraphFormat::Gml, "graph [ comment \"x ]", "line 1: a string without an end"),
        (GraphFormat::Gml, "graph [ node [ id 0 ] node [ id 0 ] ]", "\"0\" is listed twice"),
        (GraphFormat::Gml, &deep, "line 2: more than 64 brackets"),
        (GraphFormat::GraphMl, "", "no <graphml>; is this GraphML?"),
        (GraphFormat::GraphMl, "source,target\n", "no <graphml>"),
        (GraphFormat::GraphMl, "<html></html>", "line 1: \"html\" where <graphml> is expected"),
        (GraphFormat::GraphMl, "<graphml>", "the file ends inside <graphml>"),
        (GraphFormat::GraphMl, "<graphml>\n</graph>", "line 2: not XML"),
        (GraphFormat::GraphMl, &deep_xml, "line 2: more than 64 elements"),
        (GraphFormat::Leios, "", "nothing in it"),
        (GraphFormat::Leios, "a: 1\n", "no `nodes`; is this a Leios topology?"),
        (GraphFormat::Leios, "nodes: [a]\n", "line 1: a list where nodes should have keys"),
        (GraphFormat::Leios, "nodes:\n  a: b\n", "line 2: \"b\" where a node should have keys"),
        (GraphFormat::Leios, "nodes: {}\nnodes: {}\n", "line 2: a second `nodes`"),
        (GraphFormat::Leios, "nodes:\n  a: {}\n  a: {}\n", "line 3: node \"a\" is listed twice"),
        (GraphFormat::Leios, "a: &x 1\nb: *x\n", "line 2: an alias"),
        (
            GraphFormat::Leios,
            "nodes: {a: {producers: {b: {}}}}",
            "names node \"b\", which the file",
        ),
        (GraphFormat::Leios, "nodes: {a: {x: {", "not YAML"),
        (GraphFormat::Leios, "nodes: {a: }}", "not YAML"),
    ];
    for (format, text, problem) in cases {
        let error = refused(*format, text, 4);
        assert!(error.starts_with("graph") && error.contains(problem), "{error} lacks {problem}");
    }
    for (inside, problem) in [
        ("<node/>", "line 2: <node> without id"),
        ("<node id=\"a\"/><node id=\"a\"/>", "node \"a\" is listed twice"),
        ("<edge source=\"a\"/>", "line 2: <edge> without target"),
        ("<node id=\"a\"/><edge source=\"a\" target=\"b\"/>", "line 2: an edge names node \"b\""),
        ("<hyperedge/>", "line 2: hyperedges are not read"),
        ("<node id=\"&x;\"/>", "line 2: id: "),
        ("<node id=a/>", "line 2"),
    ] {
        let error = refused(GraphFormat::GraphMl, xml(inside), 4);
        assert!(error.starts_with("graph") && error.contains(problem), "{error} lacks {problem}");
    }
    for format in ALL {
        let error = refused(format, b"\xff\xfe\x00\xd8", 4);
        assert!(error.starts_with("graph"), "{format:?}: {error}");
        let error = refused(format, b"\x1f\x8b\x08junk", 4);
        assert!(error.contains("cannot read") || error.contains("not XML"), "{format:?}: {error}");
    }
    let long = format!("{} 2\n", "9".repeat(300));
    assert!(refused(GraphFormat::Snap, long, 4).contains("…\" is longer than 255 bytes"));
}

#[test]
fn too_few_nodes_or_latencies_are_said_with_the_number_that_fits() {
    for format in ALL {
        let error = refused(format, seed(format), 2);
        let part = "graph: the file has 3 nodes, `nodes` is 2; set nodes = 3";
        assert_eq!(error, part, "{format:?}");
        let spec = spec(format, Some(LatencyKind::OneWay));
        let result = Topology::read(&spec, seed(format).as_bytes(), 3);
        if matches!(format, GraphFormat::Snap | GraphFormat::AsRel) {
            let error = result.unwrap_err().to_string();
            let part = format!("network.topology.latency: format \"{}\" has none", format.word());
            assert!(error.starts_with(&part), "{error}");
        } else {
            assert!(result.is_ok());
        }
    }
    let none = GML.replace("latency", "delay");
    let spec = spec(GraphFormat::Gml, Some(LatencyKind::OneWay));
    let error = Topology::read(&spec, none.as_bytes(), 3).unwrap_err().to_string();
    assert!(error.contains("line 16: the edge has no latency or latency_ms"), "{error}");
    let wrong = GML.replace("10 ms", "10 parsecs");
    let error = Topology::read(&spec, wrong.as_bytes(), 3).unwrap_err().to_string();
    assert!(error.contains("line 16: latency \"10 parsecs\" is not milliseconds"), "{error}");
    // Ids by number in a format that maps them, and the other way round.
    let numbers = TopologySpec::File {
        path: "x.gml".into(),
        format: None,
        latency: None,
        direction: EdgeDirection::Undirected,
        ids: Some(IdKind::Numbers),
    };
    assert!(Topology::read(&numbers, GML.as_bytes(), 9).unwrap().names().is_none());
    let error = Topology::read(&numbers, GML.as_bytes(), 2).unwrap_err().to_string();
    assert!(error.contains("id 2 is no node: ids are 0 to 1"), "{error}");
    assert!(error.contains("set network.topology.ids to \"mapped\""), "{error}");
}

/// However long a tag or string is: it is refused within a megabyte or two.
#[test]
fn endless_pieces_are_refused() {
    struct Endless(&'static [u8], u64);
    impl std::io::Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            assert!(self.1 < 4 << 20, "read on");
            self.1 += 1024;
            if !self.0.is_empty() {
                return self.0.read(buffer);
            }
            let length = buffer.len().min(1024);
            buffer[..length].fill(b'x');
            Ok(length)
        }
    }
    for (format, begin, problem) in [
        (GraphFormat::GraphMl, &b"<graphml><node id=\""[..], "of more than 1048576 bytes"),
        (GraphFormat::GraphMl, b"<graphml><!-- ", "of more than 1048576 bytes"),
        (GraphFormat::GraphMl, b"<graphml>text ", "of more than 1048576 bytes"),
        (GraphFormat::Gml, b"graph [ label \"", "longer than 1048576 bytes"),
        (GraphFormat::Snap, b"1 ", "longer than 1048576 bytes"),
        (GraphFormat::AsRel, b"1|", "longer than 1048576 bytes"),
    ] {
        let reader = std::io::BufReader::new(Endless(begin, 0));
        let error = Topology::read(&spec(format, None), reader, 4).unwrap_err().to_string();
        assert!(error.contains(problem), "{format:?}: {error}");
    }
}

/// Bytes cut out, doubled, replaced or put in, at places that follow from the numbers.
fn mutated(text: &str, changes: &[(u16, u8, u8)]) -> Vec<u8> {
    const PARTS: [&[u8]; 12] =
        [b"[", b"]", b"\"", b"<", b">", b"\n", b"0", b"&x;", b"|", b": ", b"{", b"\xff"];
    let mut bytes = text.as_bytes().to_vec();
    for (place, kind, length) in changes {
        let place = usize::from(*place) % (bytes.len() + 1);
        let end = (place + usize::from(*length)).min(bytes.len());
        match kind % 4 {
            0 => drop(bytes.drain(place..end)),
            1 => {
                let part = bytes[place..end].to_vec();
                bytes.splice(place..place, part);
            }
            2 => {
                let part = PARTS[usize::from(*length) % PARTS.len()];
                bytes.splice(place..place, part.iter().copied());
            }
            _ => {
                if let Some(byte) = bytes.get_mut(place) {
                    *byte = *length;
                }
            }
        }
    }
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]
    #[test]
    fn no_change_of_a_valid_file_breaks_a_reader(
        format in prop::sample::select(&ALL[..]),
        changes in prop::collection::vec((any::<u16>(), any::<u8>(), any::<u8>()), 1..5),
        has_latency: bool,
        nodes in 1u32..6,
    ) {
        let bytes = mutated(seed(format), &changes);
        let latency = has_latency.then_some(LatencyKind::OneWay);
        match Topology::read(&spec(format, latency), &bytes[..], nodes) {
            Ok(topology) => {
                let rows = rows(&topology, nodes);
                for (node, row) in rows.iter().enumerate() {
                    for peer in row {
                        prop_assert!(*peer as usize != node && rows[*peer as usize].contains(&(node as u32)));
                    }
                }
                if let Some(names) = topology.names() {
                    prop_assert!(names.count() <= nodes);
                }
            }
            Err(error) => {
                let error = error.to_string();
                prop_assert!(error.starts_with("graph") || error.starts_with("network."), "{}", error);
                prop_assert!(error.len() < 700, "{}", error);
            }
        }
    }
}
