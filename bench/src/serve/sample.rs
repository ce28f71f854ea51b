//! What is known of a run at one moment: a glimpse into the engine, host time and memory.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};

use anthill_engine::Glimpse;
use anthill_engine::outcome::{Ended, Outcome};
use anthill_engine::scenario::Scenario;
use anthill_protocol::MetricKind;
use hdrhistogram::Histogram;
use serde_json::{Map, Value, json};

use super::map::{self, Map as NetworkMap};
use crate::clock::Stopwatch;
use crate::engines::Control;
use crate::export::{checks, summary};
use crate::machine::Usage;
use crate::setting::{Fault, Setting};
use crate::units;

/// Faults that are shaded.
const MOST_FAULTS: usize = 200;

/// What runs.
#[derive(Clone, Debug)]
pub(crate) struct Subject {
    /// Name of the scenario.
    pub name: String,
    /// Name of the protocol.
    pub protocol: String,
    /// Number of nodes.
    pub nodes: u32,
    /// Seed of every draw.
    pub seed: u64,
    /// Virtual time at which it ends, in ns.
    pub until_ns: u64,
    /// Start, end (null: never) and words of each fault, for plots.
    pub faults: Value,
    /// Where its nodes are.
    pub map: NetworkMap,
}

impl Subject {
    /// What a scenario runs, on a network with this map.
    pub(crate) fn of(scenario: &Scenario, setting: &Setting, map: NetworkMap) -> Self {
        let fault = |fault: &Fault| {
            let heal = fault.entry.heal.map(|heal| heal.0);
            json!({ "from": fault.entry.at.0, "to": heal, "text": fault.text })
        };
        Self {
            faults: setting.faults.iter().take(MOST_FAULTS).map(fault).collect(),
            name: scenario.name.clone(),
            protocol: scenario.protocol.clone(),
            nodes: scenario.nodes,
            seed: scenario.seed,
            until_ns: scenario.until.0,
            map,
        }
    }
}

/// Takes samples one after the other.
pub(super) struct Sampler {
    control: Arc<Control>,
    last: Arc<Mutex<Option<Outcome>>>,
    watch: Stopwatch,
    /// Wall time and events of the sample before.
    before: (f64, u64),
    events_per_s: f64,
}

impl Sampler {
    pub(super) fn new(control: Arc<Control>, last: Arc<Mutex<Option<Outcome>>>) -> Self {
        Self { control, last, watch: Stopwatch::start(), before: (0.0, 0), events_per_s: 0.0 }
    }

    /// Asks the engine for a glimpse.
    pub(super) fn ask(&self) {
        if let Some(live) = &self.control.live {
            live.ask();
        }
    }

    /// What is known now; after the run ended, that.
    pub(super) fn take(&mut self) -> Sample {
        let mut glimpse = self.control.live.as_ref().map(|l| l.last().clone()).unwrap_or_default();
        let outcome = self.last.lock().unwrap_or_else(PoisonError::into_inner).clone();
        if let Some(outcome) = &outcome {
            glimpse.virtual_ns = outcome.result.virtual_ns;
            glimpse.totals = outcome.result.totals.clone();
            glimpse.latencies = outcome.result.latencies.clone();
            glimpse.shard_events = outcome.host.shard_events.clone();
            (glimpse.metrics, glimpse.kinds) = (outcome.result.metrics, outcome.result.kinds);
        } else {
            // Newer than the glimpse, which waits for a window of its own.
            let reached = self.control.virtual_ns.load(Ordering::Relaxed);
            glimpse.virtual_ns = glimpse.virtual_ns.max(reached);
        }
        let wall_s = self.watch.elapsed().as_secs_f64();
        let events = glimpse.totals.events;
        let passed = wall_s - self.before.0;
        if passed > 0.1 && events >= self.before.1 {
            self.events_per_s = (events - self.before.1) as f64 / passed;
            self.before = (wall_s, events);
        }
        let latencies = glimpse.latencies.iter().map(|(name, h)| (*name, Latency::of(h)));
        Sample {
            latencies: latencies.collect(),
            wall_s,
            events_per_s: self.events_per_s,
            peak_rss_bytes: Usage::read().peak_rss_bytes,
            end: outcome.as_ref().map(End::of),
            glimpse: Glimpse { latencies: Vec::new(), ..glimpse },
        }
    }
}

/// What is known at one moment.
#[derive(Debug, Default)]
pub(super) struct Sample {
    /// Without its histograms.
    pub(super) glimpse: Glimpse,
    pub(super) latencies: Vec<(&'static str, Latency)>,
    /// Since the server started.
    pub(super) wall_s: f64,
    /// Since the sample before.
    pub(super) events_per_s: f64,
    pub(super) peak_rss_bytes: u64,
    end: Option<End>,
}

/// How it ended.
#[derive(Debug)]
struct End {
    how: &'static str,
    digest: String,
    checks: Value,
}

impl End {
    fn of(outcome: &Outcome) -> Self {
        let how = match outcome.ended {
            Ended::Finished => "finished",
            Ended::Violated => "stopped at a violation",
            Ended::Interrupted => "interrupted",
            Ended::MemoryLimit => "stopped at the memory limit",
        };
        let result = &outcome.result;
        Self { how, digest: summary::digest(result.digest), checks: checks::json(&result.checks) }
    }
}

/// Percentiles of a histogram, in ns, in one pass over it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Latency {
    pub(super) count: u64,
    /// Median, 90 %, 99 %, 99.9 %, longest.
    pub(super) at_ns: [u64; 5],
    pub(super) sum_ns: f64,
}

