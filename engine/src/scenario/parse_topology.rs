//! `[network] topology`, by kind.
//!
//! Only what a topology alone can tell is checked here; whether a degree fits the number of nodes
//! is for the one who builds it.

use super::parse_regions::latency_kind;
use super::reader::Section;
use crate::topology::{EdgeDirection, TopologySpec};

/// Reads the section; complete if there is none, `None` only beside a finding.
pub(super) fn read_topology(mut topology: Section<'_, '_>, nodes: u32) -> Option<TopologySpec> {
    if topology.is_absent() {
        return Some(TopologySpec::Complete);
    }
    if !topology.is_table() {
        return None;
    }
    topology.require("kind", "\"complete\"");
    let kind = topology.choice("kind")?;
    let spec = match kind {
        "random-regular" => random_regular(&mut topology),
        "erdos-renyi" => erdos_renyi(&mut topology, nodes),
        "barabasi-albert" => {
            topology.require("m", "8");
            topology.count32("m").map(|m| TopologySpec::BarabasiAlbert { m })
        }
        "watts-strogatz" => watts_strogatz(&mut topology),
        "file" => edge_list(&mut topology),
        _ => Some(TopologySpec::Complete),
    };
    topology.finish(&format!("with kind = \"{kind}\""));
    spec
}

fn random_regular(topology: &mut Section<'_, '_>) -> Option<TopologySpec> {
    topology.require("degree", "8");
    let degree = topology.number("degree");
    let implicit = topology.flag("implicit");
    let (degree, implicit) = (degree?, implicit?);
    if degree.fract() != 0.0 || degree < 1.0 {
        topology.wrong("degree", "must be a whole number of neighbours, at least 1");
        return None;
    }
    if implicit && degree % 2.0 != 0.0 {
        topology.wrong("degree", "must be even with implicit = true, which joins whole cycles");
        return None;
    }
    Some(TopologySpec::RandomRegular { degree: degree as u32, implicit })
}

fn erdos_renyi(topology: &mut Section<'_, '_>, nodes: u32) -> Option<TopologySpec> {
    let by_p = match (topology.has("p"), topology.has("degree")) {
        (true, true) => match topology.is_later("degree", "p") {
            Some(later) => later,
            None => {
                topology.wrong("p", "contradicts degree: give one of them");
                return None;
            }
        },
        (p, _) => p,
    };
    if by_p {
        let _ = topology.find("degree"); // replaced by the later p
        let p = topology.share("p")?;
        return Some(TopologySpec::ErdosRenyi { degree: p * f64::from(nodes.saturating_sub(1)) });
    }
    let _ = topology.find("p");
    topology.require("degree", "8.0");
    topology.number("degree").map(|degree| TopologySpec::ErdosRenyi { degree })
}

fn watts_strogatz(topology: &mut Section<'_, '_>) -> Option<TopologySpec> {
    topology.require("k", "8");
    topology.require("beta", "0.1");
    let (k, beta) = (topology.count32("k"), topology.share("beta"));
    if k.is_some_and(|k| k % 2 != 0) {
        topology.wrong("k", "must be even: the lattice joins k/2 neighbours on each side");
        return None;
    }
    Some(TopologySpec::WattsStrogatz { k: k?, beta: beta? })
}

fn edge_list(topology: &mut Section<'_, '_>) -> Option<TopologySpec> {
    topology.require("path", "\"edges.csv\"");
    let path = topology.path("path");
    let latency = topology.choice("latency").map(latency_kind);
    let direction = topology.choice("direction").map(|word| match word {
        "source-to-target" => EdgeDirection::SourceToTarget,
        "target-to-source" => EdgeDirection::TargetToSource,
        _ => EdgeDirection::Undirected,
    });
    Some(TopologySpec::File { path: path?, latency, direction: direction? })
}
