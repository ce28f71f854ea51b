//! A table of latencies between regions, and which of its regions hold nodes.
//!
//! Owns what every source of a table (preset, scenario, file) is brought to: names and one-way
//! figures in ns for ordered pairs, some of which may be missing. Rules for what is missing:
//! - only the reverse direction was measured: it counts for both;
//! - a region to itself: [`Link::assumed`](super::link::Link::assumed), counted;
//! - two different regions: an error if the scenario's `shares` put nodes in both. Without `shares`,
//!   nodes are in equal shares in the regions that remain when those with the most gaps are left
//!   out until there is none (236 of WonderNetwork's 248 cities, 97 of RIPE's 173 countries).

use std::collections::BTreeMap;

use anthill_protocol::RegionId;

use super::error::suggestion;
use super::fit::Figures;
use super::gaps::Gaps;
use super::{LatencyKind, NetworkError};

const SHARES: &str = "network.shares";

/// Most regions a table may have: the measured ones of most sites have 1,740 (King) and 2,500
/// (Meridian). Bounds the links to 216 MB and what is kept while a table is read to a gigabyte.
pub(crate) const MAX_REGIONS: usize = 3_000;
/// Greatest latency accepted in a table, in ms: 16 minutes, there and back or one way.
pub(crate) const MAX_MS: f64 = 1e6;

/// Latencies between regions, one way, in ns.
#[derive(Clone, Debug, Default)]
pub(crate) struct LatencyTable {
    names: Vec<String>,
    index: BTreeMap<String, usize>,
    /// `[from][to]`; what is beyond the end of a row is missing.
    figures: Vec<Vec<Option<Figures>>>,
    source: Source,
    /// What is to be said of its file.
    pub(crate) notes: Vec<String>,
}

/// What the source of a table states beside latencies.
#[derive(Clone, Debug, Default)]
pub(crate) struct Source {
    /// Share of the nodes by region; zero for regions without any.
    pub(crate) shares: Option<Vec<f64>>,
    /// Rates up and down by region, in bit/s.
    pub(crate) rates: Option<Vec<(u64, u64)>>,
    /// Greatest rate of one transfer between regions, in bit/s.
    pub(crate) cap: Option<u64>,
    /// Whether it varies latencies by the Pareto distribution.
    pub(crate) pareto: bool,
}

/// Which regions hold nodes.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Placement {
    /// Their indices in the table, ascending, each with its share; the shares sum to one.
    pub(crate) regions: Vec<(usize, f64)>,
    /// Regions that hold none because of gaps in the table.
    pub(crate) left_out: Vec<usize>,
}

impl Placement {
    /// Indices in the table of placed regions as indices among these.
    pub(crate) fn renumber(&self, regions: &[u16]) -> Box<[RegionId]> {
        let place = |region: &u16| {
            let found = self.regions.binary_search_by_key(&usize::from(*region), |place| place.0);
            RegionId(found.expect("regions with nodes are placed") as u16)
        };
        regions.iter().map(place).collect()
    }
}

impl LatencyTable {
    /// The index of a region, added if new; an error message if there are too many.
    pub(crate) fn region(&mut self, name: &str) -> Result<usize, String> {
        if let Some(index) = self.index.get(name) {
            return Ok(*index);
        }
        if name.is_empty() {
            return Err("a region without a name".into());
        }
        let index = self.names.len();
        if index == MAX_REGIONS {
            return Err(format!(
                "more than {MAX_REGIONS} regions, the most of a table; is this the right column?"
            ));
        }
        self.names.push(name.to_owned());
        self.index.insert(name.to_owned(), index);
        Ok(index)
    }

    /// Sets the figures of an ordered pair; false if it had some.
    pub(crate) fn set(&mut self, from: usize, to: usize, figures: Figures) -> bool {
        if self.figures.len() <= from {
            self.figures.resize_with(self.names.len().max(from + 1), Vec::new);
        }
        let row = &mut self.figures[from];
        if row.len() <= to {
            if row.capacity() == 0 {
                // At once for all regions known so far.
                row.reserve_exact(self.names.len());
            }
            row.resize(to + 1, None);
        }
        row[to].replace(figures).is_none()
    }

