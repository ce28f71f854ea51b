//! The oracle of a venue: one price of what its makers report, in the order of the log.
//!
//! The last report of each maker counts. There is a price as soon as n − f have reported; every block with
//! reports makes it anew. Whoever lies is known to the audit alone, which compares: the price should be
//! between the least and the greatest that honest makers have reported.

use std::collections::BTreeMap;

use anthill_market::oracle::{OracleRule, Report};
use anthill_market::{MAX_LOTS, MAX_PRICE, Ticks};
use anthill_protocol::draw::mix;
use anthill_protocol::{NodeId, Snapshot, SnapshotError};

use super::saved::{load_map, save_map};
use super::{Answer, Run, State, Terrain};

/// The answer to a report that does not count.
const NO_REPORT: u8 = 254;
/// The confidence that honest makers claim, in millionths; the median counts no more of anybody.
pub(crate) const CONFIDENCE: u32 = 500_000;

/// How one price is made of many reports.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reporting {
    pub(crate) rule: OracleRule,
    /// Makers of a venue, all of which report.
    pub(crate) makers: u32,
    /// How many of them lie, from the first on: for the audit.
    pub(crate) liars: u32,
}

impl Reporting {
    /// The rule of a name, for so many makers of which a third may lie.
    pub(crate) fn named(name: &str, makers: u32) -> Option<Self> {
        let rule = match name {
            "vwap" => OracleRule::Vwap,
            "weighted-mean" => OracleRule::WeightedMean,
            "weighted-median" => OracleRule::WeightedMedian { cap: CONFIDENCE },
            "trimmed-mean" => OracleRule::TrimmedMean { f: faults(makers) as usize },
            "third-trimmed" => OracleRule::ThirdTrimmed,
            _ => return None,
        };
        Some(Self { rule, makers, liars: 0 })
    }

    /// Whether no more lie than the rule bears.
    pub(crate) fn is_sound(&self) -> bool {
        self.liars as usize <= self.rule.bears(self.makers as usize)
    }
}

/// Fewer than a third of so many.
pub(crate) fn faults(makers: u32) -> u32 {
    makers.saturating_sub(1) / 3
}

/// What was reported, and the price of that.
#[derive(Clone, Debug, Default)]
pub(crate) struct Oracle {
    reports: BTreeMap<u32, Report>,
    price: Option<Ticks>,
    /// Whether there are reports since the price was made.
    is_new: bool,
    /// Of all reports; 0 if there was none.
    hash: u64,
}

/// Between blocks, when no report is new.
impl Snapshot for Oracle {
    fn save(&self, out: &mut Vec<u8>) {
        let words = |it: &Report| (it.mid as u64, it.size as u64, it.confidence);
        let reports = self.reports.iter().map(|(account, report)| (*account, words(report)));
        save_map(&reports.collect(), out);
        (self.price.map(|price| price as u64), self.hash).save(out);
    }

    fn load(bytes: &mut &[u8]) -> Result<Self, SnapshotError> {
        let reports = load_map::<u32, (u64, u64, u32)>(bytes)?.into_iter();
        let reports = reports.map(|(account, (mid, size, confidence))| {
            (account, Report { mid: mid as i64, size: size as i64, confidence })
        });
        let reports = reports.collect();
        let (price, hash) = <(Option<u64>, u64)>::load(bytes)?;
        Ok(Self { reports, price: price.map(|price| price as Ticks), is_new: false, hash })
    }
}

impl Oracle {
    pub(crate) fn price(&self) -> Option<Ticks> {
        self.price
    }

    /// Adds itself to a hash, which without reports stays as it is.
    pub(super) fn fold(&self, hash: u64) -> u64 {
        match self.hash {
            0 => hash,
            own => mix(hash, mix(own, self.price.unwrap_or(0) as u64)),
        }
    }
}

impl State {
    /// A maker reports.
    pub(super) fn report(
        &mut self,
        terrain: &Terrain,
        (signer, request): (NodeId, u32),
        report: Report,
        run: &mut Run,
    ) {
        if !self.sessions.entry(signer).or_default().finish(request) {
            return;
        }
        let layout = &terrain.layout;
        let makers = layout.traders..layout.traders + layout.makers;
        let account = layout.account(signer, self.chain).filter(|it| makers.contains(it));
        let is_sane =
            (1..=MAX_PRICE).contains(&report.mid) && (0..=MAX_LOTS).contains(&report.size);
        let code = match account.filter(|_| is_sane && terrain.reporting.is_some()) {
            Some(account) => {
                let oracle = &mut self.oracle;
                oracle.reports.insert(account, report);
                oracle.is_new = true;
                let claims = mix(report.size as u64, report.confidence.into());
                let what = mix(u64::from(account), mix(report.mid as u64, claims));
                oracle.hash = mix(oracle.hash, what).max(1);
                0
            }
            None => NO_REPORT,
        };
        run.answers.push(Answer { to: signer, request, code, filled: 0, cash: 0 });
    }

    /// Makes a price of new reports; and whether it is one that honest reports do not allow.
    pub(super) fn price(&mut self, terrain: &Terrain) -> (Option<Ticks>, bool) {
        let Some(reporting) = terrain.reporting.filter(|_| self.oracle.is_new) else {
            return (None, false);
        };
        self.oracle.is_new = false;
        let reports: Vec<Report> = self.oracle.reports.values().copied().collect();
        if reports.len() < (reporting.makers - faults(reporting.makers)) as usize {
            return (None, false);
        }
        let Some(price) = reporting.rule.price(&reports) else { return (None, false) };
        self.oracle.price = Some(price);
        (Some(price), self.is_bent(terrain, &reporting, price))
    }

    /// Whether a price is beyond what honest makers have reported, although no more lie than the rule bears,
    /// or because more do.
    fn is_bent(&self, terrain: &Terrain, reporting: &Reporting, price: Ticks) -> bool {
        let first = terrain.layout.traders + reporting.liars;
        let honest = self.oracle.reports.range(first..).map(|(_, report)| report.mid);
        let (low, high) = (honest.clone().min(), honest.clone().max());
        let lies = self.oracle.reports.len() - honest.count();
        let bears = reporting.rule.bears(self.oracle.reports.len());
        let is_judged = lies <= bears || !reporting.is_sound();
        // Rounding to a tick stays between whole ticks.
        is_judged && low.zip(high).is_some_and(|(low, high)| !(low..=high).contains(&price))
    }
}
