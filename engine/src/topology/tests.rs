//! Every kind of topology: degrees, symmetry, connectivity, and what is refused.

use std::io::Write;
use std::path::PathBuf;

use anthill_protocol::NodeId;
use proptest::prelude::*;

use super::*;
use crate::network::LatencyKind;

fn rows(topology: &Topology, nodes: u32) -> Vec<Vec<u32>> {
    let row = |node: u32| {
        let node = NodeId(node);
        (0..topology.degree(node)).map(|slot| topology.peer(node, slot).0).collect()
    };
    (0..nodes).map(row).collect()
}

fn built(spec: &TopologySpec, nodes: u32, seed: u64) -> Vec<Vec<u32>> {
    let topology = Topology::build(spec, nodes, seed).unwrap();
    let rows = rows(&topology, nodes);
    assert_eq!(topology.edges(), rows.iter().map(|row| row.len() as u64).sum::<u64>());
    rows
}

fn assert_simple_and_symmetric(rows: &[Vec<u32>]) {
    for (node, row) in rows.iter().enumerate() {
        assert!(row.windows(2).all(|w| w[0] < w[1]), "node {node}: {row:?}");
        assert!(!row.contains(&(node as u32)), "node {node} is its own neighbour");
        for peer in row {
            assert!(rows[*peer as usize].contains(&(node as u32)), "{peer} lacks {node}");
        }
    }
}

/// Nodes reached from node 0 within a number of hops.
fn reached(rows: &[Vec<u32>], hops: u32) -> usize {
    let mut seen = vec![false; rows.len()];
    seen[0] = true;
    let mut frontier = vec![0u32];
    for _ in 0..hops {
        let mut next = Vec::new();
        for node in frontier {
            for peer in &rows[node as usize] {
                if !std::mem::replace(&mut seen[*peer as usize], true) {
                    next.push(*peer);
                }
            }
        }
        frontier = next;
    }
    seen.iter().filter(|s| **s).count()
}

fn message(spec: &TopologySpec, nodes: u32) -> String {
    match Topology::build(spec, nodes, 1) {
        Ok(_) => "ok".into(),
        Err(error) => error.to_string(),
    }
}

const fn regular(degree: u32, implicit: bool) -> TopologySpec {
    TopologySpec::RandomRegular { degree, implicit }
}

#[test]
fn everyone_knows_everyone_in_a_complete_topology() {
    let rows = built(&TopologySpec::Complete, 5, 1);
    assert_simple_and_symmetric(&rows);
    assert_eq!(rows[2], [0, 1, 3, 4]);
    assert_eq!(Topology::build(&TopologySpec::Complete, 1, 1).unwrap().degree(NodeId(0)), 0);
    let largest = Topology::build(&TopologySpec::Complete, u32::MAX, 1).unwrap();
    assert_eq!(largest.edges(), u64::from(u32::MAX) * u64::from(u32::MAX - 1));
}

#[test]
#[should_panic(expected = "slot 4")]
fn a_slot_beyond_the_degree_panics() {
    Topology::build(&TopologySpec::Complete, 5, 1).unwrap().peer(NodeId(0), 4);
}

#[test]
fn implicit_cycles_are_regular_connected_and_expand() {
    let nodes = 20_000;
    let rows = built(&regular(8, true), nodes, 9);
    let mut incoming = vec![0u32; nodes as usize];
    let mut doubled = 0;
    for (node, row) in rows.iter().enumerate() {
        assert_eq!(row.len(), 8);
        let mut sorted = row.clone();
        sorted.sort_unstable();
        doubled += sorted.windows(2).filter(|w| w[0] == w[1]).count();
        for (slot, peer) in row.iter().enumerate() {
            assert_ne!(*peer, node as u32);
            // Successor and predecessor are each other's inverse.
            assert_eq!(rows[*peer as usize][slot ^ 1], node as u32);
            incoming[*peer as usize] += 1;
        }
    }
    assert!(incoming.iter().all(|count| *count == 8));
    // About 2·(4 choose 2)·2 edges shared by two cycles, seen from both ends.
    assert!(doubled < 100, "{doubled} doubled slots");
    // A random 8-regular graph reaches 1 + 8·(1 + 7 + 49) = 457 nodes in three hops, less collisions.
    assert!((430..=457).contains(&reached(&rows, 3)), "{}", reached(&rows, 3));
    assert_eq!(reached(&rows, 9), nodes as usize);
    assert_eq!(reached(&built(&regular(2, true), 500, 4), 250), 500, "one cycle");
}

