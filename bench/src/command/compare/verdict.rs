//! The verdict on every metric that both sides have.
//!
//! The mean of the paired differences (B less A) with its 95 % interval, and the exact sign-flip test,
//! two-sided. A verdict looks at all metrics at once, so it uses probabilities corrected by Holm's
//! procedure, over the metrics that differ in some pair: a difference is stated below 0.05. If nothing
//! differs, at most one comparison of twenty states anything, whatever the metrics are and with any
//! number of pairs; with too few of them ([`Comparison::pairs_needed`]) none does. The interval is not
//! corrected, so it may exclude 0 where no difference is stated.

use std::collections::BTreeMap;

use super::direction::better;
use anthill_protocol::{Better, MetricInfo};

use crate::command::batch;
use crate::points::{Finished, Plan, Store};
use crate::statistics::{Paired, Range, adjusted, pairs_needed};

/// Below this probability a difference is stated.
pub(super) const LEVEL: f64 = 0.05;

/// What is said of a metric of B.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// B is better.
    Better,
    /// B is worse.
    Worse,
    /// B has more, and which way is better is not known.
    Higher,
    /// B has less, likewise.
    Lower,
    /// Nothing, with so many pairs.
    NoDifference,
}

/// A metric of both.
#[derive(Clone, Debug)]
pub(super) struct Row {
    /// Its path in `summary.json`.
    pub metric: String,
    /// Which way is better.
    pub better: Better,
    /// The differences.
    pub paired: Paired,
    /// The probability after the correction; 1 where no pair differs.
    pub p_adjusted: f64,
    /// What is said.
    pub verdict: Verdict,
}

/// All that is said.
#[derive(Debug)]
pub(super) struct Comparison {
    /// Pairs of runs.
    pub pairs: usize,
    /// Every metric that both sides have in some pair.
    pub rows: Vec<Row>,
    /// Metrics of one side only.
    pub unpaired: Vec<String>,
    /// What differs beside the protocol.
    pub differences: Vec<String>,
}

impl Verdict {
    /// In words.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Better => "better",
            Self::Worse => "worse",
            Self::Higher => "higher",
            Self::Lower => "lower",
            Self::NoDifference => "no difference shown",
        }
    }

    fn of(better: Better, difference: f64, p_adjusted: f64) -> Self {
        if p_adjusted >= LEVEL {
            return Self::NoDifference;
        }
        match (better, difference > 0.0) {
            (Better::Higher, true) | (Better::Lower, false) => Self::Better,
            (Better::Higher, false) | (Better::Lower, true) => Self::Worse,
            (Better::Unknown, true) => Self::Higher,
            (Better::Unknown, false) => Self::Lower,
        }
    }
}

impl Comparison {
    /// Compares the runs of a plan's two sides.
    ///
    /// `metrics`: those of the protocols that are compared.
    pub(super) fn of(
        plan: &Plan,
        store: &Store,
        differences: Vec<String>,
        metrics: &[MetricInfo],
    ) -> Self {
        let groups = batch::by_configuration(plan, store);
        let [a, b] = &groups[..] else { unreachable!("a comparison has two sides") };
        Self::between(a, b, differences, metrics)
    }

    fn between(
        a: &[&Finished],
        b: &[&Finished],
        differences: Vec<String>,
        metrics: &[MetricInfo],
    ) -> Self {
        let mut order: Vec<String> = Vec::new();
        let mut pairs: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
        let mut single: Vec<String> = Vec::new();
        for (a, b) in a.iter().zip(b) {
            let (firsts, seconds) = (a.metrics(), b.metrics());
            for (name, first) in &firsts {
                match seconds.iter().find(|(other, _)| other == name) {
                    Some((_, second)) => {
                        if !pairs.contains_key(name) {
                            order.push(name.clone());
                        }
                        pairs.entry(name.clone()).or_default().push((*first, *second));
                    }
                    None => single.push(name.clone()),
                }
            }
            let known = |name: &String| firsts.iter().any(|(other, _)| other == name);
            single.extend(seconds.into_iter().map(|(name, _)| name).filter(|name| !known(name)));
        }
        single.retain(|name| !pairs.contains_key(name));
        single.sort_unstable();
        single.dedup();
        let found: Vec<(String, Paired)> = order
            .into_iter()
            .filter_map(|name| {
                let paired = Paired::of(pairs.get(&name)?, Range::of(&name))?;
                Some((name, paired))
            })
            .collect();
        Self {
            pairs: a.len().min(b.len()),
            rows: rows(found, metrics),
            unpaired: single,
            differences,
        }
    }

    /// How many metrics differ in some pair: so many are judged.
    pub(super) fn judged(&self) -> usize {
        self.rows.iter().filter(|row| !row.paired.is_equal()).count()
    }

