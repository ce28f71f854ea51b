//! Of `[network] topology`, what a declaration cannot say.

use super::reader::Section;
use crate::topology::TopologySpec;

/// The degree of a random regular graph.
pub(crate) fn whole_degree(topology: &mut Section<'_, '_>, _nodes: u32) -> Option<u32> {
    let degree = topology.number("degree")?;
    if degree.fract() != 0.0 || degree < 1.0 {
        topology.wrong("degree", "must be a whole number of neighbours, at least 1");
        return None;
    }
    Some(degree as u32)
}

/// The degree of a ring lattice.
pub(crate) fn even_degree(topology: &mut Section<'_, '_>, _nodes: u32) -> Option<u32> {
    let k = topology.count32("k")?;
    if k % 2 != 0 {
        topology.wrong("k", "must be even: the lattice joins k/2 neighbours on each side");
        return None;
    }
    Some(k)
}

/// Whether the keys go together; else that is reported.
pub(crate) fn is_possible(topology: &Section<'_, '_>, spec: &TopologySpec, _nodes: u32) -> bool {
    let odd =
        matches!(spec, TopologySpec::RandomRegular { degree, implicit: true } if degree % 2 != 0);
    if odd {
        topology.wrong("degree", "must be even with implicit = true, which joins whole cycles");
    }
    !odd
}

/// By degree or by p, whichever was given, or given later.
pub(crate) fn erdos_renyi(topology: &mut Section<'_, '_>, nodes: u32) -> Option<TopologySpec> {
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
