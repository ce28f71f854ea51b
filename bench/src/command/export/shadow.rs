//! A network for Shadow (Jansen and others 2022): `network.gml`, a vertex for each region, or for each
//! node where edges have latencies of their own, and `shadow.yaml` with a host for each node.
//!
//! Shadow's latencies are constant: they are medians of the model's delays. What has no counterpart
//! there (jitter, differences between pairs of nodes, faults, churn) is said.

use std::fmt::Write as _;

use anthill_engine::network::Network;
use anthill_engine::scenario::Scenario;
use anthill_protocol::{NodeId, Span};
use anyhow::bail;

use crate::units;

/// The most hosts of a file: Shadow runs a process for each.
const MOST_HOSTS: u32 = 100_000;
/// The most places whose latencies to each other are all written.
const MOST_PLACES: usize = 512;
/// Draws of which a median is taken.
const DRAWS: u32 = 101;
/// Of hosts whose scenario has no bandwidth: beyond what any message needs.
const UNLIMITED: &str = "10 Gbit";

/// Where nodes are, and how far these places are from each other.
pub(super) struct Places {
    /// A label each.
    labels: Vec<String>,
    /// The place of every node.
    of_node: Vec<u32>,
    /// From, to and latency.
    links: Vec<(u32, u32, Span)>,
    loss: f64,
    notes: Vec<String>,
}

impl Places {
    /// Those of a network.
    ///
    /// # Errors
    /// If it is larger than Shadow would bear.
    pub(super) fn of(network: &Network, scenario: &Scenario) -> anyhow::Result<Self> {
        let nodes = scenario.population();
        if nodes > MOST_HOSTS {
            let (nodes, most) = (units::count(nodes.into()), units::count(MOST_HOSTS.into()));
            bail!("{nodes} hosts, {most} are the most that are written for Shadow; lower --nodes");
        }
        let mut places = match network.topology().has_latencies() {
            true => Self::by_node(network, nodes),
            false => Self::by_region(network, nodes)?,
        };
        places.loss = scenario.conditions.impairments.loss;
        places.note_what_is_lost(scenario);
        Ok(places)
    }

    fn by_node(network: &Network, nodes: u32) -> Self {
        let topology = network.topology();
        let mut links = Vec::new();
        for node in (0..nodes).map(NodeId) {
            // Shadow asks for a way from each vertex to itself.
            links.push((node.0, node.0, network.self_delay(node, 0)));
            for slot in 0..topology.degree(node) {
                let peer = topology.peer(node, slot);
                let latency = topology.latency(node, slot).unwrap_or(network.lookahead());
                links.push((node.0, peer.0, latency));
            }
        }
        Self {
            labels: (0..nodes).map(|node| NodeId(node).to_string()).collect(),
            of_node: (0..nodes).collect(),
            links,
            loss: 0.0,
            notes: Vec::new(),
        }
    }

    fn by_region(network: &Network, nodes: u32) -> anyhow::Result<Self> {
        let of_node: Vec<u32> =
            (0..nodes).map(|node| u32::from(network.region_of(NodeId(node)).0)).collect();
        let labels = match network.regions() {
            [] => vec!["anywhere".to_owned()],
            names => names.to_vec(),
        };
        if labels.len() > MOST_PLACES {
            bail!(
                "{} regions, {MOST_PLACES} are the most that are written for Shadow; name fewer in \
                 network.shares",
                labels.len()
            );
        }
        // The first two nodes of each region stand for it.
        let mut of_region: Vec<Vec<NodeId>> = vec![Vec::new(); labels.len()];
        for (node, region) in of_node.iter().enumerate() {
            let stand = &mut of_region[*region as usize];
            if stand.len() < 2 {
                stand.push(NodeId(node as u32));
            }
        }
        let mut links = Vec::new();
        for (from, here) in of_region.iter().enumerate() {
            for (to, there) in of_region.iter().enumerate() {
                let latency = match (here.first(), there.last()) {
                    (Some(a), Some(b)) if a != b => median(|draw| network.delay(*a, *b, draw)),
                    (Some(a), Some(_)) => network.self_delay(*a, 0),
                    _ => continue,
                };
                links.push((from as u32, to as u32, latency));
            }
        }
        Ok(Self { labels, of_node, links, loss: 0.0, notes: Vec::new() })
    }

    fn note_what_is_lost(&mut self, scenario: &Scenario) {
        self.notes.push(
            "Shadow's latencies are constant: these are medians of the scenario's delays"
                .to_owned(),
        );
        if scenario.conditions.bandwidth.is_some() {
            let note = format!("bandwidth is not written: every host has {UNLIMITED}");
            self.notes.push(note);
        }
        if !scenario.conditions.faults.is_empty() {
            self.notes.push("faults are not written: Shadow has none".to_owned());
        }
    }

    /// What is to be said of the export.
    pub(super) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// `network.gml`.
    pub(super) fn gml(&self) -> String {
        let mut text = "graph [\n  directed 1\n".to_owned();
        for (place, label) in self.labels.iter().enumerate() {
            let label: String =
                label.chars().map(|c| if c == '"' || c.is_control() { ' ' } else { c }).collect();
            let _ = writeln!(
                text,
                "  node [\n    id {place}\n    label \"{label}\"\n    \
                 host_bandwidth_up \"{UNLIMITED}\"\n    host_bandwidth_down \"{UNLIMITED}\"\n  ]"
            );
        }
        for (from, to, latency) in &self.links {
            let _ = writeln!(
                text,
                "  edge [\n    source {from}\n    target {to}\n    latency \"{} ns\"\n    \
                 packet_loss {:?}\n  ]",
                latency.0.max(1),
                self.loss
            );
        }
        text.push_str("]\n");
        text
    }
}

