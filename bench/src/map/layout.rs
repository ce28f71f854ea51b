//! Where nodes are drawn: on a map of the world, in a ring of regions, by their topology, or in a disc.
//!
//! A function of the network and of the nodes that are drawn, the same on every machine. Regions are discs
//! whose area grows with their nodes; two that would overlap are pushed apart.

use std::collections::BTreeMap;
use std::f64::consts::{PI, TAU};

use anthill_engine::network::Network;
use anthill_protocol::NodeId;

use super::places;

/// Nodes and edges up to which a topology is laid out by its edges.
const MOST_BY_EDGES: (usize, u64) = (400, 6_000);
/// Nodes up to which they stand in a ring.
const MOST_IN_RING: usize = 150;
/// The box of a layout without a map.
const SQUARE: (f64, f64) = (4.4, 2.75);
/// Between two nodes of a sunflower: no direction is taken twice.
const GOLDEN_ANGLE: f64 = 2.399_963_229_728_653;
/// Left free at each edge.
const MARGIN: f64 = 0.18;

/// Positions in a box.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Layout {
    /// `world`, `regions`, `topology`, `ring`, `disc`.
    pub kind: &'static str,
    /// Width and height of the box.
    pub size: (f64, f64),
    /// Of each node that is drawn.
    pub nodes: Vec<(f64, f64)>,
    /// Of each that is drawn, which of `regions` it is in.
    pub region_of: Vec<u16>,
    /// Those with nodes that are drawn, largest first.
    pub regions: Vec<Region>,
    /// Pairs of drawn nodes, by their places in `nodes`.
    pub edges: Vec<(u32, u32)>,
}

/// A region's disc.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Region {
    pub name: String,
    /// Nodes that are drawn.
    pub nodes: usize,
    pub at: (f64, f64),
    pub radius: f64,
}

/// The layout of the nodes that are drawn, which are in the order of ids.
pub(crate) fn of(network: &Network, drawn: &[NodeId]) -> Layout {
    let names = network.regions();
    if network.region_floors().is_some() && !names.is_empty() {
        let all: Vec<usize> = drawn.iter().map(|id| network.region_of(*id).index()).collect();
        return by_region(names, &all);
    }
    let topology = network.topology();
    let (most, edges) = MOST_BY_EDGES;
    if topology.kind() != "complete" && drawn.len() <= most && topology.edges() <= edges {
        return by_edges(neighbours(network, drawn), drawn.len());
    }
    let (kind, nodes): (_, Vec<_>) = if drawn.len() <= MOST_IN_RING {
        ("ring", ring(drawn.len(), centre(), SQUARE.1 / 2.0 - MARGIN))
    } else {
        ("disc", sunflower(drawn.len(), centre(), SQUARE.1 / 2.0 - MARGIN / 2.0))
    };
    let region_of = vec![u16::MAX; nodes.len()];
    Layout { kind, size: SQUARE, nodes, region_of, regions: Vec::new(), edges: Vec::new() }
}

fn centre() -> (f64, f64) {
    (SQUARE.0 / 2.0, SQUARE.1 / 2.0)
}

fn ring(count: usize, (x, y): (f64, f64), radius: f64) -> Vec<(f64, f64)> {
    let at = |i: usize| {
        let angle = TAU * i as f64 / count.max(1) as f64 - PI / 2.0;
        (x + radius * libm::cos(angle), y + radius * libm::sin(angle))
    };
    (0..count).map(at).collect()
}

fn sunflower(count: usize, (x, y): (f64, f64), radius: f64) -> Vec<(f64, f64)> {
    let at = |i: usize| {
        let away = radius * ((i as f64 + 0.5) / count.max(1) as f64).sqrt();
        let angle = GOLDEN_ANGLE * i as f64;
        (x + away * libm::cos(angle), y + away * libm::sin(angle))
    };
    (0..count).map(at).collect()
}