#[test]
fn stored_regular_graphs_are_regular_and_simple() {
    for (nodes, degree) in [(3, 2), (4, 1), (5, 4), (6, 3), (10, 7), (50, 24), (50, 25), (9, 8)] {
        let rows = built(&regular(degree, false), nodes, 5);
        assert_simple_and_symmetric(&rows);
        assert!(rows.iter().all(|row| row.len() == degree as usize), "{nodes} nodes, {degree}");
    }
    let rows = built(&regular(7, false), 10_000, 5);
    assert_simple_and_symmetric(&rows);
    assert_eq!(reached(&rows, 12), 10_000);
}

#[test]
fn erdos_renyi_degrees_are_binomial() {
    let (nodes, mean) = (20_000u32, 8.0);
    let rows = built(&TopologySpec::ErdosRenyi { degree: mean }, nodes, 3);
    assert_simple_and_symmetric(&rows);
    let n = f64::from(nodes);
    let degrees: Vec<f64> = rows.iter().map(|row| row.len() as f64).collect();
    let average = degrees.iter().sum::<f64>() / n;
    assert!((average - mean).abs() < 5.0 * libm::sqrt(2.0 * mean / n), "{average}");
    let variance = degrees.iter().map(|d| (d - average).powi(2)).sum::<f64>() / n;
    assert!((variance / mean - 1.0).abs() < 0.06, "{variance}");
    // Both halves of the ids are joined alike: the skipping has no seam.
    let low = rows[..10_000].iter().flatten().filter(|peer| **peer < 10_000).count() as f64;
    assert!((low / (n * mean / 4.0) - 1.0).abs() < 0.03);
    let full = built(&TopologySpec::ErdosRenyi { degree: 9.0 }, 10, 3);
    assert!(full.iter().all(|row| row.len() == 9));
}

#[test]
fn barabasi_albert_has_a_power_law_tail() {
    let (nodes, m) = (50_000u32, 4);
    let rows = built(&TopologySpec::BarabasiAlbert { m }, nodes, 3);
    assert_simple_and_symmetric(&rows);
    let m = f64::from(m);
    for k in [4.0, 8.0, 16.0, 32.0] {
        let share = rows.iter().filter(|row| row.len() as f64 >= k).count() as f64;
        // P(degree >= k) = m(m+1) / (k(k+1)) in the limit.
        let expected = m * (m + 1.0) / (k * (k + 1.0));
        assert!((share / f64::from(nodes) / expected - 1.0).abs() < 0.1, "degree {k}");
    }
    assert_eq!(reached(&rows, 20), nodes as usize);
    let clique = built(&TopologySpec::BarabasiAlbert { m: 4 }, 5, 3);
    assert!(clique.iter().all(|row| row.len() == 4));
}

#[test]
fn watts_strogatz_rewires_the_stated_share() {
    let nodes = 10_000u32;
    let small_world = |beta| built(&TopologySpec::WattsStrogatz { k: 6, beta }, nodes, 3);
    let lattice = small_world(0.0);
    assert_eq!(lattice[0], [1, 2, 3, 9997, 9998, 9999]);
    let rows = small_world(0.1);
    assert_simple_and_symmetric(&rows);
    let far = |rows: &[Vec<u32>]| {
        let gap = |a: u32, b: u32| (a + nodes - b) % nodes;
        let is_far = |a: u32, b: u32| gap(a, b).min(gap(b, a)) > 3;
        (0..nodes)
            .map(|a| rows[a as usize].iter().filter(|b| is_far(a, **b)).count())
            .sum::<usize>() as f64
            / (6.0 * f64::from(nodes))
    };
    assert!((far(&rows) - 0.1).abs() < 0.01, "{}", far(&rows));
    assert!(far(&small_world(1.0)) > 0.99);
    assert_eq!(reached(&lattice, 20), 121);
    assert!(reached(&rows, 20) > 9_900, "{}", reached(&rows, 20));
    // A lattice that is complete has nowhere to rewire to.
    let complete = built(&TopologySpec::WattsStrogatz { k: 4, beta: 1.0 }, 5, 3);
    assert!(complete.iter().all(|row| row.len() == 4));
}

