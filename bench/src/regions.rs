//! The regions of a network as the manifest has them: how many nodes each holds, and the least
//! delay between any two.

use anthill_engine::network::Network;
use anthill_protocol::NodeId;
use serde_json::{Value, json};

/// A manifest has no more regions than this: tables of cities would fill it.
const MOST_LISTED: usize = 512;
/// Beyond this many, their delays are left out: the square of it is too much to read.
const MOST_PAIRED: usize = 64;

/// The regions, largest first in what is made of them; in the network's order here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Regions {
    /// Names and numbers of nodes; empty in a network without regions, or with too many.
    nodes: Vec<(String, u64)>,
    /// Row by row of the sending region, in ns.
    least_delay_ns: Option<Vec<u64>>,
}

impl Regions {
    /// Those of a network, which holds `nodes` nodes.
    pub(crate) fn of(network: &Network, nodes: u32) -> Self {
        let names = network.regions();
        let Some(floors) = network.region_floors().filter(|_| names.len() <= MOST_LISTED) else {
            return Self::default();
        };
        let mut counts = vec![0u64; names.len()];
        for node in 0..nodes {
            counts[network.region_of(NodeId(node)).index()] += 1;
        }
        let paired = names.len() <= MOST_PAIRED;
        Self {
            nodes: names.iter().cloned().zip(counts).collect(),
            least_delay_ns: paired.then(|| floors.iter().map(|floor| floor.0).collect()),
        }
    }

    /// As the manifest has them.
    pub(crate) fn json(&self) -> Value {
        let one = |(name, nodes): &(String, u64)| json!({ "name": name, "nodes": nodes });
        let width = self.nodes.len().max(1);
        let delays = self.least_delay_ns.as_ref().map(|all| all.chunks(width).collect::<Vec<_>>());
        json!({
            "nodes": self.nodes.iter().map(one).collect::<Vec<_>>(),
            "least_delay_ns": delays,
        })
    }
}

#[cfg(test)]
mod tests {
    use anthill_engine::network::NetworkSpec;
    use anthill_engine::scenario::{ProtocolInfo, parse_text};
    use anthill_protocol::phold::Phold;

    use super::*;

    fn network(more: &str) -> Network {
        let text = format!("nodes = 1000\nuntil = \"1s\"\nprotocol.name = \"phold\"\n{more}");
        let scenario = parse_text("a", &text, &[ProtocolInfo::of::<Phold>()]).expect(&text);
        let spec: &NetworkSpec = &scenario.network;
        Network::build(spec, scenario.nodes, 1).expect("a network")
    }

    #[test]
    fn every_node_is_in_a_region_and_every_pair_has_a_delay() {
        let json = Regions::of(&network("network.preset = \"aws-p50\""), 1_000).json();
        let nodes = json["nodes"].as_array().expect("regions");
        assert_eq!(nodes.len(), 10);
        assert_eq!(nodes.iter().filter_map(|region| region["nodes"].as_u64()).sum::<u64>(), 1_000);
        let rows = json["least_delay_ns"].as_array().expect("delays");
        assert_eq!(rows.len(), 10);
        let delays: Vec<u64> = rows
            .iter()
            .flat_map(|row| row.as_array().expect("a row"))
            .filter_map(Value::as_u64)
            .collect();
        assert_eq!(delays.len(), 100);
        assert!(delays.iter().all(|delay| (250_000..1_000_000_000).contains(delay)), "{delays:?}");
    }

    #[test]
    fn a_network_without_regions_has_none() {
        let network = network("network = { model = \"uniform\", min = \"1ms\", max = \"2ms\" }");
        assert_eq!(Regions::of(&network, 1_000), Regions::default());
    }
}