    /// The figures of an ordered pair.
    pub(crate) fn get(&self, from: usize, to: usize) -> Option<Figures> {
        *self.figures.get(from)?.get(to)?
    }

    /// Says what else the source states.
    pub(crate) fn set_source(&mut self, source: Source) {
        self.source = source;
    }

    /// What else the source states.
    pub(crate) fn source(&self) -> &Source {
        &self.source
    }

    /// The index of a region by name; an error message that suggests the nearest.
    pub(crate) fn find(&self, name: &str) -> Result<usize, String> {
        self.index.get(name).copied().ok_or_else(|| {
            let hint = suggestion(name, self.names.iter().map(String::as_str));
            format!("no region \"{name}\" in the latency table{hint}")
        })
    }

    /// The index of a region by name.
    pub(crate) fn index_of(&self, name: &str) -> Option<usize> {
        self.index.get(name).copied()
    }

    /// Name of a region.
    pub(crate) fn name(&self, region: usize) -> &str {
        &self.names[region]
    }

    /// Number of regions.
    pub(crate) fn len(&self) -> usize {
        self.names.len()
    }

    /// Decides which regions hold nodes.
    pub(crate) fn place(
        &self,
        shares: Option<&[(String, f64)]>,
    ) -> Result<Placement, NetworkError> {
        if self.names.is_empty() {
            return Err(NetworkError::field("network.regions", "the table holds no region"));
        }
        let mut left_out = Vec::new();
        let by_region = match (shares, &self.source.shares) {
            (Some(shares), _) => self.checked_shares(shares)?,
            (None, Some(own)) => own.clone(),
            (None, None) => {
                left_out = Gaps::among(self, (0..self.names.len()).collect()).leave_out();
                let mut equal = vec![1.0; self.names.len()];
                left_out.iter().for_each(|region| equal[*region] = 0.0);
                equal
            }
        };
        let fix = "leave regions out of `shares` until no pair lacks, or give no `shares` at all";
        let regions = self.populated(&by_region, fix);
        Ok(Placement {
            regions: regions.map_err(|problem| NetworkError::field(SHARES, problem))?,
            left_out,
        })
    }

    /// The placement where so many nodes are in each region; an error message on gaps.
    pub(crate) fn place_counted(&self, nodes: &[u32]) -> Result<Placement, String> {
        let by_region: Vec<f64> = nodes.iter().map(|n| f64::from(*n)).collect();
        let regions = self.populated(&by_region, "place no nodes in one of each such pair")?;
        Ok(Placement { regions, left_out: Vec::new() })
    }

    /// The regions with a positive weight, and their shares; `fix` is the advice on gaps.
    fn populated(&self, by_region: &[f64], fix: &str) -> Result<Vec<(usize, f64)>, String> {
        let regions: Vec<usize> = (0..self.names.len()).filter(|r| by_region[*r] > 0.0).collect();
        if let Some(problem) = Gaps::among(self, regions.clone()).problem(self, fix) {
            return Err(problem);
        }
        let total: f64 = by_region.iter().sum();
        Ok(regions.into_iter().map(|region| (region, by_region[region] / total)).collect())
    }

    fn checked_shares(&self, shares: &[(String, f64)]) -> Result<Vec<f64>, NetworkError> {
        let mut by_region: Vec<Option<f64>> = vec![None; self.names.len()];
        for (name, share) in shares {
            let region = self.find(name).map_err(|e| NetworkError::field(SHARES, e))?;
            if !(0.0..=100.0).contains(share) {
                let problem = format!("{share} for \"{name}\"; give a fraction within 0 to 1");
                return Err(NetworkError::field(SHARES, problem));
            }
            if by_region[region].replace(*share).is_some() {
                return Err(NetworkError::field(SHARES, format!("\"{name}\" is named twice")));
            }
        }
        // From +0: the sum of nothing is −0.
        let total = shares.iter().fold(0.0, |sum, (_, share)| sum + share);
        if (total - 1.0).abs() > 1e-6 {
            let fix = if (total - 100.0).abs() < 0.5 {
                "these are percents: divide each by 100".to_owned()
            } else {
                "fractions of the nodes must sum to 1".to_owned()
            };
            return Err(NetworkError::field(SHARES, format!("the sum is {total}; {fix}")));
        }
        Ok(by_region.into_iter().map(|share| share.unwrap_or(0.0)).collect())
    }
}

