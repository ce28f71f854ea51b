//! A comparison for other programs, and as it is read in a terminal.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::direction;
use super::verdict::{Comparison, LEVEL, Row, Verdict};
use crate::Registry;
use crate::command::batch;
use crate::export::columns::{Columns, Kind};
use crate::export::pretty;
use crate::points::{Finished, Plan, Store};
use crate::units;

/// How to read the verdicts, said with them everywhere.
pub(super) const METHOD: &str = "Differences are B less A within pairs of runs of one seed: their \
mean with a 95 % interval, Student's t. A verdict needs p < 0.05 in the exact sign-flip test after \
Holm's correction over all metrics that differ in some pair; the intervals are not corrected. Effect: \
mean difference in standard deviations of the differences.";

/// `compare.csv`: a row per metric.
pub(super) fn csv(comparison: &Comparison) -> anyhow::Result<String> {
    let header = "metric verdict better_if pairs mean_a mean_b difference low high relative effect \
                  p p_adjusted";
    let mut rows: Vec<Vec<String>> = vec![header.split_whitespace().map(str::to_owned).collect()];
    rows.extend(comparison.rows.iter().map(|row| {
        let (paired, interval) = (&row.paired, row.paired.difference.interval);
        vec![
            row.metric.clone(),
            row.verdict.name().to_owned(),
            direction::name(row.better).to_owned(),
            paired.difference.n.to_string(),
            paired.first.to_string(),
            paired.second.to_string(),
            paired.difference.mean.to_string(),
            cell(interval.map(|[low, _]| low)),
            cell(interval.map(|[_, high]| high)),
            cell(relative(row)),
            cell(paired.effect),
            paired.p.to_string(),
            row.p_adjusted.to_string(),
        ]
    }));
    batch::csv_text(&rows)
}

/// `runs.csv`: a row per run, a column per metric.
pub(super) fn runs(plan: &Plan, store: &Store) -> anyhow::Result<String> {
    let figures: Vec<_> = store.finished().values().map(Finished::figures).collect();
    let names = batch::names(&figures);
    let mut header: Vec<String> =
        ["side", "pair", "seed", "digest", "checks_ok"].map(str::to_owned).into();
    header.extend(names.iter().cloned());
    let mut rows = vec![header];
    for point in &plan.points {
        let Some(run) = store.finished().get(&point.id) else { continue };
        let mut row = vec![
            plan.configurations[point.configuration].label.clone(),
            point.run.to_string(),
            point.seed.to_string(),
            run.digest().to_owned(),
            run.violated().is_empty().to_string(),
        ];
        row.extend(batch::in_order(&names, &run.figures()).map(cell));
        rows.push(row);
    }
    batch::csv_text(&rows)
}

/// What the columns of both tables hold.
pub(super) fn columns(plan: &Plan, registry: &Registry) -> anyhow::Result<Columns> {
    Ok(batch::run_columns(plan, registry)?
        .with(Kind::Text, "side metric verdict better_if")
        .with(Kind::Count, "pair pairs")
        .with(Kind::Number, "mean_a mean_b difference low high relative effect p p_adjusted"))
}

/// `compare.json`: everything.
pub(super) fn json(comparison: &Comparison, store: &Store) -> String {
    let metric = |row: &Row| {
        let paired = &row.paired;
        json!({
            "metric": row.metric,
            "verdict": row.verdict.name(),
            "better_if": direction::name(row.better),
            "pairs": paired.difference.n,
            "mean_a": paired.first,
            "mean_b": paired.second,
            "difference": paired.difference.mean,
            "interval": paired.difference.interval,
            "relative": relative(row),
            "effect": paired.effect,
            "p": paired.p,
            "p_adjusted": row.p_adjusted,
        })
    };
    pretty(&json!({
        "format": 1,
        "command": "compare",
        "directory": store.path().display().to_string(),
        "manifest": store.manifest(),
        "method": METHOD,
        "level": LEVEL,
        "pairs": comparison.pairs,
        "pairs_needed": comparison.pairs_needed(),
        "allowed_differences": comparison.differences,
        "metrics_of_one_side": comparison.unpaired,
        "metrics": comparison.rows.iter().map(metric).collect::<Vec<Value>>(),
    }))
}