#[test]
fn graphs_differ_by_seed_and_repeat_with_it() {
    for spec in [
        regular(4, true),
        regular(4, false),
        TopologySpec::ErdosRenyi { degree: 4.0 },
        TopologySpec::BarabasiAlbert { m: 2 },
        TopologySpec::WattsStrogatz { k: 4, beta: 0.5 },
    ] {
        assert_eq!(built(&spec, 100, 1), built(&spec, 100, 1), "{spec:?}");
        assert_ne!(built(&spec, 100, 1), built(&spec, 100, 2), "{spec:?}");
    }
}

#[test]
fn what_cannot_be_built_is_refused_with_the_fix() {
    let refused = [
        (regular(0, true), 10, "give 1 to 9"),
        (regular(10, true), 10, "give 1 to 9"),
        (regular(3, true), 10, "even degree: give 4"),
        (regular(3, false), 9, "one of the two must be even"),
        (regular(1030, false), 10_000, "above 1024"),
        (regular(2, true), 2, "too few"),
        (TopologySpec::ErdosRenyi { degree: f64::NAN }, 10, "NaN"),
        (TopologySpec::ErdosRenyi { degree: 9.5 }, 10, "up to 9"),
        (TopologySpec::ErdosRenyi { degree: 0.0 }, 10, "above 0"),
        (TopologySpec::BarabasiAlbert { m: 0 }, 10, "network.topology.m: 0"),
        (TopologySpec::BarabasiAlbert { m: 10 }, 10, "give 1 to 9"),
        (TopologySpec::WattsStrogatz { k: 3, beta: 0.1 }, 10, "even k"),
        (TopologySpec::WattsStrogatz { k: 10, beta: 0.1 }, 10, "even k of 2 to 9"),
        (TopologySpec::WattsStrogatz { k: 4, beta: 1.1 }, 10, "beta: 1.1"),
        (TopologySpec::WattsStrogatz { k: 4, beta: f64::NAN }, 10, "beta: NaN"),
        (regular(8, false), u32::MAX - 1, "bytes"),
        (TopologySpec::BarabasiAlbert { m: u32::MAX - 2 }, u32::MAX, "bytes"),
        (TopologySpec::ErdosRenyi { degree: 1e9 }, u32::MAX, "bytes"),
        (TopologySpec::Complete, 0, "at least 1"),
    ];
    for (spec, nodes, fix) in refused {
        let message = message(&spec, nodes);
        assert!(message.contains(fix), "{spec:?} on {nodes}: {message}");
    }
}

#[test]
fn estimates_cover_what_is_kept() {
    for spec in [
        regular(8, false),
        TopologySpec::ErdosRenyi { degree: 8.0 },
        TopologySpec::BarabasiAlbert { m: 4 },
        TopologySpec::WattsStrogatz { k: 8, beta: 0.1 },
    ] {
        let kept = Topology::build(&spec, 10_000, 1).unwrap().memory_bytes();
        let estimate = estimate_bytes(&spec, 10_000);
        assert!(estimate as f64 > 0.95 * kept as f64 && estimate < 4 * kept, "{spec:?}");
        assert!(kept < 10_000 * (8 * 4 + 9) + 40_000, "at most four bytes an edge");
    }
}

/// A file of the given text that is removed when dropped.
struct Temporary(PathBuf);

impl Temporary {
    fn new(name: &str, text: &[u8]) -> Self {
        let path = std::env::temp_dir().join(format!("anthill-{}-{name}", std::process::id()));
        std::fs::File::create(&path).unwrap().write_all(text).unwrap();
        Self(path)
    }

