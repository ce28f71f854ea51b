//! What a network's links come to: medians, tails and the greatest delay there can be.

use anthill_protocol::{NodeId, Span};

use super::link::Link;
use super::model::Model;
use super::{Network, Regional};

/// Links with the longest tails that are listed.
const LISTED: usize = 5;

/// How long messages over one link take, before pairs and nodes differ.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tail {
    /// Where it starts: a region, a kind of edge, or any node.
    pub from: String,
    /// Where it ends.
    pub to: String,
    /// The median, the 90th, 99th and 99.9th percentile.
    pub percentiles: [Span; 4],
    /// The greatest delay that can be drawn.
    pub greatest: Span,
}

const AT: [f64; 4] = [0.5, 0.9, 0.99, 0.999];

impl Network {
    /// The links with the longest tails by their 99.9th percentile, up to five, then the one in the
    /// middle; of edges with latencies the longest and the middle one.
    pub fn tails(&self) -> Vec<Tail> {
        let mut tails = match &self.model {
            Model::Regional(regional) => self.regional_tails(regional),
            Model::Listed(listed) => self.regional_tails(&listed.regional),
            Model::Uniform { min, values } => {
                let at = |p: f64| Span(min + ((*values - 1) as f64 * p) as u64);
                vec![any(AT.map(at), at(1.0))]
            }
            Model::Exponential { .. } => {
                let from = |bits| self.model_delay(NodeId(0), NodeId(0), bits);
                vec![any(AT.map(|p| from(bits(p))), from(1 << 63))]
            }
        };
        if let (Some(delay), Some(csr)) = (self.edge_delay, self.topology.with_latencies()) {
            let mut latencies: Vec<u32> = csr.with_latencies().map(|edge| edge.2).collect();
            latencies.sort_unstable();
            let middle = latencies.len() / 2;
            for (name, at) in [("longest", latencies.len().wrapping_sub(1)), ("middle", middle)] {
                if let Some(latency) = latencies.get(at) {
                    tails.push(self.tail(name.into(), "edge".into(), &delay.link(*latency)));
                }
            }
        }
        tails
    }

    fn regional_tails(&self, regional: &Regional) -> Vec<Tail> {
        let at = |link: &Link| link.delay(bits(0.999), &self.quantiles, &self.powers);
        let mut all: Vec<(u64, u32)> =
            regional.links().zip(0..).map(|((.., link), i)| (at(link), i)).collect();
        all.sort_unstable_by(|a, b| b.cmp(a));
        let middle = all.len() / 2;
        let mut listed: Vec<u32> = all.iter().take(LISTED).map(|found| found.1).collect();
        listed.extend(all.get(middle).filter(|_| middle >= LISTED).map(|found| found.1));
        let named = |i: u32| {
            let (from, to, link) = regional.links().nth(i as usize).expect("counted above");
            self.tail(from.to_owned(), to.to_owned(), link)
        };
        listed.into_iter().map(named).collect()
    }

    fn tail(&self, from: String, to: String, link: &Link) -> Tail {
        let at = |p| Span(link.delay(bits(p), &self.quantiles, &self.powers));
        let greatest = Span(link.greatest(&self.quantiles, &self.powers));
        Tail { from, to, percentiles: AT.map(at), greatest }
    }
}

fn any(percentiles: [Span; 4], greatest: Span) -> Tail {
    Tail { from: "any node".into(), to: "any other node".into(), percentiles, greatest }
}

/// The position of a table's quantile at a probability of at least one half.
fn bits(p: f64) -> u64 {
    let from_end = ((1.0 - p) * 18_446_744_073_709_551_616.0) as u64;
    1 << 63 | from_end.min(u64::MAX >> 1)
}