/// `shadow.yaml`.
///
/// # Errors
/// If the process has no path.
pub(super) fn yaml(places: &Places, scenario: &Scenario, process: &str) -> anyhow::Result<String> {
    let nodes = places.of_node.len();
    let Some((path, rest)) = words(process) else {
        bail!("--process \"\" names no program; give a path and its arguments");
    };
    let mut text = format!(
        "general:\n  stop_time: {} ns\n  seed: {}\n  model_unblocked_syscall_latency: true\n\
         network:\n  use_shortest_path: true\n  graph:\n    type: gml\n    file:\n      \
         path: network.gml\nhosts:\n",
        scenario.until.0,
        // Shadow's seed has 32 bits.
        scenario.seed as u32
    );
    for (node, place) in places.of_node.iter().enumerate() {
        let filled = |word: &str| {
            let word = word.replace("{id}", &node.to_string());
            let word = word.replace("{nodes}", &nodes.to_string());
            quoted(&word.replace("{seed}", &scenario.seed.to_string()))
        };
        let arguments: Vec<String> = rest.iter().map(|word| filled(word)).collect();
        let _ = writeln!(
            text,
            "  node{node}:\n    network_node_id: {place}\n    processes:\n    - path: {}\n      \
             args: [{}]",
            filled(path),
            arguments.join(", ")
        );
    }
    Ok(text)
}

fn words(process: &str) -> Option<(&str, Vec<&str>)> {
    let mut words = process.split_whitespace();
    Some((words.next()?, words.collect()))
}

/// A word as YAML in quotes, which are those of JSON.
fn quoted(word: &str) -> String {
    serde_json::Value::from(word).to_string()
}

fn median(delay: impl Fn(u32) -> Span) -> Span {
    let mut all: Vec<Span> = (0..DRAWS).map(delay).collect();
    all.sort_unstable();
    all[all.len() / 2]
}

#[cfg(test)]
mod tests {
    use anthill_engine::scenario::{ProtocolInfo, parse_text};
    use anthill_engine::topology::{Topology, TopologySpec};
    use anthill_protocol::phold::Phold;

    use super::*;

    fn scenario(rest: &str) -> Scenario {
        let text = format!("nodes = 40\nuntil = \"3s\"\nprotocol.name = \"phold\"\n{rest}");
        parse_text("x", &text, &[ProtocolInfo::of::<Phold>()]).unwrap_or_else(|e| panic!("{e}"))
    }

    fn places(scenario: &Scenario) -> Places {
        let network = Network::build(&scenario.network, scenario.nodes, scenario.seed);
        Places::of(&network.expect("a network"), scenario).expect("small")
    }

    #[test]
    fn regions_are_vertices_with_the_medians_of_their_delays() {
        let scenario = scenario("network = { preset = \"aws-p50\", loss = 0.25 }");
        let places = places(&scenario);
        let gml = places.gml();
        assert!(gml.contains("label \"us-east-1\"") && gml.contains("packet_loss 0.25"), "{gml}");
        // It is GML that this program reads too, latencies with units and all.
        let spec = TopologySpec::File {
            path: "network.gml".into(),
            format: None,
            latency: Some(anthill_engine::network::LatencyKind::OneWay),
            direction: anthill_engine::topology::EdgeDirection::SourceToTarget,
            ids: None,
        };
        let count = places.labels.len() as u32;
        let read = Topology::read(&spec, gml.as_bytes(), count).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(read.edges(), u64::from(count) * u64::from(count - 1));
        assert!(read.notes().iter().any(|note| note.contains("a node to itself")));
        for (from, to, latency) in places.links.iter().filter(|(from, to, _)| from != to) {
            assert!(latency.0 > 500_000 && latency.0 < 400_000_000, "{from} {to} {latency}");
        }
        let yaml = yaml(&places, &scenario, "/bin/node --id {id} a\"b {nodes}").expect("a path");
        assert!(yaml.starts_with("general:\n  stop_time: 3000000000 ns\n  seed: 1\n"), "{yaml}");
        assert!(yaml.contains("  node39:\n    network_node_id: "), "{yaml}");
        let process = "- path: \"/bin/node\"\n      args: [\"--id\", \"39\", \"a\\\"b\", \"40\"]";
        assert!(yaml.contains(process), "{yaml}");
        assert!(super::yaml(&places, &scenario, " ").is_err());
    }

    #[test]
    fn a_model_without_regions_is_one_place_and_much_is_refused() {
        let uniform = scenario("network = { model = \"uniform\", min = \"10ms\", max = \"30ms\" }");
        let places = places(&uniform);
        assert_eq!(places.labels, ["everywhere"]);
        let [(0, 0, latency)] = places.links[..] else { panic!("{:?}", places.links) };
        assert!(latency > Span::from_millis(14) && latency < Span::from_millis(26), "{latency}");
        let mut large = uniform.clone();
        large.nodes = MOST_HOSTS + 1;
        let network = Network::build(&uniform.network, large.nodes, 1).expect("a network");
        let error = Places::of(&network, &large).err().expect("too many").to_string();
        assert!(error.contains("lower --nodes"), "{error}");
    }
}