    fn load(&self, nodes: u32, direction: EdgeDirection) -> Result<Topology, NetworkError> {
        let (path, latency) = (self.0.clone().into(), Some(LatencyKind::RoundTrip));
        let (format, ids) = (None, None);
        Topology::build(&TopologySpec::File { path, format, latency, direction, ids }, nodes, 1)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

#[test]
fn edge_lists_load_in_every_direction() {
    let file = Temporary::new("directions.csv", b"0,1,10\n\n1,0,20\r\n2,1,30");
    let load = |direction| rows(&file.load(4, direction).unwrap(), 4);
    assert_eq!(load(EdgeDirection::SourceToTarget), [vec![1], vec![0], vec![1], vec![]]);
    assert_eq!(load(EdgeDirection::TargetToSource), [vec![1], vec![0, 2], vec![], vec![]]);
    let undirected = file.load(4, EdgeDirection::Undirected).unwrap();
    assert_eq!(rows(&undirected, 4), [vec![1], vec![0, 2], vec![1], vec![]]);
    let latency = |from, slot| undirected.with_latencies().unwrap().latency(NodeId(from), slot);
    assert_eq!(latency(0, 0), Some(5_000_000));
    assert_eq!(latency(1, 0), Some(10_000_000));
    assert_eq!(latency(1, 1), Some(15_000_000));
}

#[test]
fn malformed_edge_lists_name_the_line() {
    let cases: [(&[u8], &str); 18] = [
        (b"0,1,1\n0,7,1\n", "line 2: target 7 is no node: ids are 0 to 3; raise `nodes`"),
        (b"1,1,1\n2,2,1\n", "no edges"),
        (b"0,1,1\n1,2,1\n0,1,2\n", "line 3: 0,1 has another latency in line 1"),
        (b"0,1,1\n0,2\n", "line 2: 2 fields; the first row has 3"),
        (b"0,1\n", "line 1: 2 fields, no latency_ms; expected source,target,latency_ms"),
        (b"source,target\n0,1\n", "line 1: expected the header source,target,latency_ms"),
        (b"source,target,latncy_ms\n0,1,2\n", "did you mean \"latency_ms\"?"),
        (b"source;target;latency_ms\n0;1;12,5\n", "line 2: \"12,5\" in column latency_ms has a"),
        (b"0,1,12,5\n", "line 1: 4 fields and no header"),
        (b"1|2|-1\n", "line 1: latency -1 ms"),
        (b"0,1,-1\n", "line 1: latency -1 ms"),
        (b"0,1,NaN\n", "line 1: latency NaN ms"),
        (b"0,1,90000\n", "above 4.29 s"),
        (b"source,target,latency\n0,x,1\n", "line 2: \"x\" in column target"),
        (b"source,target,latency\n", "no edges"),
        (b"", "no row"),
        (b"a,b,c\n0,1,2\n", "it lacks source and target and latency_ms"),
        (b"0,1,1\n\xff\xfe\n", "line 2: not UTF-8"),
    ];
    for (i, (text, problem)) in cases.into_iter().enumerate() {
        let file = Temporary::new(&format!("malformed-{i}.csv"), text);
        let error = file.load(4, EdgeDirection::Undirected).unwrap_err().to_string();
        assert!(error.contains(problem), "{error} lacks {problem}");
    }
    let long = Temporary::new("long.csv", &vec![b'1'; 2 << 20]);
    let error = long.load(4, EdgeDirection::Undirected).unwrap_err().to_string();
    assert!(error.contains("line 1: longer than"), "{error}");
}

#[test]
fn edge_lists_go_by_header_and_say_what_they_leave_out() {
    let load = |text: &str, latency, direction| {
        Topology::read_edge_list("e.csv", text.as_bytes(), latency, direction, 4).unwrap()
    };
    let (rtt, directed) = (Some(LatencyKind::RoundTrip), EdgeDirection::SourceToTarget);
    let stated = load("source,target,latency_ms\n0,1,12.5\n1,2,10\n", rtt, directed);
    for text in [
        "target,source,latency_ms\n1,0,12.5\n2,1,10\n",
        "Latency\tFromNodeId\tToNodeId\n12.5\t0\t1\n10\t1\t2\n",
        "# c\nsource target latency\n1 2 10\n0 1 12.5\n",
    ] {
        let found = load(text, rtt, directed);
        assert_eq!(rows(&found, 4), rows(&stated, 4), "{text}");
        let latency = |t: &Topology| t.with_latencies().unwrap().latency(NodeId(0), 0);
        assert_eq!(latency(&found), latency(&stated), "{text}");
        assert_eq!(found.notes(), stated.notes(), "{text}");
    }
    assert_eq!(
        stated.notes(),
        [
            "e.csv: isolated: 1 of 4 nodes have no edge",
            "e.csv: not connected: 2 components, the largest of 3 of 4 nodes",
            "e.csv: 1 of 4 nodes have edges, but no neighbour to send to",
        ]
    );
    let text = "source,target,latency\n0,0,1\n1,1,1\n0,1,1\n0,1,2\n1,0,1\n2,2,1\n3,2,1\n1,2,1\n";
    let loops = load(text, None, EdgeDirection::Undirected);
    assert_eq!(rows(&loops, 4), [vec![1], vec![0, 2], vec![1, 3], vec![2]]);
    assert_eq!(
        loops.notes(),
        [
            "e.csv: column \"latency\" has no effect: set network.topology.latency to \"rtt\" or \
             \"one-way\" to use it",
            "e.csv: 3 rows join a node to itself, left out; first in line 2",
            "e.csv: 1 row repeats another, left out; first line 5, which repeats line 4",
        ]
    );
    let plain = load("0 1 7\n2 3 7\n", None, EdgeDirection::Undirected);
    assert_eq!(
        plain.notes()[0],
        "e.csv: no header: its columns are read as source,target,latency_ms"
    );
    assert!(plain.notes()[1].starts_with("e.csv: column 3 has no effect"));
    assert_eq!(plain.notes()[2], "e.csv: not connected: 2 components, the largest of 2 of 4 nodes");
}

/// However long the file: it is refused at the row that is too many.
#[test]
fn more_edges_than_nodes_can_have_are_refused_at_once() {
    struct Endless(u64);
    impl std::io::Read for Endless {
        fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
            assert!(self.0 < 1 << 20, "read on");
            self.0 += 1;
            buffer[..4].copy_from_slice(b"0,1\n");
            Ok(4)
        }
    }
    let endless = std::io::BufReader::new(Endless(0));
    let direction = EdgeDirection::Undirected;
    let error = Topology::read_edge_list("e.csv", endless, None, direction, 3).unwrap_err();
    let error = error.to_string();
    let part = "e.csv, line 7: more edges than the 6 that 3 nodes can have: rows are repeated, or";
    assert!(error.contains(part), "{error}");
    let one = Topology::read_edge_list("e.csv", &b"0,0\n"[..], None, direction, 1);
    assert!(one.unwrap_err().to_string().contains("no edges"));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn edge_lists_keep_every_edge(
        edges in prop::collection::btree_set((0u32..30, 0u32..30), 1..100),
        case: u32,
    ) {
        let edges: Vec<(u32, u32)> = edges.into_iter().filter(|(a, b)| a != b).collect();
        prop_assume!(!edges.is_empty());
        let text: String = edges.iter().rev().map(|(a, b)| format!("{a}, {b}, 1.5\n")).collect();
        let file = Temporary::new(&format!("property-{case}.csv"), text.as_bytes());
        let directed = rows(&file.load(30, EdgeDirection::SourceToTarget).unwrap(), 30);
        let pairs = |rows: &[Vec<u32>]| -> Vec<(u32, u32)> {
            let row = |(a, row): (usize, &Vec<u32>)| {
                row.iter().map(|b| (a as u32, *b)).collect::<Vec<_>>()
            };
            rows.iter().enumerate().flat_map(row).collect()
        };
        prop_assert_eq!(pairs(&directed), edges.clone());
        let undirected = rows(&file.load(30, EdgeDirection::Undirected).unwrap(), 30);
        assert_simple_and_symmetric(&undirected);
        prop_assert!(edges.iter().all(|(a, b)| undirected[*a as usize].contains(b)));
    }
}
