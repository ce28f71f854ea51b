//! What the runs of a swarm have exercised: a swarm that found nothing says what it looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anthill_engine::outcome::Outcome;
use anthill_engine::scenario::Scenario;
use serde_json::{Value, json};

use super::case::Part;
use super::draw::Drawn;
use crate::{Entry, units};

/// With fewer runs than these a situation that was not met says nothing.
pub(super) const ENOUGH_RUNS: u64 = 200;

/// How often each of some names was met.
type Counts = BTreeMap<String, u64>;

fn note(counts: &mut Counts, name: impl Into<String>) {
    *counts.entry(name.into()).or_insert(0) += 1;
}

/// What one run has shown; small, so that many can wait for their turn.
#[derive(Clone, Debug, Default)]
pub(super) struct Seen {
    events: u64,
    nodes: u32,
    compared: bool,
    network: &'static str,
    troubles: usize,
    most_held: Option<bool>,
    adversary: Option<String>,
    metrics: BTreeSet<&'static str>,
    conditions: Vec<&'static str>,
    judged: Vec<(&'static str, Judged)>,
}

/// What came of a judge, or another check, in one run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Judged {
    /// It held inside its bound, or did not, which is a find.
    Within,
    /// The scenario was outside its bound, and it held.
    BeyondAndHeld,
    /// The scenario was outside its bound, and it did not hold.
    BeyondAndBroken,
    /// Nothing could be said.
    Not,
}

impl Seen {
    /// Looks at a run.
    pub(super) fn of(
        drawn: &Drawn<'_>,
        scenario: &Scenario,
        outcome: &Outcome,
        compared: bool,
    ) -> Self {
        let result = &outcome.result;
        // Of the generic kinds; it may be the protocol's draw.
        let generic = drawn.case.parts.iter().find_map(|part| match part {
            Part::Adversary { kind, .. } => Some((*kind).to_owned()),
            Part::Keys(keys) if keys[0].0 == "adversary" => {
                let (_, from) = keys[0].1.split_once("kind=\"")?;
                from.split('"').next().map(str::to_owned)
            }
            _ => None,
        });
        let metrics = result.metrics.iter().zip(&result.totals.values);
        let conditions = result.conditions.iter().flat_map(|totals| totals.rows());
        let judged = result.checks.iter().map(|check| {
            let judged = match (check.not_judged.is_some(), check.expected_violation, check.ok) {
                (true, ..) => Judged::Not,
                (_, false, _) => Judged::Within,
                (_, true, true) => Judged::BeyondAndHeld,
                (_, true, false) => Judged::BeyondAndBroken,
            };
            (check.name, judged)
        });
        Self {
            events: result.totals.events,
            nodes: scenario.nodes,
            compared,
            network: drawn.network,
            troubles: drawn.troubles,
            most_held: drawn.held.map(|(_, is_most)| is_most),
            adversary: scenario.values.adversary().map(str::to_owned).or(generic),
            // A latency may have the name of a figure.
            metrics: metrics.filter(|(_, value)| **value > 0).map(|(info, _)| info.name).collect(),
            conditions: conditions.filter(|row| row.1 > 0).map(|row| row.0).collect(),
            judged: judged.collect(),
        }
    }
}

/// What all runs of one protocol have shown.
#[derive(Clone, Debug, Default)]
pub(super) struct Exercised {
    runs: u64,
    events: u64,
    compared: u64,
    too_large: u64,
    refused: u64,
    two_troubles: u64,
    held: u64,
    most_held: u64,
    nodes: Counts,
    networks: Counts,
    adversaries: Counts,
    metrics: Counts,
    conditions: Counts,
    judged: BTreeMap<&'static str, [u64; 4]>,
}

