//! Delays between regions: which region a node is in, and the link of every pair of regions.

use anthill_protocol::draw::{Purpose, draw, stream};
use anthill_protocol::{NodeId, RegionId};

use super::alias::Alias;
use super::fit::Figures;
use super::jitter::Jitter;
use super::link::Link;
use super::table::{LatencyTable, Placement};

/// Regions that hold nodes, and the links between them.
#[derive(Clone, Debug)]
pub(crate) struct Regional {
    /// One stream for the placements of all nodes, counted by node: half the cost of a stream for
    /// each node, of which only the first draw would be used.
    placement: u64,
    alias: Alias,
    names: Vec<String>,
    left_out: Vec<String>,
    /// `[from][to]`, one row after the other.
    links: Box<[Link]>,
    /// Up and down in bit/s by region.
    rates: Option<Vec<(u64, u64)>>,
    cap: Option<u64>,
    clamped: u64,
    assumed: u64,
}

impl Regional {
    /// Fits a link to every pair of the placed regions; the pairs of different regions are complete
    /// in at least one direction.
    pub(crate) fn new(
        table: &LatencyTable,
        placement: &Placement,
        min_delay: u64,
        jitter: Jitter,
        seed: u64,
    ) -> Self {
        let placed = &placement.regions;
        let (mut clamped, mut assumed) = (0, 0);
        let mut links = Vec::with_capacity(placed.len() * placed.len());
        for (from, _) in placed {
            for (to, _) in placed {
                let figures: Option<Figures> = table.get(*from, *to).or(table.get(*to, *from));
                links.push(match figures {
                    Some(figures) => {
                        let (link, raised) = jitter.fit(figures, min_delay);
                        clamped += u64::from(raised);
                        link
                    }
                    None => {
                        assumed += 1;
                        jitter.assumed(min_delay)
                    }
                });
            }
        }
        let name = |region: &usize| table.name(*region).to_owned();
        let source = table.source();
        let rates = |by_region: &Vec<(u64, u64)>| placed.iter().map(|p| by_region[p.0]).collect();
        let weights: Vec<f64> = placed.iter().map(|(_, share)| *share).collect();
        Self {
            placement: stream(seed, Purpose::Placement, NodeId(0)),
            alias: Alias::new(&weights),
            names: placed.iter().map(|(region, _)| name(region)).collect(),
            left_out: placement.left_out.iter().map(name).collect(),
            links: links.into(),
            rates: source.rates.as_ref().map(rates),
            cap: source.cap,
            clamped,
            assumed,
        }
    }

    /// The region of a node, drawn by weight.
    #[inline]
    pub(crate) fn region_of(&self, node: NodeId) -> RegionId {
        RegionId(self.alias.pick(draw(self.placement, u64::from(node.0))))
    }

    /// The link between two regions.
    #[inline]
    pub(crate) fn link(&self, from: RegionId, to: RegionId) -> &Link {
        &self.links[from.index() * self.names.len() + to.index()]
    }

    /// Rates up and down in bit/s by region, if the table's source states some.
    pub(crate) fn rates(&self) -> Option<&[(u64, u64)]> {
        self.rates.as_deref()
    }

    /// Greatest rate between regions in bit/s, if the table's source states one.
    pub(crate) fn cap(&self) -> Option<u64> {
        self.cap
    }

    /// Names by region.
    pub(crate) fn names(&self) -> &[String] {
        &self.names
    }

    /// Regions of the table that hold no node because of its gaps.
    pub(crate) fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// Every ordered pair of regions with its link.
    pub(crate) fn links(&self) -> impl Iterator<Item = (&str, &str, &Link)> {
        let n = self.names.len();
        self.links
            .iter()
            .enumerate()
            .map(move |(i, link)| (self.names[i / n].as_str(), self.names[i % n].as_str(), link))
    }

    /// Pairs whose floor was raised to the least delay.
    pub(crate) fn clamped(&self) -> u64 {
        self.clamped
    }

    /// Regions without a latency to themselves.
    pub(crate) fn assumed(&self) -> u64 {
        self.assumed
    }

    /// Bytes of heap memory.
    pub(crate) fn memory_bytes(&self) -> u64 {
        let names: usize = self.names.iter().map(|name| name.len() + size_of::<String>()).sum();
        let rates = self.rates.as_deref().map_or(0, size_of_val);
        self.alias.memory_bytes() + (size_of_val(&*self.links) + rates + names) as u64
    }
}