/// The shares that [`Latency::at_ns`] has.
pub(super) const QUANTILES: [f64; 5] = [0.5, 0.9, 0.99, 0.999, 1.0];

impl Latency {
    fn of(histogram: &Histogram<u64>) -> Self {
        let count = histogram.len();
        let mut latency = Self { count, ..Self::default() };
        let (mut seen, mut next) = (0u64, 0);
        for value in histogram.iter_recorded() {
            let n = value.count_at_value();
            seen += n;
            latency.sum_ns +=
                n as f64 * histogram.median_equivalent(value.value_iterated_to()) as f64;
            let highest = histogram.highest_equivalent(value.value_iterated_to());
            while next < QUANTILES.len() && seen as f64 >= QUANTILES[next] * count as f64 {
                latency.at_ns[next] = highest;
                next += 1;
            }
        }
        latency
    }
}

impl Sample {
    pub(super) fn state(&self, subject: &Subject) -> String {
        let until_ns = subject.until_ns;
        match &self.end {
            Some(end) => format!("{}; digest {}", end.how, end.digest),
            None if self.glimpse.virtual_ns == 0 => "setting up, or at the very start".to_owned(),
            None => match self.remaining_s(until_ns) {
                Some(left) => format!("running, about {} to go", units::seconds(left)),
                None => "running".to_owned(),
            },
        }
    }

    /// Wall time to the end at the speed so far, once that says something.
    fn remaining_s(&self, until_ns: u64) -> Option<f64> {
        let done = self.glimpse.virtual_ns as f64 / until_ns.max(1) as f64;
        (self.wall_s > 2.0 && done > 0.01 && done < 1.0).then(|| self.wall_s * (1.0 - done) / done)
    }

    /// How much of the virtual time is done.
    pub(super) fn share(&self, subject: &Subject) -> f64 {
        (self.glimpse.virtual_ns as f64 / subject.until_ns.max(1) as f64).min(1.0)
    }

    /// Id on the page, name and value.
    pub(super) fn figures(&self, subject: &Subject) -> [(&'static str, &'static str, String); 8] {
        let totals = &self.glimpse.totals;
        let time = format!(
            "{} of {}",
            units::nanos(self.glimpse.virtual_ns),
            units::nanos(subject.until_ns)
        );
        let left = match (&self.end, self.remaining_s(subject.until_ns)) {
            (Some(_), _) => "nothing".to_owned(),
            (None, Some(left)) => format!("about {}", units::seconds(left)),
            (None, None) => "not known yet".to_owned(),
        };
        [
            ("virtual", "Virtual time", time),
            ("left", "Left to wait", left),
            ("events", "Events", units::count(totals.events)),
            ("speed", "Events per second", units::count(self.speed() as u64)),
            ("messages", "Messages", units::count(totals.messages)),
            ("bytes", "On the wire", units::bytes(totals.bytes_on_wire)),
            ("memory", "Peak memory", units::bytes(self.peak_rss_bytes)),
            ("wall", "Wall time", units::seconds(self.wall_s)),
        ]
    }

    /// Events per second of wall time: of late, and at the end of all of it.
    fn speed(&self) -> f64 {
        match &self.end {
            Some(_) => self.glimpse.totals.events as f64 / self.wall_s.max(1e-3),
            None => self.events_per_s,
        }
    }

    pub(super) fn latency_rows(&self) -> Vec<Vec<String>> {
        let row = |(name, latency): &(&str, Latency)| {
            let times = latency.at_ns.iter().map(|ns| match latency.count {
                0 => "–".to_owned(),
                _ => units::nanos(*ns),
            });
            [(*name).to_owned(), units::count(latency.count)].into_iter().chain(times).collect()
        };
        self.latencies.iter().map(row).collect()
    }

    pub(super) fn metric_rows(&self, subject: &Subject) -> Vec<(String, String)> {
        let values = self.glimpse.metrics.iter().zip(&self.glimpse.totals.values);
        let own = values.filter_map(|(metric, value)| match metric.kind {
            MetricKind::Latency => None,
            MetricKind::Sum | MetricKind::Max => Some((metric.name, units::count(*value))),
            MetricKind::PerNode | MetricKind::Per(_) => {
                let nodes = f64::from(subject.nodes.max(1));
                let figure = metric.figure(*value, &self.glimpse.totals.values, nodes)?;
                Some((metric.name, units::figure(figure)))
            }
        });
        let (zero, told): (Vec<_>, Vec<_>) = own.partition(|(_, value)| value == "0");
        let mut rows: Vec<(String, String)> =
            told.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        // As the summary folds them.
        if !zero.is_empty() {
            let names: Vec<&str> = zero.iter().map(|(name, _)| *name).collect();
            rows.push((format!("0 each: {}", names.join(", ")), String::new()));
        }
        rows
    }