impl Exercised {
    /// Adds a run, before which so many draws were refused; one without a find that has shown nothing
    /// was too large.
    pub(super) fn add(&mut self, refused: u64, seen: Option<&Seen>, is_find: bool) {
        self.runs += 1;
        self.refused += refused;
        let Some(seen) = seen else {
            self.too_large += u64::from(!is_find);
            return;
        };
        self.events += seen.events;
        self.compared += u64::from(seen.compared);
        self.two_troubles += u64::from(seen.troubles >= 2);
        self.held += u64::from(seen.most_held.is_some());
        self.most_held += u64::from(seen.most_held == Some(true));
        note(&mut self.nodes, format!("{:>4}", seen.nodes));
        note(&mut self.networks, seen.network);
        seen.adversary.iter().for_each(|kind| note(&mut self.adversaries, kind));
        seen.metrics.iter().for_each(|name| note(&mut self.metrics, *name));
        seen.conditions.iter().for_each(|name| note(&mut self.conditions, *name));
        // A protocol may say several things of one name.
        let names: BTreeSet<&str> = seen.judged.iter().map(|(name, _)| *name).collect();
        for name in names {
            let of_name = |judged| seen.judged.contains(&(name, judged));
            let all = [Judged::BeyondAndBroken, Judged::Within, Judged::BeyondAndHeld, Judged::Not];
            let place = all.into_iter().position(of_name).unwrap_or(3);
            self.judged.entry(name).or_default()[place] += 1;
        }
    }

    /// The protocol's situations that were never met, if there were runs enough to say so.
    pub(super) fn not_exercised(&self, entry: &Entry) -> Vec<&'static str> {
        if self.runs < ENOUGH_RUNS {
            return Vec::new();
        }
        let unmet = |name: &&&str| !self.metrics.contains_key(**name);
        entry.situations.iter().filter(unmet).copied().collect()
    }

    /// The numbers, for a user.
    pub(super) fn text(&self, entry: &Entry) -> String {
        let count = units::count;
        let mut text = format!(
            "{}: {} runs, {} events; {} compared with the oracle\n",
            entry.protocol.name,
            count(self.runs),
            count(self.events),
            count(self.compared)
        );
        let mut line = |name: &str, what: String| {
            if !what.is_empty() {
                let _ = writeln!(text, "  {name:<12} {what}");
            }
        };
        line("nodes", listed(&self.nodes));
        line("networks", listed(&self.networks));
        line("trouble", format!("two kinds or more in {} runs", count(self.two_troubles)));
        line("adversaries", listed(&self.adversaries));
        if self.held > 0 {
            let (most, held) = (count(self.most_held), count(self.held));
            line("held", format!("as many as are less than a third in {most} of {held} runs"));
        }
        line("conditions", listed(&self.conditions));
        line("metrics", listed(&self.metrics));
        let missing = entry.protocol.metrics.iter().map(|info| info.name);
        let missing: Vec<&str> = missing.filter(|name| !self.metrics.contains_key(*name)).collect();
        line("never seen", missing.join(", "));
        if self.too_large > 0 {
            line("too large", format!("{} runs, not judged", count(self.too_large)));
        }
        if self.refused > 0 {
            line("drawn again", format!("{} times, because it cannot be run", count(self.refused)));
        }
        for (name, counts) in &self.judged {
            let words =
                ["broken beyond its bound", "inside its bound", "held beyond it", "not judged"];
            let met = [1, 2, 0, 3].into_iter().filter(|place| counts[*place] > 0);
            let met = met.map(|place| format!("{} {}", words[place], count(counts[place])));
            let _ = writeln!(text, "  {name}: {}", met.collect::<Vec<_>>().join(", "));
        }
        text
    }

    /// The numbers, for programs.
    pub(super) fn json(&self, entry: &Entry) -> Value {
        let judged = self.judged.iter().map(|(name, [broken, within, held, not])| {
            let value = json!({
                "within_bound": within,
                "beyond_bound_held": held,
                "beyond_bound_broken": broken,
                "not_judged": not,
            });
            ((*name).to_owned(), value)
        });
        let nodes = self.nodes.iter().map(|(nodes, runs)| (nodes.trim().to_owned(), json!(runs)));
        json!({
            "runs": self.runs,
            "events": self.events,
            "compared_with_oracle": self.compared,
            "too_large": self.too_large,
            "draws_refused": self.refused,
            "two_troubles_or_more": self.two_troubles,
            "held": { "runs": self.held, "most_below_a_third": self.most_held },
            "nodes": nodes.collect::<serde_json::Map<String, Value>>(),
            "networks": self.networks,
            "adversaries": self.adversaries,
            "metrics": self.metrics,
            "conditions": self.conditions,
            "judges": judged.collect::<serde_json::Map<String, Value>>(),
            "situations": entry.situations,
            "not_exercised": self.not_exercised(entry),
        })
    }
}

fn listed(counts: &Counts) -> String {
    let each = counts.iter().map(|(name, runs)| format!("{} ({runs})", name.trim()));
    each.collect::<Vec<_>>().join(", ")
}