/// `all` has the region of each node that is drawn.
fn by_region(names: &[String], all: &[usize]) -> Layout {
    let mut members = BTreeMap::<usize, Vec<usize>>::new();
    for (node, region) in all.iter().enumerate() {
        members.entry(*region).or_default().push(node);
    }
    let mut order: Vec<usize> = members.keys().copied().collect();
    order.sort_by_key(|region| std::cmp::Reverse(members[region].len()));
    let known: Option<Vec<(f64, f64)>> = order
        .iter()
        .map(|region| {
            places::place(&names[*region]).map(|(east, north)| places::project(east, north))
        })
        .collect();
    let (kind, size, at) = match known {
        Some(at) => ("world", places::MAP, at),
        None => ("regions", SQUARE, ring(order.len(), centre(), SQUARE.1 / 2.0 - 0.45)),
    };
    let radius = |region: &usize| {
        let share = members[region].len() as f64 / all.len() as f64;
        (0.5 * share.sqrt()).clamp(0.04, 0.34)
    };
    let mut regions: Vec<Region> = order
        .iter()
        .zip(at)
        .map(|(region, at)| Region {
            name: names[*region].clone(),
            nodes: members[region].len(),
            at,
            radius: radius(region),
        })
        .collect();
    push_apart(&mut regions, size);
    let mut nodes = vec![(0.0, 0.0); all.len()];
    let mut region_of = vec![u16::MAX; all.len()];
    for (place, (index, region)) in order.iter().zip(&regions).enumerate() {
        let spots = sunflower(region.nodes, region.at, 0.92 * region.radius);
        for (node, spot) in members[index].iter().zip(spots) {
            nodes[*node] = spot;
            region_of[*node] = u16::try_from(place).unwrap_or(u16::MAX);
        }
    }
    Layout { kind, size, nodes, region_of, regions, edges: Vec::new() }
}

/// Moves discs until hardly any two overlap, the smaller one further.
fn push_apart(regions: &mut [Region], (width, height): (f64, f64)) {
    // Hundreds of regions overlap anyway, and every pair is looked at.
    for _ in 0..if regions.len() <= 200 { 60 } else { 0 } {
        for i in 0..regions.len() {
            for j in i + 1..regions.len() {
                let (a, b) = (&regions[i], &regions[j]);
                let (dx, dy) = (b.at.0 - a.at.0, b.at.1 - a.at.1);
                let away = (dx * dx + dy * dy).sqrt();
                let overlap = 1.04 * (a.radius + b.radius) - away;
                if overlap <= 0.0 {
                    continue;
                }
                let (ux, uy) = if away > 1e-9 { (dx / away, dy / away) } else { (1.0, 0.0) };
                let mine = overlap * b.radius / (a.radius + b.radius);
                let yours = overlap - mine;
                regions[i].at = (regions[i].at.0 - ux * mine, regions[i].at.1 - uy * mine);
                regions[j].at = (regions[j].at.0 + ux * yours, regions[j].at.1 + uy * yours);
            }
        }
        for region in regions.iter_mut() {
            let free = region.radius + 0.02;
            region.at.0 = region.at.0.clamp(free, width - free);
            region.at.1 = region.at.1.clamp(free, height - free);
        }
    }
}

fn neighbours(network: &Network, drawn: &[NodeId]) -> Vec<(u32, u32)> {
    let topology = network.topology();
    let mut edges = Vec::new();
    for (from, id) in drawn.iter().enumerate() {
        for slot in 0..topology.degree(*id) {
            let peer = topology.peer(*id, slot);
            if let Ok(to) = drawn.binary_search(&peer) {
                let (from, to) = (from as u32, to as u32);
                edges.push((from.min(to), from.max(to)));
            }
        }
    }
    edges.sort_unstable();
    edges.dedup();
    edges.retain(|(from, to)| from != to);
    edges
}

/// Edges pull, all pairs push (Fruchterman and Reingold 1991), from a ring on.
fn by_edges(edges: Vec<(u32, u32)>, count: usize) -> Layout {
    const STEPS: usize = 240;
    let (width, height) = SQUARE;
    let (x, y) = centre();
    let mut nodes = ring(count, (x, y), height / 3.0);
    let ideal = 0.8 * (width * height / count.max(1) as f64).sqrt();
    for step in 0..STEPS {
        let mut moves = vec![(0.0, 0.0); count];
        for i in 0..count {
            for j in i + 1..count {
                let (dx, dy) = (nodes[i].0 - nodes[j].0, nodes[i].1 - nodes[j].1);
                let force = ideal * ideal / (dx * dx + dy * dy).max(1e-6);
                moves[i] = (moves[i].0 + dx * force, moves[i].1 + dy * force);
                moves[j] = (moves[j].0 - dx * force, moves[j].1 - dy * force);
            }
        }
        for (from, to) in &edges {
            let (i, j) = (*from as usize, *to as usize);
            let (dx, dy) = (nodes[i].0 - nodes[j].0, nodes[i].1 - nodes[j].1);
            let force = (dx * dx + dy * dy).sqrt() / ideal;
            moves[i] = (moves[i].0 - dx * force, moves[i].1 - dy * force);
            moves[j] = (moves[j].0 + dx * force, moves[j].1 + dy * force);
        }
        let most = 0.25 * (1.0 - step as f64 / STEPS as f64);
        for (node, (dx, dy)) in nodes.iter_mut().zip(moves) {
            let length = (dx * dx + dy * dy).sqrt().max(1e-9);
            let scale = length.min(most) / length;
            node.0 += dx * scale;
            node.1 += dy * scale;
        }
    }
    fit(&mut nodes);
    let region_of = vec![u16::MAX; count];
    Layout { kind: "topology", size: SQUARE, nodes, region_of, regions: Vec::new(), edges }
}