/// A latency in ms as one-way ns; an error message unless it is in 0 to [`MAX_MS`].
pub(crate) fn one_way_ns(ms: f64, latency: LatencyKind) -> Result<f64, String> {
    if !(0.0..=MAX_MS).contains(&ms) {
        return Err(format!("latency {ms} ms; give milliseconds from 0 to 1,000,000"));
    }
    Ok(match latency {
        LatencyKind::OneWay => ms * 1e6,
        LatencyKind::RoundTrip => ms * 0.5e6,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::fit::Centre;

    fn table(pairs: &[(&str, &str)]) -> LatencyTable {
        let mut table = LatencyTable::default();
        let centre = Centre::Percentiles { p50: 1e6, p90: None };
        for (from, to) in pairs {
            let (from, to) = (table.region(from).unwrap(), table.region(to).unwrap());
            assert!(table.set(from, to, Figures { centre, min: None, max: None }));
        }
        table
    }

    fn shares(shares: &[(&str, f64)]) -> Vec<(String, f64)> {
        shares.iter().map(|(name, share)| ((*name).to_owned(), *share)).collect()
    }

    fn message(table: &LatencyTable, given: &[(&str, f64)]) -> String {
        table.place(Some(&shares(given))).unwrap_err().to_string()
    }

    #[test]
    fn one_direction_is_enough_and_regions_without_nodes_need_none() {
        let table = table(&[("a", "b"), ("c", "a")]);
        let placed = table.place(Some(&shares(&[("b", 0.25), ("a", 0.75)]))).unwrap();
        assert_eq!(placed.regions, [(0, 0.75), (1, 0.25)]);
        let error = message(&table, &[("a", 0.2), ("b", 0.4), ("c", 0.4)]);
        assert!(error.contains("1 pairs") && error.contains("b – c"), "{error}");
        assert!(table.place(Some(&shares(&[("b", 0.0), ("a", 0.5), ("c", 0.5)]))).is_ok());
    }

    #[test]
    fn without_shares_the_regions_with_most_gaps_are_left_out() {
        // d lacks a, c and e and goes first; then b and c lack each other, and c is the later one.
        let table =
            table(&[("a", "b"), ("a", "c"), ("b", "d"), ("c", "e"), ("b", "e"), ("a", "e")]);
        let placement = table.place(None).unwrap();
        assert_eq!(placement.left_out, [table.index["c"], table.index["d"]]);
        let third = 1.0 / 3.0;
        assert_eq!(placement.regions, [(0, third), (1, third), (table.index["e"], third)]);
    }

    #[test]
    fn shares_are_checked_and_errors_name_the_fix() {
        let table = table(&[("us-east-1", "eu-west-1")]);
        let unknown = message(&table, &[("us-east1", 1.0)]);
        assert!(unknown.contains("did you mean \"us-east-1\""), "{unknown}");
        assert!(message(&table, &[("us-east-1", 100.0)]).contains("divide each by 100"));
        assert!(message(&table, &[("us-east-1", 0.9)]).contains("sum is 0.9"));
        assert!(message(&table, &[]).contains("sum is 0"));
        assert!(message(&table, &[("us-east-1", f64::NAN)]).contains("NaN"));
        assert!(message(&table, &[("us-east-1", -1.0)]).contains("-1"));
        assert!(message(&table, &[("us-east-1", 0.5), ("us-east-1", 0.5)]).contains("twice"));
        assert!(LatencyTable::default().place(None).is_err());
    }

    #[test]
    fn latencies_outside_their_bounds_are_errors() {
        assert_eq!(one_way_ns(3.0, LatencyKind::RoundTrip), Ok(1.5e6));
        assert_eq!(one_way_ns(3.0, LatencyKind::OneWay), Ok(3e6));
        for kind in [LatencyKind::OneWay, LatencyKind::RoundTrip] {
            assert!(one_way_ns(MAX_MS, kind).is_ok());
            for bad in [-0.1, f64::NAN, f64::INFINITY, 1_000_000.5] {
                let error = one_way_ns(bad, kind).unwrap_err();
                assert!(error.contains("from 0 to 1,000,000"), "{error}");
            }
        }
    }
}