/// What is read in a terminal: first what differs, then what does not.
pub(super) fn text(comparison: &Comparison, plan: &Plan, store: &Store) -> String {
    let [a, b] = &plan.configurations[..] else { return String::new() };
    let mut text = format!(
        "A {} against B {}: {} pairs, {} nodes, base seed {}\n",
        a.scenario.name,
        b.scenario.name,
        comparison.pairs,
        units::count(a.scenario.nodes.into()),
        plan.seed
    );
    for difference in &comparison.differences {
        let _ = writeln!(text, "  not the same: {difference}");
    }
    for difference in changed(plan) {
        let _ = writeln!(text, "  {difference}");
    }
    text.push('\n');
    let told: Vec<&Row> = comparison.rows.iter().filter(|row| !row.paired.is_equal()).collect();
    let mut lines = vec![HEADER.map(str::to_owned).to_vec()];
    let (different, alike): (Vec<&Row>, Vec<&Row>) =
        told.iter().partition(|row| row.verdict != Verdict::NoDifference);
    lines.extend(different.into_iter().chain(alike).map(cells));
    if told.is_empty() {
        text += "no difference shown: every metric is the same in every pair\n";
    } else {
        text += &batch::columns(&lines, 2);
        let equal = comparison.rows.len() - comparison.judged();
        let _ = writeln!(text, "and {equal} metrics that are the same in every pair");
    }
    if let Some(more) = more_pairs(comparison) {
        let _ = writeln!(text, "\n{more}");
    }
    if !comparison.unpaired.is_empty() {
        let _ = writeln!(text, "on one side only: {}", comparison.unpaired.join(", "));
    }
    let reproduce = batch::again_line();
    let _ = write!(text, "\n{METHOD}\n\nAgain: {reproduce}\nSaved in {}\n", store.path().display());
    text
}

/// If no verdict is possible: how many pairs would allow one.
pub(super) fn more_pairs(comparison: &Comparison) -> Option<String> {
    let (pairs, judged, needed) =
        (comparison.pairs, comparison.judged(), comparison.pairs_needed());
    (judged > 0 && pairs < needed).then(|| {
        format!(
            "{pairs} pairs allow no verdict on {judged} metrics that differ in some pair, however \
             they differ: that takes {needed} (--seeds {needed})"
        )
    })
}

/// The headings of [`cells`].
pub(super) const HEADER: [&str; 7] =
    ["metric", "verdict", "A", "B", "difference", "95 % interval", "effect"];

/// A metric in words.
pub(super) fn cells(row: &Row) -> Vec<String> {
    let paired = &row.paired;
    let figure = |value: f64| batch::shown(&row.metric, value);
    let relative = relative(row).map_or_else(String::new, |share| {
        format!(" ({}{:.2} %)", if share < 0.0 { "" } else { "+" }, share * 100.0)
    });
    vec![
        row.metric.clone(),
        row.verdict.name().to_owned(),
        figure(paired.first),
        figure(paired.second),
        figure(paired.difference.mean) + &relative,
        match paired.difference.interval {
            Some([low, high]) => format!("[{}, {}]", figure(low), figure(high)),
            None => format!("constant in {} pairs", paired.difference.n),
        },
        paired.effect.map_or_else(|| "-".to_owned(), |effect| format!("{effect:.2}")),
    ]
}

/// The parameters of the protocol that differ, with both values.
pub(super) fn changed(plan: &Plan) -> Vec<String> {
    let protocol = |side: usize| {
        let toml = plan.configurations[side].scenario.to_toml();
        let table = toml.parse::<toml::Table>().unwrap_or_default();
        table.get("protocol").and_then(toml::Value::as_table).cloned().unwrap_or_default()
    };
    let (a, b) = (protocol(0), protocol(1));
    let shown = |value: Option<&toml::Value>| {
        value.map_or_else(|| "nothing".to_owned(), toml::Value::to_string)
    };
    let mut keys: Vec<&String> = a.keys().chain(b.keys()).collect();
    keys.sort_unstable();
    keys.dedup();
    let differs = |key: &&String| a.get(*key) != b.get(*key);
    keys.into_iter()
        .filter(differs)
        .map(|key| format!("protocol.{key}: {} -> {}", shown(a.get(key)), shown(b.get(key))))
        .collect()
}

/// The difference as a share of A.
fn relative(row: &Row) -> Option<f64> {
    let first = row.paired.first;
    (first != 0.0).then(|| row.paired.difference.mean / first.abs())
}

/// A figure as CSV has it; empty if there is none.
fn cell(value: Option<f64>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}