/// Stretches positions over the box.
fn fit(nodes: &mut [(f64, f64)]) {
    let range = |of: fn(&(f64, f64)) -> f64| {
        let least = nodes.iter().map(of).fold(f64::MAX, f64::min);
        (least, (nodes.iter().map(of).fold(f64::MIN, f64::max) - least).max(1e-9))
    };
    let ((left, wide), (upper, high)) = (range(|at| at.0), range(|at| at.1));
    let scale = (SQUARE.0 - 2.0 * MARGIN) / wide;
    let scale = scale.min((SQUARE.1 - 2.0 * MARGIN) / high);
    for (x, y) in nodes {
        *x = SQUARE.0 / 2.0 + (*x - left - wide / 2.0) * scale;
        *y = SQUARE.1 / 2.0 + (*y - upper - high / 2.0) * scale;
    }
}

#[cfg(test)]
mod tests {
    use anthill_engine::scenario::{ProtocolInfo, parse_text};
    use anthill_protocol::phold::Phold;

    use super::*;

    fn layout(nodes: u32, more: &str) -> Layout {
        let text = format!("nodes = {nodes}\nuntil = \"1s\"\nprotocol.name = \"phold\"\n{more}");
        let scenario = parse_text("a", &text, &[ProtocolInfo::of::<Phold>()]).expect(&text);
        let network = Network::build(&scenario.network, nodes, 1).expect("a network");
        let drawn: Vec<NodeId> = (0..nodes).map(NodeId).collect();
        let found = of(&network, &drawn);
        assert_eq!(found, of(&network, &drawn), "the same every time");
        assert_eq!((found.nodes.len(), found.region_of.len()), (drawn.len(), drawn.len()));
        for (x, y) in &found.nodes {
            let inside = (0.0..=found.size.0).contains(x) && (0.0..=found.size.1).contains(y);
            assert!(inside, "{more}: {x} {y} of {:?}", found.size);
        }
        found
    }

    const UNIFORM: &str = "network = { model = \"uniform\", min = \"1ms\", max = \"2ms\"";

    #[test]
    fn regions_that_are_known_are_on_the_map_and_apart() {
        let found = layout(1_000, "network.preset = \"aws-p50\"");
        assert_eq!((found.kind, found.regions.len()), ("world", 10));
        assert_eq!(found.regions.iter().map(|region| region.nodes).sum::<usize>(), 1_000);
        for (i, a) in found.regions.iter().enumerate() {
            for b in &found.regions[i + 1..] {
                let away = (a.at.0 - b.at.0).hypot(a.at.1 - b.at.1);
                assert!(away > 0.95 * (a.radius + b.radius), "{} {}", a.name, b.name);
            }
        }
        let at = |name: &str| found.regions.iter().find(|r| r.name == name).expect(name).at;
        assert!(at("us-west-2").0 < at("us-east-1").0 && at("us-east-1").0 < at("eu-west-1").0);
        assert!(at("eu-west-1").1 < at("af-south-1").1);
    }

    #[test]
    fn what_has_no_place_on_earth_has_one_on_the_page() {
        let table = "network.regions = { latency = \"rtt\", names = [\"</script>\", \"b\"], \
                     p50_ms = [[1.0, 9.0], [9.0, 1.0]] }";
        let found = layout(50, table);
        assert_eq!((found.kind, found.regions.len()), ("regions", 2));
        assert_eq!(layout(100, &format!("{UNIFORM} }}")).kind, "ring");
        assert_eq!(layout(5_000, &format!("{UNIFORM} }}")).kind, "disc");
    }

    #[test]
    fn a_sparse_topology_is_laid_out_by_its_edges() {
        let topology = "topology = { kind = \"random-regular\", degree = 4 }";
        let found = layout(60, &format!("{UNIFORM}, {topology} }}"));
        assert_eq!(found.kind, "topology");
        assert!((100..=120).contains(&found.edges.len()), "{} edges", found.edges.len());
        // Neighbours stand nearer to each other than others.
        let away = |i: usize, j: usize| {
            let (a, b) = (found.nodes[i], found.nodes[j]);
            (a.0 - b.0).hypot(a.1 - b.1)
        };
        let edges = &found.edges;
        let near: f64 = edges.iter().map(|(i, j)| away(*i as usize, *j as usize)).sum();
        let all: Vec<f64> =
            (0..60).flat_map(|i| (0..i).map(move |j| (i, j))).map(|(i, j)| away(i, j)).collect();
        let mean = all.iter().sum::<f64>() / all.len() as f64;
        assert!(near / (edges.len() as f64) < 0.8 * mean, "{} {mean}", near / edges.len() as f64);
    }
}