    /// With fewer pairs no verdict on so many metrics is possible.
    pub(super) fn pairs_needed(&self) -> usize {
        pairs_needed(self.judged(), LEVEL)
    }
}

fn rows(found: Vec<(String, Paired)>, metrics: &[MetricInfo]) -> Vec<Row> {
    let differ = found.iter().filter(|(_, paired)| !paired.is_equal());
    let tested: Vec<f64> = differ.map(|(_, paired)| paired.p).collect();
    let mut corrected = adjusted(&tested).into_iter();
    found
        .into_iter()
        .map(|(metric, paired)| {
            let differs = !paired.is_equal();
            let p_adjusted = differs.then(|| corrected.next()).flatten().unwrap_or(1.0);
            let better = better(&metric, metrics);
            let verdict = Verdict::of(better, paired.difference.mean, p_adjusted);
            Row { metric, better, paired, p_adjusted, verdict }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use anthill_protocol::Metric as _;
    use anthill_protocol::gossip::GossipMetric;
    use serde_json::json;

    fn runs(values: impl IntoIterator<Item = (f64, f64)>, other: &str) -> Vec<Finished> {
        let run = |(coverage, sends): (f64, f64)| {
            let mut metrics = json!({ "coverage": coverage, "sends": sends, "odd": sends });
            metrics[other] = json!(1);
            let result = json!({ "events": 5, "metrics": metrics });
            Finished {
                result: result.as_object().cloned().expect("an object"),
                host: serde_json::Map::new(),
            }
        };
        values.into_iter().map(run).collect()
    }

    fn between(a: &[Finished], b: &[Finished]) -> Comparison {
        let (a, b): (Vec<&Finished>, Vec<&Finished>) = (a.iter().collect(), b.iter().collect());
        Comparison::between(&a, &b, Vec::new(), GossipMetric::ALL)
    }

    /// Coverage is 0.1 less in every pair, sends differ now and then.
    fn two(pairs: u32) -> (Vec<Finished>, Vec<Finished>) {
        let of = |i: u32| (0.9 + f64::from(i % 3) * 0.01, 100.0 + f64::from(i % 4));
        let a = (0..pairs).map(of);
        let b = (0..pairs).map(|i| (of(i).0 - 0.1, of(i + i % 2).1));
        (runs(a, "only_a"), runs(b, "only_b"))
    }

    #[test]
    fn verdicts_follow_direction_and_corrected_probability() {
        let (a, b) = two(10);
        let verdict = |comparison: &Comparison, name: &str| {
            comparison.rows.iter().find(|row| row.metric == name).map(|row| row.verdict)
        };
        let found = between(&a, &b);
        assert_eq!(verdict(&found, "metrics.coverage"), Some(Verdict::Worse));
        assert_eq!(verdict(&found, "metrics.sends"), Some(Verdict::NoDifference));
        assert_eq!(verdict(&found, "events"), Some(Verdict::NoDifference));
        assert_eq!(found.unpaired, ["metrics.only_a", "metrics.only_b"]);
        let turned = between(&b, &a);
        assert_eq!(verdict(&turned, "metrics.coverage"), Some(Verdict::Better));
        let same = between(&a, &a);
        assert!(same.rows.iter().all(|row| row.verdict == Verdict::NoDifference));
        assert_eq!(Verdict::of(Better::Unknown, 1.0, 0.01), Verdict::Higher);
        assert_eq!(Verdict::of(Better::Unknown, -1.0, 0.01), Verdict::Lower);
        assert_eq!(Verdict::of(Better::Lower, -1.0, 0.05), Verdict::NoDifference);
    }

    /// However clear a difference seems: three metrics differ, and 3 · 2/2⁶ is above 0.05.
    #[test]
    fn too_few_pairs_have_no_verdict() {
        for pairs in 2..8 {
            let (a, b) = two(pairs);
            let found = between(&a, &b);
            let judged = found.judged();
            let any = found.rows.iter().any(|row| row.verdict != Verdict::NoDifference);
            assert_eq!(any, pairs as usize >= found.pairs_needed(), "{pairs} pairs, {judged}");
            assert_eq!(found.pairs_needed(), if judged == 1 { 6 } else { 7 });
        }
    }

    #[test]
    fn the_correction_counts_only_what_differs() {
        let values = |step: f64| (0..3).map(move |i| (0.9, 100.0 + f64::from(i) * step));
        let (a, b) = (runs(values(10.0), "x"), runs(values(11.0), "x"));
        let found = between(&a, &b);
        let row = found.rows.iter().find(|row| row.metric == "metrics.sends").expect("a row");
        // `sends` and `odd` differ, and are two; of the three pairs one does not.
        assert_eq!((row.paired.p, row.p_adjusted, found.judged()), (0.5, 1.0, 2));
    }
}