    /// What the plots have of this moment.
    pub(super) fn point(&self, subject: &Subject) -> Value {
        let metrics = self.glimpse.metrics.iter().zip(&self.glimpse.totals.values);
        let nodes = f64::from(subject.nodes.max(1));
        let own = metrics.filter_map(|(metric, value)| {
            let values = &self.glimpse.totals.values;
            let figure = match metric.kind {
                MetricKind::Latency => return None,
                MetricKind::Sum | MetricKind::Max => *value as f64,
                MetricKind::PerNode | MetricKind::Per(_) => metric.figure(*value, values, nodes)?,
            };
            Some((metric.name.to_owned(), json!(figure)))
        });
        let latency =
            |(name, latency): &(&str, Latency)| ((*name).to_owned(), json!(&latency.at_ns[..3]));
        let recorded = self.latencies.iter().filter(|(_, latency)| latency.count > 0);
        let kinds = self.glimpse.kinds.iter().zip(&self.glimpse.totals.messages_by_kind);
        let kinds = kinds.map(|(kind, count)| ((*kind).to_owned(), json!(count)));
        json!({
            "virtual_ns": self.glimpse.virtual_ns,
            "wall_s": self.wall_s,
            "events_per_s": self.events_per_s,
            "latency_ns": recorded.map(latency).collect::<Map<_, _>>(),
            "messages": kinds.collect::<Map<_, _>>(),
            "metrics": own.collect::<Map<_, _>>(),
        })
    }

    /// For the page's script: shown values as text, drawn ones as numbers.
    pub(super) fn json(&self, subject: &Subject) -> Value {
        let figures = self.figures(subject).into_iter();
        let figures: Map<String, Value> =
            figures.map(|(id, _, value)| (id.to_owned(), Value::String(value))).collect();
        json!({
            "state": self.state(subject),
            "ended": self.end.is_some(),
            "share": self.share(subject),
            "virtual_ns": self.glimpse.virtual_ns,
            "events": self.glimpse.totals.events,
            "events_per_s": self.events_per_s,
            "wall_s": self.wall_s,
            "figures": figures,
            "latency": self.latency_rows(),
            "shard_events": self.glimpse.shard_events,
            "metrics": self.metric_rows(subject),
            "point": self.point(subject),
            "map": map::now(&self.glimpse.nodes),
            "checks": self.end.as_ref().map_or(Value::Null, |end| end.checks.clone()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fabricated;

    #[test]
    fn one_pass_gives_the_percentiles_of_the_summary() {
        let (_, histogram) = &fabricated::outcome().result.latencies[0];
        let latency = Latency::of(histogram);
        assert_eq!(latency.at_ns, QUANTILES.map(|q| histogram.value_at_quantile(q)));
        assert_eq!(latency.count, 100);
        let mean = latency.sum_ns / 100.0;
        assert!((mean / histogram.mean() - 1.0).abs() < 1e-9, "{mean}");
        assert_eq!(Latency::of(&Histogram::new(3).expect("bounds")), Latency::default());
    }

    #[test]
    fn the_end_replaces_what_was_glimpsed() {
        let outcome = fabricated::outcome();
        let last = Arc::new(Mutex::new(None));
        let mut sampler = Sampler::new(Arc::new(Control::default()), Arc::clone(&last));
        let subject =
            Subject::of(&fabricated::scenario(), &Setting::default(), NetworkMap::default());
        let json = sampler.take().json(&subject);
        assert_eq!((&json["ended"], &json["events"]), (&json!(false), &json!(0)));
        *last.lock().expect("whole") = Some(outcome);
        let json = sampler.take().json(&subject);
        assert_eq!((&json["ended"], &json["events"]), (&json!(true), &json!(20_000)));
        assert_eq!(sampler.take().json(&subject)["ended"], true, "whoever looks next sees it too");
        assert_eq!(json["state"], "finished; digest 00000000deadbeef");
        assert_eq!(json["checks"][0]["name"], "sends");
        assert_eq!(json["shard_events"], json!([15_000, 5_000]));
        assert_eq!(json["latency"][0][0], "hop");
        assert_eq!(json["metrics"][0], json!(["coverage", "0.99900"]));
        assert_eq!(json["figures"]["left"], "nothing");
        let point = &json["point"];
        assert_eq!(point["latency_ns"]["hop"][0], 50_003_967);
        assert_eq!(point["messages"], json!({ "push": 9_000, "pull": 1_000 }));
        assert_eq!(
            (&point["metrics"]["coverage"], &point["virtual_ns"]),
            (&json!(0.999), &json!(2_000_000_000u64))
        );
    }
}
