//! What every fuzz target does with an input.
//!
//! Plain functions, shared by libFuzzer (`fuzz_targets`, nightly) and by the smoke test on stable
//! (`engine/tests/fuzz_smoke.rs`). A panic is a finding: each target panics itself where something
//! was accepted that does not hold what the parser promises.

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "signatures.rs"]
mod signatures;

use anthill_engine::network::LatencyKind;
use anthill_engine::scenario::{ProtocolInfo, parse_text};
use anthill_engine::topology::{EdgeDirection, GraphFormat, Topology, TopologySpec};
use anthill_protocol::gossip::{Gossip, GossipMessage, SignedGossipMessage};
use anthill_protocol::phold::Phold;
use anthill_protocol::signed_phold::SignedToken;
use anthill_protocol::timers::Timers;
use anthill_protocol::{Message, NodeId};

/// The protocols that a fuzzed scenario may name.
pub(crate) fn protocols() -> [ProtocolInfo; 3] {
    [ProtocolInfo::of::<Gossip>(), ProtocolInfo::of::<Phold>(), ProtocolInfo::of::<Timers>()]
}

/// An accepted scenario, printed and read again, is the same scenario.
pub(crate) fn scenario(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let protocols = protocols();
    match parse_text("fuzz", &text, &protocols) {
        Ok(scenario) => {
            let printed = scenario.to_toml();
            match parse_text("again", &printed, &protocols) {
                Ok(again) => assert_eq!(again, scenario, "reads back differently:\n{printed}"),
                Err(error) => panic!("accepted, but not once printed: {error}\n{printed}"),
            }
        }
        Err(error) => assert!(!error.to_string().is_empty()),
    }
}

/// An accepted edge list has only neighbours that exist, in every reading of it.
pub(crate) fn edge_list(data: &[u8]) {
    const NODES: u32 = 64;
    for latency in [None, Some(LatencyKind::OneWay), Some(LatencyKind::RoundTrip)] {
        for direction in [
            EdgeDirection::Undirected,
            EdgeDirection::SourceToTarget,
            EdgeDirection::TargetToSource,
        ] {
            match Topology::read_edge_list("fuzz.csv", data, latency, direction, NODES) {
                Ok(topology) => {
                    let ends: u64 = (0..NODES).map(|node| checked_degree(&topology, node)).sum();
                    assert_eq!(ends, topology.edges());
                }
                Err(error) => assert!(error.to_string().starts_with("fuzz.csv"), "{error}"),
            }
        }
    }
}

/// The same of a graph in each of the other formats, whose ids are mapped.
pub(crate) fn graph(data: &[u8]) {
    const NODES: u32 = 64;
    for format in [
        GraphFormat::Snap,
        GraphFormat::AsRel,
        GraphFormat::Gml,
        GraphFormat::GraphMl,
        GraphFormat::Leios,
    ] {
        let spec = TopologySpec::File {
            path: "fuzz".into(),
            format: Some(format),
            latency: None,
            direction: EdgeDirection::Undirected,
            ids: None,
        };
        match Topology::read(&spec, data, NODES) {
            Ok(topology) => {
                let ends: u64 = (0..NODES).map(|node| checked_degree(&topology, node)).sum();
                assert_eq!(ends, topology.edges());
                assert!(topology.names().is_none_or(|names| names.count() <= NODES));
            }
            Err(error) => assert!(error.to_string().starts_with("fuzz"), "{error}"),
        }
    }
}

fn checked_degree(topology: &Topology, node: u32) -> u64 {
    let degree = topology.degree(NodeId(node));
    for slot in 0..degree {
        let peer = topology.peer(NodeId(node), slot);
        assert!(peer.0 != node && peer.index() < 64, "{node} has the neighbour {peer}");
    }
    degree.into()
}

/// What decodes is what would have been encoded.
pub(crate) fn gossip_message(data: &[u8]) {
    decodes_what_is_encoded::<GossipMessage>(data);
    decodes_what_is_encoded::<SignedGossipMessage>(data);
    decodes_what_is_encoded::<SignedToken>(data);
}

fn decodes_what_is_encoded<M: Message>(data: &[u8]) {
    if let Some(message) = M::decode(data) {
        let mut bytes = Vec::new();
        message.encode(&mut bytes);
        assert_eq!(bytes, data);
        assert_eq!(bytes.len(), message.encoded_len() as usize);
        assert!(message.kind() < M::KINDS.len());
    }
}

/// Single and batched verification and ed25519-zebra agree on every claim.
pub(crate) fn signatures(data: &[u8]) {
    signatures::fuzz(data);
}
